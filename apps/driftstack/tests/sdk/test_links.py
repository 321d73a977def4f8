"""Links that sign in, and links that set a new password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from driftstack import (
    AuthError,
    Driftstack,
    InvalidAuthTokenError,
    InvalidCredentialsError,
    RateLimitError,
    ValidationError,
)
from phone import enroll
from town import PASSWORD, Person, Town
from wire import is_about, issue_paths, moment

NEW = "another horse, another battery"


def _mailed(town: Town, who: Person, ask: Any) -> str:
    """The token of the link that `ask` has mailed."""
    before = len(town.mailbox.tokens(who.email, count=0))
    ask({"email": who.email})
    return town.mailbox.tokens(who.email, count=before + 1)[-1]


def test_a_magic_link_signs_in_once(town: Town, olive: Person) -> None:
    stranger = town.client_elsewhere()
    asked = stranger.auth.request_magic_link({"email": olive.email})
    assert asked["sent"] is True and set(asked) == {"sent", "expires_at"}
    assert is_about(moment(asked["expires_at"]), timedelta(minutes=15))
    [token] = town.mailbox.tokens(olive.email)

    session = stranger.auth.consume_magic_link({"token": token})["session"]
    assert session["account_id"] == olive.id
    assert town.client(session["token"]).account.me()["email"] == olive.email
    assert olive.api.account.me()["id"] == olive.id, "other sign-ins go on"
    with pytest.raises(InvalidAuthTokenError) as used:
        stranger.auth.consume_magic_link({"token": token})
    assert used.value.status == 400
    [entry, *_] = olive.api.audit_log.iterate(action="account.login")
    assert entry["payload"]["via"] == "magic_link"


def test_a_later_magic_link_voids_the_earlier(town: Town, olive: Person) -> None:
    stranger = town.client_elsewhere()
    first, second = (_mailed(town, olive, stranger.auth.request_magic_link) for _ in range(2))
    with pytest.raises(InvalidAuthTokenError):
        stranger.auth.consume_magic_link({"token": first})
    assert stranger.auth.consume_magic_link({"token": second})["session"]["account_id"] == olive.id


def test_a_magic_link_does_not_stand_in_for_the_second_factor(town: Town, olive: Person) -> None:
    _, codes = enroll(olive.api)
    stranger = town.client_elsewhere()
    token = _mailed(town, olive, stranger.auth.request_magic_link)
    answer = stranger.auth.consume_magic_link({"token": token})
    assert answer["mfa_required"] is True and "session" not in answer
    answered = stranger.auth.mfa_challenge(
        {"challenge_token": answer["challenge_token"], "recovery_code": codes[0]}
    )
    assert answered["session"]["account_id"] == olive.id


def test_a_reset_sets_the_password_and_ends_every_sign_in(town: Town, olive: Person) -> None:
    key = town.client(olive.key("read", "read:audit").plaintext)
    other = town.client(olive.sign_in())
    stranger = town.client_elsewhere()
    asked = stranger.auth.request_password_reset({"email": olive.email})
    assert is_about(moment(asked["expires_at"]), timedelta(minutes=60))
    [token] = town.mailbox.tokens(olive.email)

    with pytest.raises(ValidationError) as short:
        stranger.auth.confirm_password_reset({"token": token, "new_password": "too short"})
    assert "new_password" in issue_paths(short.value)
    session = stranger.auth.confirm_password_reset({"token": token, "new_password": NEW})["session"]
    assert town.client(session["token"]).account.me()["id"] == olive.id
    for ended in (olive.api, other):
        with pytest.raises(AuthError) as over:
            ended.account.me()
        assert over.value.status == 401
    assert key.account.me()["id"] == olive.id

    with pytest.raises(InvalidCredentialsError):
        stranger.auth.login({"email": olive.email, "password": PASSWORD})
    assert stranger.auth.login({"email": olive.email, "password": NEW})["session"]["account_id"] == olive.id
    with pytest.raises(InvalidAuthTokenError):
        stranger.auth.confirm_password_reset({"token": token, "new_password": NEW})
    assert len(list(key.audit_log.iterate(action="account.password_changed"))) == 1


def test_a_reset_asks_for_the_second_factor_too(town: Town, olive: Person) -> None:
    enroll(olive.api)
    stranger = town.client_elsewhere()
    token = _mailed(town, olive, stranger.auth.request_password_reset)
    answer = stranger.auth.confirm_password_reset({"token": token, "new_password": NEW})
    assert answer["mfa_required"] is True and "session" not in answer


def test_a_link_is_good_for_what_it_was_asked_for(town: Town, olive: Person) -> None:
    stranger = town.client_elsewhere()
    magic = _mailed(town, olive, stranger.auth.request_magic_link)
    reset = _mailed(town, olive, stranger.auth.request_password_reset)
    for attempt in (
        lambda: stranger.auth.confirm_password_reset({"token": magic, "new_password": NEW}),
        lambda: stranger.auth.consume_magic_link({"token": reset}),
        lambda: stranger.auth.verify_email({"token": magic}),
        lambda: stranger.auth.consume_magic_link({"token": "never-mailed"}),
    ):
        with pytest.raises(InvalidAuthTokenError):
            attempt()


@pytest.mark.parametrize("ask", ["request_magic_link", "request_password_reset"])
def test_asking_tells_nothing_of_an_address(town: Town, olive: Person, ask: str) -> None:
    answers = []
    for address in (olive.email, town.address("nobody")):
        answer = getattr(town.client_elsewhere().auth, ask)({"email": address})
        moment(answer.pop("expires_at"))
        answers.append(answer)
    assert answers == [{"sent": True}] * 2


def test_links_are_asked_for_three_times_a_minute(town: Town) -> None:
    stranger: Driftstack = town.client_elsewhere()
    for _ in range(3):
        stranger.auth.request_magic_link({"email": town.address("nobody")})
    with pytest.raises(RateLimitError) as limited:
        stranger.auth.request_password_reset({"email": town.address("nobody")})
    assert limited.value.status == 429
    assert limited.value.retry_after_seconds is not None and 1 <= limited.value.retry_after_seconds <= 60


async def test_the_async_client_follows_links_too(town: Town, olive: Person) -> None:
    async with town.async_client_elsewhere() as stranger:
        await stranger.auth.request_magic_link({"email": olive.email})
        [magic] = town.mailbox.tokens(olive.email)
        assert (await stranger.auth.consume_magic_link({"token": magic}))["session"]["account_id"] == olive.id
        await stranger.auth.request_password_reset({"email": olive.email})
        reset = town.mailbox.tokens(olive.email, count=2)[-1]
        answer = await stranger.auth.confirm_password_reset({"token": reset, "new_password": NEW})
        assert answer["session"]["account_id"] == olive.id
        with pytest.raises(InvalidAuthTokenError):
            await stranger.auth.consume_magic_link({"token": magic})
