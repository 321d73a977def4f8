"""Profiles, as the published client knows them."""

from __future__ import annotations

import pytest
from driftstack import ConflictError, ForbiddenError, NotFoundError, QuotaExceededError, ValidationError
from town import Person, Town
from wire import is_id, issue_paths, moment


def test_a_profile_is_kept_changed_and_deleted(olive: Person, town: Town) -> None:
    client = town.client(olive.key("write:profiles", "read:profiles").plaintext)
    profile = client.profiles.create({"name": "Shop", "description": "for the shop", "metadata": {"a": 1}})
    assert is_id(profile["id"], "prof") and profile["account_id"] == olive.id
    assert moment(profile["created_at"]) == moment(profile["updated_at"])
    assert client.profiles.get(profile["id"]) == profile
    assert olive.api.account.me()["profile_count"] == 1

    changed = client.profiles.update(profile["id"], {"name": "Other", "description": None})
    assert (changed["name"], changed["description"], changed["metadata"]) == ("Other", None, {"a": 1})
    client.profiles.delete(profile["id"])
    client.profiles.delete(profile["id"])
    with pytest.raises(NotFoundError):
        client.profiles.get(profile["id"])
    assert olive.api.account.me()["profile_count"] == 0
    actions = [entry["action"] for entry in olive.api.audit_log.list(limit=3)["data"]]
    assert actions == ["profile.deleted", "profile.updated", "profile.created"]


def test_all_of_them_are_walked(olive: Person) -> None:
    kept = [olive.api.profiles.create({"name": f"profile {n}"})["id"] for n in range(5)]
    assert [profile["id"] for profile in olive.api.profiles.iterate(limit=2)] == kept[::-1]


def test_a_full_account_refuses(town: Town) -> None:
    free = town.move_in("free", tier="free")
    free.api.profiles.create({"name": "one"})
    with pytest.raises(QuotaExceededError) as refused:
        free.api.profiles.create({"name": "two"})
    assert (refused.value.status, refused.value.current, refused.value.limit) == (429, 1, 1)
    assert refused.value.problem["record_type"] == refused.value.problem["resource"] == "profile"


def test_what_is_wrong_is_named(olive: Person, bo: Person) -> None:
    profile = olive.api.profiles.create({"name": "shop"})
    with pytest.raises(ConflictError):
        olive.api.profiles.create({"name": "shop"})
    with pytest.raises(ValidationError) as refused:
        olive.api.profiles.create({"name": "x", "archtype": "abc"})
    assert issue_paths(refused.value) == "archtype"
    with pytest.raises(NotFoundError):
        bo.api.profiles.get(profile["id"])


def test_a_profile_on_which_something_runs_stays(olive: Person) -> None:
    profile = olive.api.profiles.create({"name": "shop"})
    session = olive.api.sessions.create({"profile_id": profile["id"]})
    with pytest.raises(ConflictError) as refused:
        olive.api.profiles.delete(profile["id"])
    assert refused.value.problem["active_session_id"] == session.id
    olive.api.sessions.destroy(session.id)
    olive.api.profiles.delete(profile["id"])


def test_members_read_and_admins_write(town: Town, olive: Person, ada: Person, bo: Person) -> None:
    town.join(olive, ada, "admin")
    town.join(olive, bo, "member")
    profile = ada.at(olive).profiles.create({"name": "shop"})
    assert [listed["id"] for listed in bo.at(olive).profiles.list()["data"]] == [profile["id"]]
    for attempt in (
        lambda: bo.at(olive).profiles.create({"name": "mine"}),
        lambda: bo.at(olive).profiles.update(profile["id"], {"name": "mine"}),
        lambda: bo.at(olive).profiles.delete(profile["id"]),
    ):
        with pytest.raises(ForbiddenError, match="admin"):
            attempt()
