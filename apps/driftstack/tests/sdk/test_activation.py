"""A command line gets its key without anybody typing one."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

import pytest
from driftstack import ConflictError, ForbiddenError, NotFoundError
from town import Town
from wire import is_about, moment


def test_a_device_begins_is_bound_and_collects_its_key_once(town: Town) -> None:
    olive = town.move_in("olive")
    device, state = town.client().auth, secrets.token_urlsafe(24)
    begun = device.cli_authorize_initiate({"state": state, "client_label": "olive's laptop"})
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", begun["user_code"])
    assert begun["browser_url"].endswith("/cli-authorize")
    assert is_about(moment(begun["expires_at"]), timedelta(minutes=10))

    poll = {"code": begun["code"], "state": state}
    assert device.cli_authorize_exchange(poll)["status"] == "pending"
    bound = olive.api.auth.cli_authorize_bind({"user_code": begun["user_code"]})
    assert bound["client_label"] == "olive's laptop"
    assert is_about(moment(bound["expires_at"]), timedelta(minutes=2), tolerance=30)

    assert device.cli_authorize_exchange({**poll, "state": secrets.token_urlsafe(24)})["status"] == "expired"
    answer = device.cli_authorize_exchange(poll)
    assert (answer["status"], answer["account_id"]) == ("bound", olive.id)
    laptop = town.client(answer["api_key"])
    assert laptop.account.me()["id"] == olive.id
    [key] = olive.api.api_keys.list().data
    assert (key.name, [str(getattr(scope, "value", scope)) for scope in key.scopes]) == ("olive's laptop", ["read", "write"])
    with pytest.raises(ForbiddenError):
        laptop.api_keys.create({"name": "more", "scopes": ["read"]})

    assert device.cli_authorize_exchange(poll)["status"] == "expired"
    with pytest.raises(NotFoundError):
        olive.api.auth.cli_authorize_bind({"user_code": begun["user_code"]})


def test_only_somebody_who_is_signed_in_binds_a_device(town: Town) -> None:
    olive = town.move_in("olive")
    begun = town.client().auth.cli_authorize_initiate({"state": secrets.token_urlsafe(24)})
    key = town.client(olive.key("account_owner").plaintext)
    with pytest.raises(ForbiddenError):
        key.auth.cli_authorize_bind({"user_code": begun["user_code"]})


def test_a_conflict_says_that_it_is_about_the_idempotency_key(town: Town) -> None:
    olive = town.move_in("olive")
    headers = {"Authorization": f"Bearer {olive.token}", "Idempotency-Key": secrets.token_hex(8)}
    body = {"name": "nightly", "scopes": ["read"]}
    first, again = (town.raw.post("/v1/api-keys", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code, again.text) == (201, 201, first.text)
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    other = town.raw.post("/v1/api-keys", json={**body, "name": "weekly"}, headers=headers)
    problem = other.json()
    assert other.status_code == 409
    assert ConflictError(problem["detail"], problem=problem).idempotency_status == "mismatch"
