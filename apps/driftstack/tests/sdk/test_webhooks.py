"""Webhook endpoints, and what really arrives, with the published client and its verifier."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from driftstack import verify_webhook_signature
from driftstack.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationError,
)
from town import Person, Town
from wire import is_about, is_id, issue_paths, moment

NOBODYS = "whk_0192f0c1-2345-7000-8000-00000000dead"
KEYS = {"url": "https://hooks.example.com/driftstack", "events": ["api_key.revoked"]}


@dataclass
class Arrived:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Writes down what it is sent."""

    url: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    status: int = 200

    def until(self, count: int, patience: float = 15.0) -> list[Arrived]:
        until = time.monotonic() + patience
        while len(self.arrived) < count:
            assert time.monotonic() < until, f"{len(self.arrived)} of {count} deliveries"
            time.sleep(0.02)
        return self.arrived


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.arrived.append(Arrived({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.status)
            self.send_header("content-length", "6")
            self.end_headers()
            self.wfile.write(b"thanks")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield receiver
    server.shutdown()
    server.server_close()


def test_an_endpoint_from_its_beginning_to_its_end(olive: Person) -> None:
    made = olive.api.webhooks.create({**KEYS, "description": "nightly"})
    assert is_id(made.id, "whk") and made.secret.startswith("whsec_")
    assert made.secret.startswith(made.secret_prefix) and made.secret != made.secret_prefix
    assert (str(made.url), made.events, made.description, made.active) == (*KEYS.values(), "nightly", True)
    [listed] = olive.api.webhooks.list().data
    assert listed == olive.api.webhooks.get(made.id)
    assert listed.delivery_counts.model_dump() == {"delivered": 0, "failed": 0, "dlq": 0}

    edited = olive.api.webhooks.update(made.id, {"active": False, "description": None, "events": ["session.failed"]})
    assert (edited.active, edited.description, edited.events) == (False, None, ["session.failed"])
    assert olive.api.webhooks.delete(made.id) is None
    assert olive.api.webhooks.delete(made.id) is None
    assert olive.api.webhooks.list().data == []
    assert olive.api.webhooks.get(made.id).disabled_at is not None
    with pytest.raises(ConflictError):
        olive.api.webhooks.update(made.id, {"active": True})


def test_every_type_of_the_client_can_be_asked_for(olive: Person) -> None:
    types = [
        "session.completed",
        "session.failed",
        "api_key.revoked",
        "session.egress_capability_changed",
        "crypto.order.paid",
        "crypto.order.failed",
        "session.challenge_detected",
        "session.profile_save_failed",
    ]
    assert olive.api.webhooks.create({**KEYS, "events": types}).events == types


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": KEYS["events"]}, "url"),
        ({**KEYS, "url": "not a url"}, "url"),
        ({**KEYS, "events": []}, "events"),
        ({**KEYS, "events": ["api_key.born"]}, "events"),
        ({**KEYS, "description": "x" * 201}, "description"),
        ({**KEYS, "secret": "mine"}, "secret"),
    ],
)
def test_an_order_that_will_not_do_is_named(olive: Person, body: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        olive.api.webhooks.create(body)
    assert field in issue_paths(refused.value)


def test_what_arrives_is_verified_by_the_clients_own_helper(olive: Person, receiver: Receiver) -> None:
    made = olive.api.webhooks.create({**KEYS, "url": receiver.url})
    key = olive.key("read")
    olive.api.api_keys.revoke(key.id)
    [arrived] = receiver.until(1)
    header = arrived.headers["x-driftstack-signature"]
    assert verify_webhook_signature(body=arrived.body, header=header, secret=made.secret)
    assert not verify_webhook_signature(body=arrived.body + b" ", header=header, secret=made.secret)
    assert not verify_webhook_signature(body=arrived.body, header=header, secret=made.secret_prefix)
    assert not verify_webhook_signature(
        body=arrived.body, header=header, secret=made.secret, now_seconds=time.time() + 301
    )

    delivery = _until(olive, made.id, "delivered")
    assert is_id(delivery.id, "wdl") and delivery.webhook_id == made.id
    assert (delivery.event_type, delivery.attempts) == ("api_key.revoked", 1)
    assert (delivery.last_response_status, delivery.last_response_excerpt) == (200, "thanks")
    assert str(delivery.event_id) == arrived.headers["x-driftstack-event-id"]
    assert olive.api.webhooks.get(made.id).delivery_counts.delivered == 1


def _until(olive: Person, endpoint: str, status: str) -> Any:
    """The newest delivery, as soon as it has this status: it is noted a moment after the answer."""
    for _ in range(300):
        newest = olive.api.webhooks.list_deliveries(endpoint).data[0]
        if newest.status == status:
            return newest
        time.sleep(0.02)
    raise AssertionError(newest)


def test_both_secrets_verify_after_a_rotation(olive: Person, receiver: Receiver) -> None:
    made = olive.api.webhooks.create({**KEYS, "url": receiver.url})
    rotated = olive.api.webhooks.rotate_secret(made.id)
    assert is_about(moment(rotated["grace_expires_at"]), timedelta(hours=24))
    read = olive.api.webhooks.get(made.id)
    assert (read.prev_secret_prefix, read.rotation_grace_expires_at) == (
        made.secret_prefix,
        moment(rotated["grace_expires_at"]),
    )
    ping = olive.api.webhooks.send_test(made.id)
    assert ping["event_type"] == "test.ping"
    [arrived] = receiver.until(1)
    assert ping["event_id"] == arrived.headers["x-driftstack-event-id"]
    for secret in (made.secret, rotated["secret"]):
        header = arrived.headers["x-driftstack-signature"]
        assert verify_webhook_signature(body=arrived.body, header=header, secret=secret)


def test_deliveries_are_walked_and_replayed(olive: Person, receiver: Receiver) -> None:
    made = olive.api.webhooks.create({**KEYS, "url": receiver.url})
    pings = [olive.api.webhooks.send_test(made.id)["delivery_id"] for _ in range(5)]
    receiver.until(5)
    _until(olive, made.id, "delivered")
    assert [it.id for it in olive.api.webhooks.iterate_deliveries(made.id, limit=2)] == pings[::-1]
    assert list(olive.api.webhooks.iterate_deliveries(made.id, status="dlq")) == []
    replayed = olive.api.webhooks.replay_delivery(pings[0])
    assert (replayed.id, replayed.status, replayed.attempts) == (pings[0], "pending", 0)
    again = receiver.until(6)
    assert again[5].body == again[0].body


def test_a_failure_is_shown_and_waits_for_a_minute(olive: Person, receiver: Receiver) -> None:
    receiver.status = 503
    made = olive.api.webhooks.create({**KEYS, "url": receiver.url})
    olive.api.webhooks.send_test(made.id)
    failed = _until(olive, made.id, "failed")
    assert (failed.attempts, failed.last_response_status, failed.delivered_at) == (1, 503, None)
    assert is_about(failed.next_attempt_at, timedelta(minutes=1), tolerance=20)
    assert olive.api.webhooks.get(made.id).consecutive_failures == 1


def test_members_read_and_admins_write(town: Town, olive: Person, ada: Person) -> None:
    made = olive.api.webhooks.create(KEYS)
    town.join(olive, ada, "member")
    at = ada.at(olive).webhooks
    assert [endpoint.id for endpoint in at.list().data] == [made.id]
    for write in (
        lambda: at.create(KEYS),
        lambda: at.update(made.id, {"active": False}),
        lambda: at.delete(made.id),
        lambda: at.rotate_secret(made.id),
        lambda: at.send_test(made.id),
    ):
        with pytest.raises(ForbiddenError):
            write()


def test_an_endpoint_of_somebody_else_is_as_good_as_none(olive: Person, bo: Person) -> None:
    made = olive.api.webhooks.create(KEYS)
    for call in (
        bo.api.webhooks.get,
        bo.api.webhooks.delete,
        bo.api.webhooks.rotate_secret,
        bo.api.webhooks.send_test,
        bo.api.webhooks.list_deliveries,
    ):
        texts = []
        for unknown in (made.id, NOBODYS):
            with pytest.raises(NotFoundError) as refused:
                call(unknown)
            texts.append(str(refused.value))
        assert texts[0] == texts[1]
        with pytest.raises(BadRequestError):
            call("not-an-id")


def test_there_are_ten_at_the_most(olive: Person) -> None:
    for _ in range(10):
        olive.api.webhooks.create(KEYS)
    with pytest.raises(ConflictError, match="at most 10"):
        olive.api.webhooks.create(KEYS)
    assert len(olive.api.webhooks.list().data) == 10
