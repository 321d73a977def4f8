"""The second factor, with codes that another implementation of RFC 6238 makes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from driftstack import (
    AuthError,
    ConflictError,
    Driftstack,
    ForbiddenError,
    InvalidAuthTokenError,
    InvalidCredentialsError,
    MfaStepUpRequiredError,
    NotFoundError,
    RateLimitError,
    ValidationError,
)
from phone import PERIOD, Phone, enroll
from town import PASSWORD, Person, Town
from wire import is_about, issue_paths, moment

NONE = {"enrolled": False, "enrolled_at": None, "last_used_at": None, "unused_recovery_codes": 0}
DISABLE = {"confirm": "disable-mfa"}


def _challenge(client: Driftstack, who: Person) -> str:
    answer = client.auth.login({"email": who.email, "password": PASSWORD})
    assert set(answer) == {"mfa_required", "challenge_token", "challenge_expires_at"}
    assert answer["mfa_required"] is True
    assert is_about(moment(answer["challenge_expires_at"]), timedelta(minutes=5))
    return answer["challenge_token"]


def test_what_is_scanned_works_in_another_authenticator(olive: Person) -> None:
    assert olive.api.mfa.status() == NONE
    enrollment = olive.api.mfa.enroll()
    assert set(enrollment) == {"otpauth_uri", "secret", "algorithm", "digits", "period_seconds"}
    assert (enrollment["algorithm"], enrollment["digits"], enrollment["period_seconds"]) == ("SHA1", 6, PERIOD)

    phone = Phone(enrollment)
    scanned = phone.totp
    assert (scanned.secret, scanned.digits, scanned.interval) == (enrollment["secret"], 6, PERIOD)
    assert (scanned.issuer, scanned.name) == ("driftstack", olive.email)
    typed = pyotp.TOTP(enrollment["secret"])
    assert typed.at(0) == scanned.at(0)
    assert len(scanned.byte_secret()) >= 20

    assert olive.api.mfa.status() == NONE, "nothing is asked for before the first code"
    with pytest.raises(ValidationError) as refused:
        olive.api.mfa.verify({"code": phone.wrong_code()})
    assert "code" in issue_paths(refused.value)

    codes = olive.api.mfa.verify({"code": phone.code()})["recovery_codes"]
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", code) for code in codes), codes
    status = olive.api.mfa.status()
    assert (status["enrolled"], status["last_used_at"], status["unused_recovery_codes"]) == (True, None, 10)
    assert is_about(moment(status["enrolled_at"]), timedelta(0))
    assert olive.api.account.me()["mfa_enrolled"] is True
    with pytest.raises(ConflictError):
        olive.api.mfa.enroll()
    with pytest.raises(ConflictError):
        olive.api.mfa.verify({"code": phone.code()})


def test_a_sign_in_takes_both_factors(town: Town, olive: Person) -> None:
    phone, codes = enroll(olive.api)
    stranger = town.client()
    token = _challenge(stranger, olive)
    with pytest.raises(ValidationError) as wrong:
        stranger.auth.mfa_challenge({"challenge_token": token, "code": phone.wrong_code()})
    assert "code" in issue_paths(wrong.value)

    code = phone.code()
    answer = stranger.auth.mfa_challenge({"challenge_token": token, "code": code})
    assert answer["via"] == "totp"
    assert set(answer["session"]) == {"token", "expires_at", "account_id"}
    assert town.client(answer["session"]["token"]).account.me()["id"] == olive.id
    with pytest.raises(InvalidAuthTokenError):
        stranger.auth.mfa_challenge({"challenge_token": token, "recovery_code": codes[0]})
    with pytest.raises(ValidationError):
        stranger.auth.mfa_challenge({"challenge_token": _challenge(stranger, olive), "code": code})

    [entry, *_] = olive.api.audit_log.iterate(action="account.login")
    assert entry["payload"]["via"] == "totp"
    assert olive.api.mfa.status()["last_used_at"] is not None


def test_a_recovery_code_stands_in_once(town: Town, olive: Person) -> None:
    _, codes = enroll(olive.api)
    stranger = town.client()
    typed = codes[3].lower().replace("-", "")
    answer = stranger.auth.mfa_challenge({"challenge_token": _challenge(stranger, olive), "recovery_code": typed})
    assert answer["via"] == "recovery_code"
    assert olive.api.mfa.status()["unused_recovery_codes"] == 9
    with pytest.raises(ValidationError) as used:
        stranger.auth.mfa_challenge({"challenge_token": _challenge(stranger, olive), "recovery_code": codes[3]})
    assert "recovery_code" in issue_paths(used.value)


def test_a_challenge_is_answered_from_where_it_was_made(town: Town, olive: Person) -> None:
    _, codes = enroll(olive.api)
    here = town.client_elsewhere()
    token = _challenge(here, olive)
    answer = {"challenge_token": token, "recovery_code": codes[0]}
    with pytest.raises(InvalidAuthTokenError) as elsewhere:
        town.client_elsewhere().auth.mfa_challenge(answer)
    with pytest.raises(InvalidAuthTokenError) as made_up:
        here.auth.mfa_challenge({**answer, "challenge_token": "a" * 43})
    assert str(elsewhere.value) == str(made_up.value)
    assert here.auth.mfa_challenge(answer)["session"]["account_id"] == olive.id


@pytest.mark.parametrize(
    "body",
    [{}, {"code": "123456", "recovery_code": "ABCDE-FGHJK"}, {"code": "12345"}, {"code": 123456}, {"kode": "123456"}],
)
def test_an_answer_that_will_not_do_is_named(town: Town, body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        town.client_elsewhere().auth.mfa_challenge({"challenge_token": "a" * 43, **body})
    assert "ode" in issue_paths(refused.value)


def test_giving_it_up_takes_a_fresh_proof(town: Town, olive: Person) -> None:
    elsewhere = town.client(olive.sign_in())
    phone, codes = enroll(olive.api)
    with pytest.raises(MfaStepUpRequiredError) as needed:
        elsewhere.mfa.disable(DISABLE)
    assert needed.value.status == 403
    assert (needed.value.problem["requires_mfa_step_up"], needed.value.problem["reason"]) == (True, "never_satisfied")
    with pytest.raises(MfaStepUpRequiredError):
        elsewhere.mfa.regenerate_recovery_codes()

    proven = elsewhere.auth.mfa_step_up({"code": phone.code()})
    assert proven["via"] == "totp"
    assert is_about(moment(proven["mfa_satisfied_at"]), timedelta(0))
    fresh = elsewhere.mfa.regenerate_recovery_codes()["recovery_codes"]
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    with pytest.raises(ValidationError):
        olive.api.auth.mfa_step_up({"recovery_code": codes[0]})
    assert olive.api.auth.mfa_step_up({"recovery_code": fresh[0]})["via"] == "recovery_code"

    for unsaid in ({}, {"confirm": "yes"}):
        with pytest.raises(ValidationError) as refused:
            olive.api.mfa.disable(unsaid)
        assert "confirm" in issue_paths(refused.value)
    assert olive.api.mfa.disable(DISABLE) is None
    assert olive.api.mfa.status() == NONE
    assert olive.sign_in(), "the password is enough again"
    with pytest.raises(NotFoundError):
        olive.api.mfa.regenerate_recovery_codes()
    actions = [entry["action"] for entry in olive.api.audit_log.iterate(action="account.*")]
    assert [action for action in actions if "mfa" in action] == [
        "account.mfa_disabled",
        "account.mfa_recovery_codes_regenerated",
        "account.mfa_enrolled",
    ]


def test_a_sign_in_with_both_factors_is_a_proof(town: Town, olive: Person) -> None:
    _, codes = enroll(olive.api)
    stranger = town.client()
    answer = {"challenge_token": _challenge(stranger, olive), "recovery_code": codes[0]}
    session = stranger.auth.mfa_challenge(answer)["session"]
    assert town.client(session["token"]).mfa.disable(DISABLE) is None


def test_who_has_no_factor_proves_it_with_the_password(town: Town, olive: Person) -> None:
    with pytest.raises(ConflictError):
        olive.api.auth.mfa_step_up({"code": "123456"})

    def step_up(password: str) -> dict[str, Any]:
        # The published client has no name for this call.
        return olive.api._http.request("POST", "/v1/auth/step-up", json_body={"password": password})

    with pytest.raises(InvalidCredentialsError):
        step_up("not the password at all")
    assert step_up(PASSWORD)["via"] == "password"
    assert olive.api.mfa.disable(DISABLE) is None
    enroll(olive.api)
    with pytest.raises(ConflictError):
        step_up(PASSWORD)


def test_ten_wrong_codes_pause_the_factor(town: Town, olive: Person) -> None:
    phone, codes = enroll(olive.api)
    wrong = {"code": phone.wrong_code()}
    for _ in range(10):
        with pytest.raises(ValidationError):
            olive.api.auth.mfa_step_up(wrong)
    for right in ({"code": phone.code()}, {"recovery_code": codes[0]}):
        with pytest.raises(RateLimitError) as paused:
            olive.api.auth.mfa_step_up(right)
        assert paused.value.retry_after_seconds is not None and 800 < paused.value.retry_after_seconds <= 900
    assert len(list(olive.api.audit_log.iterate(action="account.mfa_paused"))) == 1
    assert olive.api.mfa.status()["unused_recovery_codes"] == 10


def test_a_key_sees_the_factor_and_moves_nothing(town: Town, olive: Person) -> None:
    enroll(olive.api)
    key = town.client(olive.key("read", "account_owner").plaintext)
    assert key.mfa.status()["enrolled"] is True
    attempts = (
        key.mfa.enroll,
        lambda: key.mfa.verify({"code": "123456"}),
        lambda: key.mfa.disable(DISABLE),
        key.mfa.regenerate_recovery_codes,
        lambda: key.auth.mfa_step_up({"code": "123456"}),
    )
    for attempt in attempts:
        with pytest.raises(ForbiddenError, match="sign in"):
            attempt()
    with pytest.raises(AuthError):
        town.client().mfa.status()


async def test_the_async_client_does_it_too(town: Town, olive: Person) -> None:
    earlier = olive.sign_in()
    async with town.async_client(olive.token) as client, town.async_client(earlier) as elsewhere:
        phone = Phone(await client.mfa.enroll())
        codes = (await client.mfa.verify({"code": phone.code()}))["recovery_codes"]
        assert (await client.mfa.status())["unused_recovery_codes"] == len(codes)
        with pytest.raises(MfaStepUpRequiredError):
            await elsewhere.mfa.regenerate_recovery_codes()
        assert (await elsewhere.auth.mfa_step_up({"code": phone.code()}))["via"] == "totp"
        codes = (await elsewhere.mfa.regenerate_recovery_codes())["recovery_codes"]
        challenge = await client.auth.login({"email": olive.email, "password": PASSWORD})
        answer = {"challenge_token": challenge["challenge_token"], "recovery_code": codes[9]}
        assert (await client.auth.mfa_challenge(answer))["session"]["account_id"] == olive.id
        with pytest.raises(InvalidAuthTokenError):
            await client.auth.mfa_challenge(answer)
        assert await client.mfa.disable(DISABLE) is None
        assert (await client.mfa.status()) == NONE
