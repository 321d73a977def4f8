"""The same through the asynchronous client, and what happens when several calls come at once."""

from __future__ import annotations

import asyncio

import pytest
from driftstack import (
    AsyncDriftstack,
    ConflictError,
    ForbiddenError,
    InvalidAuthTokenError,
    NotFoundError,
    RevokedKeyError,
    TeamMember,
)
from town import Person, Town


async def test_a_team_from_invite_to_removal(town: Town, olive: Person, ada: Person) -> None:
    async with (
        town.async_client(olive.token) as olives,
        town.async_client(ada.token) as adas,
        town.async_client(ada.token, effective_account=olive.id) as at_olives,
    ):
        await olives.team.invite(ada.email, role="admin")
        assert len((await olives.team.list_invites()).data) == 1
        [token] = town.mailbox.tokens(ada.email)
        membership = (await adas.team.accept_invite(token)).membership
        assert (await olives.team.list_members()).data == [membership]
        assert (await adas.team.list_owners()).data[0].owner_account_id == olive.id

        key = await at_olives.api_keys.create({"name": "ada's", "scopes": ["read"]})
        async with town.async_client(key.plaintext) as borrowed:
            assert (await borrowed.account.me())["id"] == olive.id
            assert await olives.team.remove_member(membership.id) is None
            with pytest.raises(RevokedKeyError):
                await borrowed.account.me()
        with pytest.raises(ForbiddenError):
            await at_olives.api_keys.list()

        [team] = (await olives.team.list_teams()).data
        assert (await olives.team.rename_team(team.id, "Olives")).team.name == "Olives"
        with pytest.raises(NotFoundError):
            await adas.team.rename_team(team.id, "Mine now")


async def test_an_account_its_keys_and_its_log(town: Town, olive: Person) -> None:
    async with town.async_client(olive.token) as client:
        assert (await client.account.update_me({"name": None}))["name"] is None
        assert (await client.account.rate_limits())["tier"] == "enterprise"

        old = await client.api_keys.create({"name": "ci", "scopes": ["read"]})
        new = await client.api_keys.rotate(old.id, name="ci, again")
        assert (new.rotated_from, new.name) == (old.id, "ci, again")
        assert await client.api_keys.revoke(old.id) is None
        assert {key.id for key in (await client.api_keys.list()).data} == {old.id, new.id}

        assert await client.email_preferences.opt_out("tier-changed") is None
        assert await client.email_preferences.opt_in("tier-changed") is None
        assert all(row["opted_in"] for row in (await client.email_preferences.list())["data"])

        whole = (await client.audit_log.list(limit=100))["data"]
        assert [entry async for entry in client.audit_log.iterate(limit=2)] == whole
        export = await client.audit_log.export()
        assert [entry["id"] for entry in export["data"]] == [entry["id"] for entry in whole]


async def test_of_two_accepts_at_once_one_wins(town: Town, olive: Person, ada: Person) -> None:
    olive.api.team.invite(ada.email)
    [token] = town.mailbox.tokens(ada.email)

    async def accept(client: AsyncDriftstack) -> TeamMember:
        return (await client.team.accept_invite(token)).membership

    async with town.async_client(ada.token) as one, town.async_client(ada.token) as other:
        results = await asyncio.gather(accept(one), accept(other), return_exceptions=True)
    memberships = [result for result in results if isinstance(result, TeamMember)]
    refusals = [result for result in results if not isinstance(result, TeamMember)]
    assert len(memberships) == 1, results
    assert isinstance(refusals[0], (InvalidAuthTokenError, ConflictError)), refusals
    assert olive.api.team.list_members().data == memberships


async def test_of_two_claims_of_a_slug_at_once_one_wins(town: Town, olive: Person, bo: Person) -> None:
    slug = town.address("race").split("@")[0]
    async with town.async_client(olive.token) as olives, town.async_client(bo.token) as bos:
        results = await asyncio.gather(
            olives.account.update_me({"slug": slug}), bos.account.update_me({"slug": slug}), return_exceptions=True
        )
    assert sorted(type(result).__name__ for result in results) == ["ConflictError", "dict"], results


async def test_edits_at_once_all_land(town: Town, olive: Person) -> None:
    async with town.async_client(olive.token) as client:
        await asyncio.gather(*(client.api_keys.create({"name": f"n{n}", "scopes": ["read"]}) for n in range(8)))
    assert {key.name for key in olive.api.api_keys.list().data} == {f"n{n}" for n in range(8)}
    assert olive.api.audit_log.export()["row_count"] == len(olive.api.audit_log.list(limit=100)["data"])
