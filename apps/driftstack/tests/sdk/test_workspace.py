"""Acting on the account of somebody else: `effective_account`."""

from __future__ import annotations

import pytest
from driftstack import BadRequestError, ForbiddenError
from town import Person, Town

NOBODY = "acc_0192f0c1-2345-7000-8000-00000000000a"


def test_a_member_reads_and_writes_not(town: Town, olive: Person, ada: Person) -> None:
    town.join(olive, ada, "member")
    key = olive.key("read")
    at_olives = ada.at(olive)
    assert [listed.id for listed in at_olives.api_keys.list().data] == [key.id]
    assert {entry["account_id"] for entry in at_olives.audit_log.list()["data"]} == {olive.id}
    assert at_olives.audit_log.export()["account_id"] == olive.id
    assert len(at_olives.email_preferences.list()["data"]) == 6
    for attempt in (
        lambda: at_olives.api_keys.create({"name": "mine", "scopes": ["read"]}),
        lambda: at_olives.api_keys.rotate(key.id),
        lambda: at_olives.api_keys.revoke(key.id),
        lambda: at_olives.email_preferences.opt_out("tier-changed"),
    ):
        with pytest.raises(ForbiddenError, match="admin"):
            attempt()


def test_an_admin_writes_on_the_owners_account(town: Town, olive: Person, ada: Person) -> None:
    town.join(olive, ada, "admin")
    key = ada.key("read", on=olive)
    assert [listed.id for listed in olive.api.api_keys.list().data] == [key.id]
    assert ada.api.api_keys.list().data == []

    [minted] = olive.api.audit_log.iterate(action="api_key.minted")
    assert (minted["account_id"], minted["actor_account_id"]) == (olive.id, ada.id)
    assert minted["actor_key_id"].startswith("wsk_")
    assert minted["target_resource_id"] == key.id

    ada.at(olive).email_preferences.opt_out("tier-changed")
    assert {"event_type": "tier-changed", "opted_in": False} in olive.api.email_preferences.list()["data"]
    assert {"event_type": "tier-changed", "opted_in": True} in ada.api.email_preferences.list()["data"]
    ada.at(olive).api_keys.revoke(key.id)


@pytest.mark.parametrize("scope", ["account_owner", "admin", "admin:api-keys"])
def test_an_admin_does_not_hand_out_what_is_the_owners(town: Town, olive: Person, ada: Person, scope: str) -> None:
    town.join(olive, ada, "admin")
    with pytest.raises(ForbiddenError, match=scope):
        ada.key("read", scope, on=olive)
    key = olive.key(scope)
    with pytest.raises(ForbiddenError):
        ada.at(olive).api_keys.rotate(key.id)


def test_a_key_that_a_member_minted_stays_in_the_members_hands(
    town: Town, olive: Person, ada: Person, bo: Person
) -> None:
    town.join(olive, ada, "admin")
    text = ada.key("read", "write", on=olive).plaintext
    borrowed = town.client(text)
    assert borrowed.account.me()["id"] == olive.id
    with pytest.raises(ForbiddenError):
        borrowed.account.update_me({"name": "Ada was here"})
    borrowed.email_preferences.opt_out("tier-changed")
    [entry] = olive.api.audit_log.iterate(action="account.email_preferences_changed")
    assert (entry["actor_account_id"], entry["actor_key_id"][:4]) == (ada.id, "key_")
    for elsewhere in (ada, bo):
        with pytest.raises(ForbiddenError):
            town.client(text, effective_account=elsewhere.id).api_keys.list()


def test_a_stranger_learns_nothing(olive: Person, bo: Person, town: Town) -> None:
    texts = []
    for workspace in (olive.id, NOBODY):
        with pytest.raises(ForbiddenError) as refused:
            town.client(bo.token, effective_account=workspace).api_keys.list()
        assert refused.value.status == 403
        texts.append(str(refused.value))
    assert texts[0] == texts[1]


def test_a_membership_opens_one_door_only(town: Town, olive: Person, ada: Person) -> None:
    town.join(olive, ada, "admin")
    with pytest.raises(ForbiddenError):
        olive.at(ada).api_keys.list()


def test_a_malformed_workspace_is_a_bad_request(town: Town, olive: Person) -> None:
    for malformed in ("not-an-id", olive.id.removeprefix("acc_"), olive.id.replace("acc_", "key_")):
        with pytest.raises(BadRequestError) as refused:
            town.client(olive.token, effective_account=malformed).api_keys.list()
        assert refused.value.status == 400


def test_ones_own_id_is_a_workspace(olive: Person) -> None:
    assert olive.at(olive).api_keys.list().data == []
    olive.at(olive).email_preferences.opt_out("tier-changed")


def test_the_scopes_of_the_credential_count_there_too(town: Town, olive: Person, ada: Person) -> None:
    town.join(olive, ada, "admin")
    reader = town.client(ada.key("read:api-keys").plaintext, effective_account=olive.id)
    assert reader.api_keys.list().data == []
    with pytest.raises(ForbiddenError, match="read:audit"):
        reader.audit_log.list()
