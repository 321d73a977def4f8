"""Rate limits, and how the client lives with them."""

from __future__ import annotations

import pytest
from driftstack import Driftstack, InvalidCredentialsError, RateLimitError
from driftstack.retry import RetryConfig
from town import Person, Town


def _until_limited(client: Driftstack, *, at_most: int) -> tuple[int, RateLimitError]:
    for made in range(at_most):
        try:
            client.account.me()
        except RateLimitError as limited:
            return made, limited
    raise AssertionError(f"{at_most} calls were let through")


def test_a_free_account_has_sixty_calls_and_one_more_a_second(town: Town) -> None:
    free = town.move_in("free", tier="free")
    made, limited = _until_limited(free.api, at_most=120)
    assert made >= 59
    assert limited.status == 429
    assert limited.retry_after_seconds is not None and 1 <= limited.retry_after_seconds <= 2
    assert limited.problem["retry_after_seconds"] == limited.retry_after_seconds

    # Refused calls cost nothing: the wait does not grow with them.
    waits = []
    for _ in range(5):
        _, again = _until_limited(free.api, at_most=3)
        waits.append(again.retry_after_seconds)
    assert max(waits) <= limited.retry_after_seconds

    # The client as it comes waits for as long as it is told, and gets through.
    patient = town.client(free.token, retry=RetryConfig())
    assert patient.account.me()["id"] == free.id


def test_each_answer_says_how_much_is_left(town: Town, olive: Person) -> None:
    headers = {"authorization": f"Bearer {olive.token}"}
    first, second = (town.raw.get("/v1/account/me", headers=headers).headers for _ in range(2))
    assert first["x-ratelimit-bucket"] == "global"
    assert first["x-ratelimit-limit"] == first["ratelimit-limit"] == "60000"
    for name in ("x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-remaining", "ratelimit-reset"):
        assert first[name].isdigit(), name
    assert int(second["x-ratelimit-remaining"]) <= 60000


def test_a_refusal_tells_when_in_whole_seconds(town: Town) -> None:
    free = town.move_in("free", tier="free")
    _until_limited(free.api, at_most=120)
    # The next call may come just when a token has come back.
    for _ in range(5):
        answer = town.raw.get("/v1/account/me", headers={"authorization": f"Bearer {free.token}"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.headers["retry-after"] == str(answer.json()["retry_after_seconds"])
    assert answer.headers["x-ratelimit-remaining"] == "0"


def test_guessing_a_password_is_slow(town: Town, olive: Person) -> None:
    stranger = town.client()
    for _ in range(30):
        try:
            stranger.auth.login({"email": olive.email, "password": "not the password at all"})
        except InvalidCredentialsError:
            continue
        except RateLimitError as limited:
            assert limited.status == 429 and limited.retry_after_seconds and limited.retry_after_seconds >= 1
            break
    else:
        pytest.fail("thirty guesses were let through")
    assert olive.api.account.me()["id"] == olive.id
