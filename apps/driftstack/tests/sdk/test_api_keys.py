from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from driftstack import (
    AuthError,
    BadRequestError,
    ConflictError,
    ExpiredKeyError,
    ForbiddenError,
    InvalidKeyError,
    NotFoundError,
    RevokedKeyError,
    ValidationError,
)
from town import Person, Town
from wire import in_, is_about, issue_paths, moment

NOBODYS = "key_0192f0c1-2345-7000-8000-00000000000a"
CUSTOMER_SCOPES = [
    "read",
    "write",
    "admin",
    "account_owner",
    "gui_control",
    "read:sessions",
    "write:sessions",
    "read:profiles",
    "write:profiles",
    "admin:profiles",
    "read:webhooks",
    "write:webhooks",
    "admin:webhooks",
    "read:api-keys",
    "admin:api-keys",
    "read:billing",
    "admin:billing",
    "read:audit",
]


def test_a_key_is_shown_once_and_works(town: Town, olive: Person) -> None:
    key = olive.api.api_keys.create({"name": "  ci  ", "scopes": ["read", "read:audit"]})
    assert key.plaintext.startswith("ds_live_") and key.plaintext.startswith(key.key_prefix)
    assert len(key.key_prefix) < 20
    assert (key.name, set(key.scopes)) == ("ci", {"read", "read:audit"})
    assert (key.last_used_at, key.revoked_at, key.expires_at) == (None, None, None)
    assert is_about(key.created_at, timedelta(0))

    [listed] = olive.api.api_keys.list().data
    assert listed.model_dump() == key.model_dump(exclude={"plaintext"})
    answer = town.raw.get("/v1/api-keys", headers={"authorization": f"Bearer {olive.token}"})
    assert key.plaintext not in answer.text
    assert answer.headers["cache-control"] == "no-store"

    client = town.client(key.plaintext)
    assert client.account.me()["id"] == olive.id
    assert _last_use(olive) is not None


def _last_use(olive: Person) -> Any:
    """The use of a key may be noted a moment after the answer."""
    for _ in range(40):
        [listed] = olive.api.api_keys.list().data
        if listed.last_used_at:
            break
        time.sleep(0.05)
    return listed.last_used_at


def test_every_scope_of_a_customer_comes_back_readable(olive: Person) -> None:
    key = olive.key(*CUSTOMER_SCOPES)
    assert set(key.scopes) == set(CUSTOMER_SCOPES)
    assert len(olive.api.api_keys.list().data) == 1


def test_a_granular_scope_is_not_its_neighbour(town: Town, olive: Person) -> None:
    lister = town.client(olive.key("read:api-keys").plaintext)
    assert len(lister.api_keys.list().data) == 1
    with pytest.raises(ForbiddenError, match="read:audit"):
        lister.audit_log.list()
    with pytest.raises(ForbiddenError, match="account_owner"):
        lister.api_keys.create({"name": "another", "scopes": ["read"]})


def test_the_staff_scope_is_on_no_key(olive: Person) -> None:
    with pytest.raises(ForbiddenError, match="driftstack_internal_admin"):
        olive.key("read", "driftstack_internal_admin")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["read"]}, "name"),
        ({"name": "", "scopes": ["read"]}, "name"),
        ({"name": "x" * 121, "scopes": ["read"]}, "name"),
        ({"name": "ci"}, "scopes"),
        ({"name": "ci", "scopes": []}, "scopes"),
        ({"name": "ci", "scopes": ["read", "read:teams"]}, "scopes"),
        ({"name": "ci", "scopes": ["read"], "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "ci", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "ci", "scopes": ["read"], "expiry": None}, "expiry"),
    ],
)
def test_an_order_that_will_not_do_is_named(bo_once: Person, body: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        bo_once.api.api_keys.create(body)
    assert field in issue_paths(refused.value)


@pytest.fixture(scope="module")
def bo_once(town: Town) -> Person:
    return town.move_in("bo")


def test_a_revoked_key_is_refused_on_the_next_request(town: Town, olive: Person) -> None:
    key = olive.key("read")
    client = town.client(key.plaintext)
    assert client.account.me()["id"] == olive.id
    assert olive.api.api_keys.revoke(key.id) is None
    with pytest.raises(RevokedKeyError) as refused:
        client.account.me()
    assert refused.value.status == 401
    assert olive.api.api_keys.revoke(key.id) is None
    [listed] = olive.api.api_keys.list().data
    assert listed.revoked_at is not None


def test_a_key_may_revoke_itself(town: Town, olive: Person) -> None:
    key = olive.key("account_owner")
    client = town.client(key.plaintext)
    client.api_keys.revoke(key.id)
    with pytest.raises(RevokedKeyError):
        client.api_keys.revoke(key.id)


def test_a_key_stops_at_its_expiry(town: Town, olive: Person) -> None:
    key = olive.key("read", expires_at=in_(seconds=3))
    client = town.client(key.plaintext)
    assert client.account.me()["id"] == olive.id
    time.sleep(3.1)
    with pytest.raises(ExpiredKeyError) as refused:
        client.account.me()
    assert refused.value.status == 401


def test_what_is_no_key_of_ours_is_refused(town: Town, olive: Person) -> None:
    text = olive.key("read").plaintext
    mistyped = text[:-1] + ("a" if text[-1] != "a" else "b")
    for unknown in (mistyped, text[:-1], "ds_live_", "ds_live_" + "x" * 49):
        with pytest.raises(InvalidKeyError) as refused:
            town.client(unknown).account.me()
        assert refused.value.status == 401
    for nothing in ("hello", "v4.local.made-up", olive.token + "x"):
        with pytest.raises(AuthError) as refused:
            town.client(nothing).account.me()
        assert refused.value.status == 401


def test_a_rotated_key_lives_on_for_a_day(town: Town, olive: Person) -> None:
    old = olive.key("read", "read:audit")
    new = olive.api.api_keys.rotate(old.id)
    assert (new.rotated_from, new.name, new.scopes, new.expires_at) == (old.id, old.name, old.scopes, None)
    assert new.id != old.id and new.plaintext != old.plaintext
    assert is_about(moment(new.grace_period_ends_at), timedelta(hours=24))
    for text in (old.plaintext, new.plaintext):
        assert town.client(text).account.me()["id"] == olive.id
    listed = {key.id: key for key in olive.api.api_keys.list().data}
    assert listed[old.id].expires_at == moment(new.grace_period_ends_at)
    assert listed[old.id].revoked_at is None


def test_a_rotation_may_rename(olive: Person) -> None:
    assert olive.api.api_keys.rotate(olive.key("read").id, name="nightly").name == "nightly"


def test_a_rotation_never_lengthens_a_life(olive: Person) -> None:
    old = olive.key("read", expires_at=in_(hours=1))
    new = olive.api.api_keys.rotate(old.id)
    assert moment(new.grace_period_ends_at) == old.expires_at == new.expires_at


def test_a_rotation_spells_the_old_admin_scope_out(olive: Person) -> None:
    assert olive.api.api_keys.rotate(olive.key("admin").id).scopes == ["account_owner"]


def test_a_key_that_is_over_has_no_successor(olive: Person) -> None:
    key = olive.key("read")
    olive.api.api_keys.revoke(key.id)
    with pytest.raises(ConflictError):
        olive.api.api_keys.rotate(key.id)


def test_a_key_of_somebody_else_is_as_good_as_none(olive: Person, bo: Person) -> None:
    key = olive.key("read")
    for attempt in (bo.api.api_keys.revoke, bo.api.api_keys.rotate):
        texts = []
        for unknown in (key.id, NOBODYS):
            with pytest.raises(NotFoundError) as refused:
                attempt(unknown)
            texts.append(str(refused.value))
        assert texts[0] == texts[1]
        with pytest.raises(BadRequestError):
            attempt("not-an-id")


def test_what_happens_to_keys_is_on_the_log(olive: Person) -> None:
    old = olive.key("read")
    new = olive.api.api_keys.rotate(old.id)
    olive.api.api_keys.revoke(old.id)
    entries = [
        (entry["action"], entry["target_resource_id"])
        for entry in olive.api.audit_log.list()["data"]
        if entry["action"].startswith("api_key.")
    ]
    assert entries == [("api_key.revoked", old.id), ("api_key.rotated", new.id), ("api_key.minted", old.id)]


def test_a_body_may_be_missing_where_nothing_in_it_is_asked_for(town: Town, olive: Person) -> None:
    path = f"/v1/api-keys/{olive.key('read').id}/rotate"
    answer = town.raw.post(path, headers={"authorization": f"Bearer {olive.token}"})
    assert answer.status_code == 201, answer.text


def test_a_blank_idempotency_key_is_none(town: Town, olive: Person) -> None:
    headers = {"authorization": f"Bearer {olive.token}", "idempotency-key": ""}
    body = {"name": "ci", "scopes": ["read"]}
    ids = [town.raw.post("/v1/api-keys", headers=headers, json=body).json()["id"] for _ in range(2)]
    assert ids[0] != ids[1]
