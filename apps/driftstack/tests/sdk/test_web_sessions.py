"""The list of sign-ins, and ending them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from driftstack import AuthError, BadRequestError, ForbiddenError, NotFoundError
from town import Person, Town
from wire import is_about, is_id, moment

FIELDS = {"id", "os", "browser", "created_at", "expires_at", "last_used_at", "current"}


def test_sign_ins_are_listed(olive: Person) -> None:
    olive.sign_in()
    newest, oldest = olive.api.account.list_web_sessions()["data"]
    assert set(newest) == FIELDS and is_id(newest["id"], "wsess")
    assert (newest["current"], oldest["current"]) == (False, True)
    assert is_about(moment(newest["created_at"]), timedelta(0))
    assert is_about(moment(newest["expires_at"]), timedelta(days=30))


def test_a_sign_in_is_ended_on_its_next_request(town: Town, olive: Person) -> None:
    other = town.client(olive.sign_in())
    [ended] = [row["id"] for row in olive.api.account.list_web_sessions()["data"] if not row["current"]]
    assert olive.api.account.revoke_web_session(ended) is None
    with pytest.raises(AuthError) as over:
        other.account.me()
    assert over.value.status == 401
    assert olive.api.account.revoke_web_session(ended) is None, "ending it twice is ending it once"
    [entry] = olive.api.audit_log.iterate(action="account.web_session_revoked")
    assert entry["target_resource_id"] == ended


def test_a_sign_in_of_somebody_else_is_as_good_as_none(olive: Person, bo: Person) -> None:
    [own] = olive.api.account.list_web_sessions()["data"]
    texts = []
    for unknown in (own["id"], "wsess_0192f0c1-2345-7000-8000-00000000000a"):
        with pytest.raises(NotFoundError) as refused:
            bo.api.account.revoke_web_session(unknown)
        texts.append(str(refused.value))
    assert texts[0] == texts[1]
    with pytest.raises(BadRequestError):
        bo.api.account.revoke_web_session("not-an-id")
    assert olive.api.account.me()["id"] == olive.id


def test_all_but_this_one_end(town: Town, olive: Person) -> None:
    others = [town.client(olive.sign_in()) for _ in range(2)]
    key = town.client(olive.key("account_owner").plaintext)
    with pytest.raises(ForbiddenError, match="sign in"):
        key.account.revoke_all_other_web_sessions()
    olive.api.account.revoke_all_other_web_sessions()
    for other in others:
        with pytest.raises(AuthError):
            other.account.me()
    [left] = olive.api.account.list_web_sessions()["data"]
    assert left["current"] is True
    assert key.account.me()["id"] == olive.id


async def test_the_async_client_ends_sign_ins_too(town: Town, olive: Person) -> None:
    one, other = olive.sign_in(), olive.sign_in()
    async with (
        town.async_client(olive.token) as client,
        town.async_client(one) as first,
        town.async_client(other) as second,
    ):
        newest = (await client.account.list_web_sessions())["data"][0]
        await client.account.revoke_web_session(newest["id"])
        with pytest.raises(AuthError):
            await second.account.me()
        assert (await first.account.me())["id"] == olive.id
        await client.account.revoke_all_other_web_sessions()
        with pytest.raises(AuthError):
            await first.account.me()
        assert len((await client.account.list_web_sessions())["data"]) == 1
