"""The organisation dialect, through the HTTP layer of the client that was written for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import breachspider
import pytest
import requests
from breachspider import exceptions as exc
from town import Person, Town


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        # The server is on this machine.
        session.trust_env = False
        yield session


class Door:
    """Makes clients of the dialect."""

    def __init__(self, town: Town, http: requests.Session) -> None:
        self._town, self._http = town, http

    def client(self, token: str, **options: Any) -> breachspider.Client:
        return breachspider.Client(token, base_url=self._town.url, session=self._http, max_retries=0, **options)

    def refused(self, kind: type[exc.APIError], client: breachspider.Client, method: str, path: str, **more: Any) -> Any:
        with pytest.raises(exc.APIError) as refused:
            client.request(method, path, **more)
        assert type(refused.value) is kind, repr(refused.value)
        assert refused.value.request_id and refused.value.request_id.startswith("bs-req-")
        return refused.value


@pytest.fixture
def door(town: Town, http: requests.Session) -> Door:
    return Door(town, http)


def put_on(town: Town, owner: Person, plan: str) -> None:
    done = town.run("admin", "set-plan", owner.email, plan)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def acme(town: Town, olive: Person) -> Person:
    """Olive, whose organisation has everything."""
    put_on(town, olive, "enterprise")
    return olive


def org_of(door: Door, owner: Person) -> int:
    number = door.client(owner.token).request("GET", "account/orgs")["data"]["orgs"][0]["id"]
    assert isinstance(number, int)
    return number


def test_a_key_of_the_dialect_says_who_it_is(door: Door, acme: Person) -> None:
    minted = door.client(acme.token).request("POST", "account/api-keys", json={"name": "ci"})["data"]
    assert re.fullmatch(r"bs_live_[0-9A-Za-z]{50}", minted["key"])
    client = door.client(minted["key"])
    answer = client.request("GET", "account/me")
    assert list(answer) == ["api", "data"]
    assert list(answer["api"]) == ["version", "request_id", "timestamp", "processing_ms"]
    me = answer["data"]
    assert list(me) == [
        "id", "email", "name", "tier", "org_id", "org_name", "created_at", "permissions", "role",
    ]  # fmt: skip
    assert (me["email"], me["tier"], me["role"]) == (acme.email, "enterprise", "owner")
    assert isinstance(me["id"], int) and isinstance(me["org_id"], int)
    assert client.quota is not None and not client.quota.is_unlimited
    assert (client.quota.limit, client.quota.used) == (6000, 6000 - client.quota.remaining)


def test_both_prefixes_open_both_dialects(town: Town, door: Door, acme: Person) -> None:
    theirs = acme.key("account_owner").plaintext
    ours = door.client(theirs).request("POST", "account/api-keys", json={"name": "ci"})["data"]["key"]
    assert theirs.startswith("ds_live_") and ours.startswith("bs_live_")
    for key in (theirs, ours):
        assert town.client(key).account.me()["id"] == acme.id
        assert door.client(key).request("GET", "account/me")["data"]["email"] == acme.email


def test_without_a_credential(door: Door) -> None:
    for token in ("bs_live_nobody", "ds_live_nobody", "nobody"):
        error = door.refused(exc.AuthenticationError, door.client(token), "GET", "account/me")
        assert (error.code, error.retryable, error.action) == ("AUTH_REQUIRED", False, "use_different_key")


def test_a_plan_that_has_no_keys(door: Door, olive: Person) -> None:
    error = door.refused(exc.APIError, door.client(olive.token), "GET", "account/api-keys")
    assert (error.status_code, error.code, error.retryable) == (402, "TIER_GATE", False)
    assert error.detail["feature"] == "api_keys" and error.detail["required_tier"] == "professional"
    assert error.detail["upgrade_url"].startswith("http")


def test_a_viewer_is_told_so_by_session_and_by_key(town: Town, door: Door, acme: Person, ada: Person) -> None:
    membership = town.join(acme, ada, "admin")
    session = door.client(ada.token)
    session.request("PUT", "account/me", json={"org_id": org_of(door, acme)})
    key = session.request("POST", "account/api-keys", json={"name": "ci"})["data"]["key"]
    by_key = door.client(key)
    assert by_key.request("PUT", "account/org", json={"name": "Acme"})["data"]["name"] == "Acme"

    def give(role: str) -> None:
        headers = {"authorization": f"Bearer {acme.token}"}
        town.raw.patch(f"/v1/team/members/{membership}", json={"role": role}, headers=headers).raise_for_status()

    give("member")
    for client in (session, by_key):
        assert client.request("GET", "account/me")["data"]["role"] == "viewer"
        error = door.refused(exc.ForbiddenError, client, "PUT", "account/org", json={"name": "Mine"})
        assert (error.code, error.retryable) == ("viewer_role", False)
    give("admin")
    for client in (session, by_key):
        client.request("PUT", "account/org", json={"name": "Ours"})
    acme.api.team.remove_member(membership)
    assert session.request("GET", "account/me")["data"]["role"] == "owner", "at home"
    door.refused(exc.AuthenticationError, by_key, "GET", "account/me")


def test_a_key_without_the_scope(door: Door, acme: Person) -> None:
    reader = door.client(acme.key("read").plaintext)
    reader.request("GET", "account/api-keys")
    error = door.refused(exc.InsufficientScopeError, reader, "POST", "account/api-keys", json={"name": "x"})
    assert (error.code, error.required_scope) == ("FORBIDDEN", "account_owner or admin")


def test_wrong_fields_are_listed(door: Door, acme: Person) -> None:
    body = {"name": "", "scopes": "read", "colour": "red"}
    error = door.refused(exc.ValidationError, door.client(acme.token), "POST", "account/api-keys", json=body)
    assert error.code == "VALIDATION_ERROR"
    assert {(field["field"], field["type"]) for field in error.fields} == {
        ("name", "value_error"),
        ("scopes", "type_error"),
        ("colour", "extra_forbidden"),
    }
    assert all(field["message"] in str(error) for field in error.fields)


def test_nothing_there_and_another_method(door: Door, acme: Person) -> None:
    client = door.client(acme.token)
    assert door.refused(exc.NotFoundError, client, "GET", "cves").code == "NOT_FOUND"
    gone = "account/api-keys/key_0192f0c1-2345-7000-8000-00000000dead"
    assert door.refused(exc.NotFoundError, client, "DELETE", gone).code == "NOT_FOUND"
    error = door.refused(exc.APIError, client, "POST", "account/me", json={})
    assert (error.status_code, error.code) == (405, "METHOD_NOT_ALLOWED")


def test_too_many_requests_for_the_plan(town: Town, door: Door, http: requests.Session) -> None:
    free = town.move_in("free")
    client = door.client(free.token)
    with pytest.raises(exc.RateLimitError) as refused:
        for _ in range(13):
            client.request("GET", "account/me")
    error = refused.value
    assert (error.code, error.retryable, error.action) == ("RATE_LIMITED", True, "retry_later")
    assert error.retry_after_seconds is not None and 1 <= error.retry_after_seconds <= 6
    assert client.quota is not None and (client.quota.limit, client.quota.remaining) == (10, 0)
    # The client as it comes waits for as long as it is told, and gets through.
    patient = breachspider.Client(free.token, base_url=town.url, session=http, max_retries=3)
    assert patient.request("GET", "account/me")["data"]["email"] == free.email


def test_the_key_is_in_no_message(door: Door) -> None:
    client = door.client("bs_live_secretsecret")
    assert "secretsecret" not in str(door.refused(exc.AuthenticationError, client, "GET", "account/me"))
