from __future__ import annotations

from typing import Any

import pytest
from driftstack import ConflictError, ForbiddenError, ValidationError
from town import Person, Town
from wire import is_id, issue_paths, moment

ME = {
    "id",
    "email",
    "name",
    "tier",
    "status",
    "timezone",
    "slug",
    "region",
    "onboarding_completed_at",
    "avatar_url",
    "avatar_source",
    "mfa_enrolled",
    "concurrent_session_cap",
    "concurrent_session_active",
    "profile_cap",
    "profile_count",
    "teams",
}


def test_me_carries_every_field(town: Town) -> None:
    me = town.move_in("free", tier="free").api.account.me()
    assert set(me) >= ME
    assert is_id(me["id"], "acc")
    assert (me["tier"], me["status"], me["avatar_source"], me["mfa_enrolled"]) == ("free", "active", "none", False)
    assert (me["concurrent_session_cap"], me["concurrent_session_active"]) == (1, 0)
    assert (me["profile_cap"], me["profile_count"]) == (1, 0)
    assert me["teams"] == []


def test_an_unlimited_cap_is_null(olive: Person) -> None:
    me = olive.api.account.me()
    assert (me["tier"], me["concurrent_session_cap"], me["profile_cap"]) == ("enterprise", 32, None)


def test_an_absent_field_is_kept_and_null_clears(town: Town, olive: Person) -> None:
    slug = town.address("slug").split("@")[0]
    everything = {"name": "Acme B.V.", "timezone": "Europe/Amsterdam", "slug": slug, "region": "eu"}
    assert olive.api.account.update_me(everything).items() >= everything.items()

    after = olive.api.account.update_me({"slug": None})
    assert after.items() >= {**everything, "slug": None}.items()
    assert after == olive.api.account.me()

    cleared = olive.api.account.update_me({"name": None, "timezone": None, "region": None})
    assert cleared.items() >= dict.fromkeys(everything).items()
    assert [entry["payload"]["fields"] for entry in olive.api.audit_log.iterate(action="account.updated")] == [
        ["name", "timezone", "region"],
        ["slug"],
        ["name", "timezone", "slug", "region"],
    ]


def test_a_name_is_trimmed(olive: Person) -> None:
    assert olive.api.account.update_me({"name": "  Acme  "})["name"] == "Acme"


def test_onboarding_is_completed_once(olive: Person) -> None:
    first = olive.api.account.update_me({"onboarding_completed": True})["onboarding_completed_at"]
    moment(first)
    assert olive.api.account.update_me({"onboarding_completed": True})["onboarding_completed_at"] == first


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 121),
        ("name", "tab\there"),
        ("name", 7),
        ("timezone", "Mars/Olympus"),
        ("slug", "ab"),
        ("slug", "x" * 33),
        ("slug", "-acme"),
        ("slug", "acme-"),
        ("slug", "ac--me"),
        ("slug", "ac_me"),
        ("slug", "Acme"),
        ("slug", "admin"),
        ("region", "mars"),
        ("onboarding_completed", False),
        ("nmae", "Acme"),
    ],
)
def test_a_value_that_will_not_do_is_named(bo_once: Person, field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        bo_once.api.account.update_me({field: value})
    assert refused.value.status == 400
    assert field in issue_paths(refused.value)


@pytest.fixture(scope="module")
def bo_once(town: Town) -> Person:
    return town.move_in("bo")


def test_an_empty_update_is_refused(olive: Person) -> None:
    with pytest.raises(ValidationError):
        olive.api.account.update_me({})


def test_a_slug_belongs_to_one_account(town: Town, olive: Person, bo: Person) -> None:
    slug = town.address("taken").split("@")[0]
    olive.api.account.update_me({"slug": slug})
    assert olive.api.account.update_me({"slug": slug})["slug"] == slug
    with pytest.raises(ConflictError) as taken:
        bo.api.account.update_me({"slug": slug})
    assert taken.value.status == 409
    olive.api.account.update_me({"slug": None})
    assert bo.api.account.update_me({"slug": slug})["slug"] == slug


def test_a_reading_key_reads_and_edits_not(town: Town, olive: Person) -> None:
    reader = town.client(olive.key("read").plaintext)
    assert reader.account.me()["id"] == olive.id
    with pytest.raises(ForbiddenError, match="account_owner"):
        reader.account.update_me({"name": "Somebody else"})


def test_a_writing_key_reads_not(town: Town, olive: Person) -> None:
    with pytest.raises(ForbiddenError, match="read"):
        town.client(olive.key("write").plaintext).account.me()


@pytest.mark.parametrize("workspace", ["acc_0192f0c1-2345-7000-8000-00000000000a", "not-an-id"])
def test_ones_own_account_ignores_the_workspace(town: Town, olive: Person, workspace: str) -> None:
    client = town.client(olive.token, effective_account=workspace)
    assert client.account.me()["id"] == olive.id
    assert client.account.update_me({"name": "Still Olive"})["id"] == olive.id
    assert client.account.rate_limits()["tier"] == "enterprise"
    assert client.team.list_teams().data[0].owner_account_id == olive.id


def test_rate_limits_are_those_of_the_tier(town: Town) -> None:
    limits = town.move_in("free", tier="free").api.account.rate_limits()
    buckets = {bucket.pop("bucket_key"): bucket for bucket in limits["buckets"]}
    rest = {"source": "tier_default", "override_expires_at": None}
    assert limits["tier"] == "free"
    assert buckets["global"] == {"capacity": 60, "refill_per_second": 1, **rest}
    refill = buckets["sessions:create"].pop("refill_per_second")
    assert refill == pytest.approx(1 / 60)
    assert buckets["sessions:create"] == {"capacity": 5, **rest}
