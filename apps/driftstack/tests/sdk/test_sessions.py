"""Sessions, as the published client knows them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from driftstack import ConcurrencyLimitError, ForbiddenError, NotFoundError, RateLimitError, ValidationError
from driftstack._generated.models import CreateSessionRequest
from town import Person, Town
from wire import is_id, issue_paths

NOBODY = "ses_0192f0c1-2345-7000-8000-00000000000a"


def test_a_session_begins_and_ends(olive: Person, town: Town) -> None:
    key = olive.key("write:sessions", "read:sessions")
    client = town.client(key.plaintext)
    order = CreateSessionRequest(
        archetype="iphone_15",
        purpose="test_domain_probe",
        label="nightly",
        metadata={"run": 7},
        behavioral_profile="casual",
    )
    session = client.sessions.create(order)
    assert is_id(session.id, "ses") and session.account_id == olive.id and session.api_key_id == key.id
    assert (session.status, session.archetype, session.purpose) == ("ready", "iphone_15", "test_domain_probe")
    assert (session.label, session.metadata, session.destroyed_at) == ("nightly", {"run": 7}, None)
    assert olive.api.account.me()["concurrent_session_active"] == 1

    assert client.sessions.get(session.id).model_dump() == session.model_dump()
    client.sessions.destroy(session.id)
    client.sessions.destroy(session.id)
    ended = client.sessions.get(session.id)
    assert ended.status == "destroyed" and ended.destroyed_at == ended.updated_at
    assert olive.api.account.me()["concurrent_session_active"] == 0
    actions = [entry["action"] for entry in olive.api.audit_log.list(limit=2)["data"]]
    assert actions == ["session.destroyed", "session.created"]


def test_a_web_session_may_begin_one_too(olive: Person) -> None:
    session = olive.api.sessions.create()
    assert is_id(session.api_key_id, "key")
    assert [listed.id for listed in olive.api.sessions.list().data] == [session.id]


def test_all_of_them_are_walked(olive: Person) -> None:
    begun = [olive.api.sessions.create().id for _ in range(5)]
    olive.api.sessions.destroy(begun[2])
    assert [session.id for session in olive.api.sessions.iterate(limit=2)] == begun[::-1]
    page = olive.api.sessions.list({"limit": 2})
    assert len(page.data) == 2 and page.has_more and page.next_cursor


def test_a_full_account_refuses(town: Town) -> None:
    small = town.move_in("small", tier="team_manual")
    first = small.api.sessions.create()
    small.api.sessions.create()
    small.api.sessions.create()
    with pytest.raises(ConcurrencyLimitError) as refused:
        small.api.sessions.create()
    assert (refused.value.status, refused.value.current_sessions, refused.value.limit) == (429, 3, 3)
    small.api.sessions.destroy(first.id)
    small.api.sessions.create()


def test_many_at_once_do_not_exceed_the_cap(town: Town) -> None:
    busy = town.move_in("busy", tier="api_scale")

    def begin(_: int) -> bool:
        try:
            busy.api.sessions.create()
        except ConcurrencyLimitError:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(begin, range(60))) == 24


def test_a_bad_order_is_refused(olive: Person) -> None:
    with pytest.raises(ValidationError) as refused:
        olive.api.sessions.create({"archetype": "NO"})
    assert issue_paths(refused.value) == "archetype"
    with pytest.raises(ValidationError) as refused:
        olive.api.sessions.create({"lable": "x"})
    assert issue_paths(refused.value) == "lable"
    for call in (olive.api.sessions.get, olive.api.sessions.destroy):
        with pytest.raises(NotFoundError):
            call(NOBODY)


def test_a_team_works_on_the_owners_account(town: Town, olive: Person, ada: Person, bo: Person) -> None:
    town.join(olive, ada, "admin")
    town.join(olive, bo, "member")
    session = ada.at(olive).sessions.create()
    assert session.account_id == olive.id
    assert [listed.id for listed in bo.at(olive).sessions.list().data] == [session.id]
    assert ada.api.sessions.list().data == []
    with pytest.raises(ForbiddenError, match="admin"):
        bo.at(olive).sessions.create()
    with pytest.raises(ForbiddenError, match="admin"):
        bo.at(olive).sessions.destroy(session.id)
    ada.at(olive).sessions.destroy(session.id)


def test_a_profile_is_the_owners_alone_to_begin_on(town: Town, olive: Person, ada: Person) -> None:
    town.join(olive, ada, "admin")
    profile = olive.api.profiles.create({"name": "shop", "archetype": "pixel_8"})
    order = {"profile_id": profile["id"]}
    for client in (ada.at(olive), town.client(ada.key("write:sessions", on=olive).plaintext)):
        with pytest.raises(ForbiddenError, match="only the owner"):
            client.sessions.create(order)
    with pytest.raises(NotFoundError):
        ada.api.sessions.create(order)
    assert olive.api.sessions.create(order).archetype == "pixel_8"


def test_a_team_shares_one_budget_and_learns_nothing_of_it(town: Town, ada: Person) -> None:
    owner = town.move_in("owner", tier="free")
    town.join(owner, ada, "admin")
    refusals: list[Exception] = []
    for _ in range(12):
        try:
            ada.at(owner).sessions.create()
        except (ConcurrencyLimitError, RateLimitError) as refused:
            refusals.append(refused)
    limited = refusals[-1]
    assert isinstance(limited, RateLimitError) and limited.retry_after_seconds == 10
    assert set(limited.problem) == {"type", "title", "status", "detail", "instance", "retry_after_seconds"}
    ada.api.sessions.create()
