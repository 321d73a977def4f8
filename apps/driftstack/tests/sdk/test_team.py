from __future__ import annotations

from datetime import timedelta

import pytest
from driftstack import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    InvalidAuthTokenError,
    NotFoundError,
    RevokedKeyError,
    ValidationError,
)
from town import Person, Town
from wire import is_about, is_id, issue_paths, moment

NOBODYS = "0192f0c1-2345-7000-8000-00000000000a"


def test_an_invite_becomes_a_membership(town: Town, olive: Person, ada: Person) -> None:
    assert olive.api.team.list_members().data == []
    assert olive.api.team.invite(ada.email, role="admin")["message"]

    [invite] = olive.api.team.list_invites().data
    assert is_id(invite.id, "inv")
    assert (invite.owner_account_id, invite.invitee_email, invite.role) == (olive.id, ada.email, "admin")
    assert (invite.invited_by_account_id, invite.accepted_at) == (olive.id, None)
    assert is_about(moment(invite.created_at), timedelta(0))
    assert is_about(moment(invite.expires_at), timedelta(days=7))

    [token] = town.mailbox.tokens(ada.email)
    membership = ada.api.team.accept_invite(token).membership
    assert is_id(membership.id, "mem")
    assert (membership.owner_account_id, membership.member_account_id) == (olive.id, ada.id)
    assert (membership.member_email, membership.role) == (ada.email, "admin")
    assert membership.invited_by_account_id == olive.id
    assert moment(membership.invited_at) <= moment(membership.accepted_at)

    assert olive.api.team.list_members().data == [membership]
    assert olive.api.team.list_invites().data == []
    [owner] = ada.api.team.list_owners().data
    assert (owner.owner_account_id, owner.owner_email, owner.owner_name) == (olive.id, olive.email, "Olive")
    assert (owner.role, owner.membership_id) == ("admin", membership.id)
    assert ada.api.account.me()["teams"] == [owner.model_dump()]

    with pytest.raises(InvalidAuthTokenError):
        ada.api.team.accept_invite(token)
    with pytest.raises(ConflictError):
        olive.api.team.invite(ada.email)


def test_a_role_that_is_not_named_is_member(town: Town, olive: Person, ada: Person) -> None:
    olive.api.team.invite(ada.email)
    assert olive.api.team.list_invites().data[0].role == "member"


def test_a_second_invite_voids_the_first(town: Town, olive: Person, ada: Person) -> None:
    olive.api.team.invite(ada.email, role="member")
    [first] = town.mailbox.tokens(ada.email)
    olive.api.team.invite(ada.email, role="admin")
    second = town.mailbox.tokens(ada.email, count=2)[-1]
    assert [invite.role for invite in olive.api.team.list_invites().data] == ["admin"]
    with pytest.raises(InvalidAuthTokenError) as void:
        ada.api.team.accept_invite(first)
    assert void.value.status == 400
    assert ada.api.team.accept_invite(second).membership.role == "admin"


def test_an_invite_is_for_the_address_it_was_sent_to(town: Town, olive: Person, ada: Person, bo: Person) -> None:
    olive.api.team.invite(ada.email)
    [token] = town.mailbox.tokens(ada.email)
    with pytest.raises(ConflictError):
        bo.api.team.accept_invite(token)
    assert ada.api.team.accept_invite(token).membership.member_account_id == ada.id


def test_a_token_that_nobody_mailed_joins_nothing(ada: Person) -> None:
    with pytest.raises(InvalidAuthTokenError):
        ada.api.team.accept_invite("never-mailed")


def test_an_invite_that_makes_no_sense_is_refused(olive: Person) -> None:
    with pytest.raises((ValidationError, BadRequestError)) as own:
        olive.api.team.invite(olive.email)
    assert own.value.status == 400
    with pytest.raises(ValidationError) as address:
        olive.api.team.invite("not an address")
    assert "email" in issue_paths(address.value)
    with pytest.raises(ValidationError) as role:
        olive.api.team.invite("somebody@example.com", role="owner")  # type: ignore[arg-type]
    assert "role" in issue_paths(role.value)
    assert olive.api.team.list_invites().data == []


def test_removing_a_member_takes_effect_on_their_next_request(town: Town, olive: Person, ada: Person) -> None:
    membership = town.join(olive, ada, "admin")
    minted = ada.key("read", on=olive)
    kept = olive.key("read")
    own = ada.key("read")
    assert town.client(minted.plaintext).account.me()["id"] == olive.id

    assert olive.api.team.remove_member(membership) is None
    with pytest.raises(ForbiddenError):
        ada.at(olive).api_keys.list()
    with pytest.raises(RevokedKeyError):
        town.client(minted.plaintext).account.me()
    assert town.client(kept.plaintext).account.me()["id"] == olive.id
    assert town.client(own.plaintext).account.me()["id"] == ada.id
    assert (olive.api.team.list_members().data, ada.api.team.list_owners().data) == ([], [])

    assert olive.api.team.remove_member(membership) is None
    [entry] = olive.api.audit_log.iterate(action="team.member_removed")
    assert entry["payload"]["revoked_api_keys"] == [minted.id]


def test_a_membership_of_somebody_else_is_as_good_as_none(town: Town, olive: Person, ada: Person, bo: Person) -> None:
    membership = town.join(olive, ada, "member")
    texts = []
    for unknown in (membership, f"mem_{NOBODYS}"):
        with pytest.raises(NotFoundError) as refused:
            bo.api.team.remove_member(unknown)
        texts.append(str(refused.value))
    assert texts[0] == texts[1]
    with pytest.raises(BadRequestError):
        bo.api.team.remove_member("not-an-id")


def test_every_account_has_one_team_that_its_owner_renames(olive: Person) -> None:
    [team] = olive.api.team.list_teams().data
    assert is_id(team.id, "team")
    assert (team.owner_account_id, team.slug) == (olive.id, None)
    assert moment(team.created_at) <= moment(team.updated_at)

    renamed = olive.api.team.rename_team(team.id, "  The Olives  ").team
    assert (renamed.id, renamed.name, renamed.created_at) == (team.id, "The Olives", team.created_at)
    assert olive.api.team.list_teams().data == [renamed]
    assert [entry["target_resource_id"] for entry in olive.api.audit_log.iterate(action="team.updated")] == [team.id]


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_team_has_a_name(olive: Person, name: str) -> None:
    [team] = olive.api.team.list_teams().data
    with pytest.raises(ValidationError) as refused:
        olive.api.team.rename_team(team.id, name)
    assert "name" in issue_paths(refused.value)


def test_a_team_of_somebody_else_is_as_good_as_none(olive: Person, bo: Person) -> None:
    [team] = olive.api.team.list_teams().data
    texts = []
    for unknown in (team.id, f"team_{NOBODYS}"):
        with pytest.raises(NotFoundError) as refused:
            bo.api.team.rename_team(unknown, "Mine now")
        texts.append(str(refused.value))
    assert texts[0] == texts[1]
    with pytest.raises(BadRequestError):
        bo.api.team.rename_team("not-an-id", "Mine now")


def test_only_the_owners_scope_invites_renames_and_removes(town: Town, olive: Person) -> None:
    writer = town.client(olive.key("read", "write").plaintext)
    [team] = writer.team.list_teams().data
    for attempt in (
        lambda: writer.team.invite("somebody@example.com"),
        lambda: writer.team.rename_team(team.id, "Renamed"),
        lambda: writer.team.remove_member(f"mem_{NOBODYS}"),
    ):
        with pytest.raises(ForbiddenError, match="account_owner"):
            attempt()
