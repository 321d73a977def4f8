"""Sign-up and sign-in. Sign-ups are limited to three a minute for each client: this file makes them all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from driftstack import (
    AuthError,
    EmailAlreadyRegisteredError,
    EmailNotVerifiedError,
    InvalidAuthTokenError,
    InvalidCredentialsError,
    ValidationError,
)
from town import PASSWORD, Person, Town
from wire import is_about, is_id, issue_paths, moment


def test_somebody_signs_up_verifies_and_is_known(town: Town) -> None:
    address = town.address("carla")
    stranger = town.client()
    credentials = {"email": address, "password": PASSWORD}

    answer = stranger.auth.signup({**credentials, "name": "Carla"})
    assert is_about(moment(answer["verification_email_expires_at"]), timedelta(minutes=30))

    with pytest.raises(EmailNotVerifiedError) as unverified:
        stranger.auth.login(credentials)
    assert unverified.value.status == 403
    with pytest.raises(InvalidCredentialsError):
        stranger.auth.login({**credentials, "password": "not the password at all"})
    with pytest.raises(EmailAlreadyRegisteredError) as taken:
        stranger.auth.signup(credentials)
    assert taken.value.status == 409

    [token] = town.mailbox.tokens(address)
    session = stranger.auth.verify_email({"token": token})["session"]
    assert is_about(moment(session["expires_at"]), timedelta(days=30))
    assert is_id(session["account_id"], "acc")

    carla = Person(town, session["account_id"], address, session["token"])
    me = carla.api.account.me()
    assert (me["id"], me["email"], me["name"], me["tier"], me["status"]) == (carla.id, address, "Carla", "free", "active")
    assert [entry["target_resource_id"] for entry in carla.api.audit_log.iterate(action="account.email_verified")]

    with pytest.raises(InvalidAuthTokenError) as used:
        stranger.auth.verify_email({"token": token})
    assert used.value.status == 400
    assert stranger.auth.login(credentials)["session"]["account_id"] == carla.id


async def test_the_async_client_signs_up_too(town: Town) -> None:
    address = town.address("dora")
    async with town.async_client("not-a-credential") as stranger:
        await stranger.auth.signup({"email": address, "password": PASSWORD})
        [token] = town.mailbox.tokens(address)
        session = (await stranger.auth.verify_email({"token": token}))["session"]
    async with town.async_client(session["token"]) as dora:
        me = await dora.account.me()
        assert (me["id"], me["name"]) == (session["account_id"], None)


def test_a_token_that_nobody_mailed_verifies_nothing(town: Town) -> None:
    with pytest.raises(InvalidAuthTokenError):
        town.client().auth.verify_email({"token": "never-mailed"})


def test_a_wrong_password_and_an_unknown_address_answer_the_same(town: Town, olive: Person) -> None:
    stranger = town.client()
    answers = []
    for address in (olive.email, town.address("nobody")):
        with pytest.raises(InvalidCredentialsError) as refused:
            stranger.auth.login({"email": address, "password": "not the password at all"})
        problem = dict(refused.value.problem)
        del problem["instance"]
        answers.append(problem)
    assert answers[0] == answers[1]
    assert answers[0]["status"] == 401


def test_public_routes_look_at_neither_bearer_nor_workspace(town: Town, olive: Person, bo: Person) -> None:
    credentials = {"email": olive.email, "password": PASSWORD}
    for bearer in ("not-a-credential", "ds_live_made_up", bo.token):
        for workspace in (None, bo.id, "not-an-id"):
            client = town.client(bearer, effective_account=workspace)
            assert client.auth.login(credentials)["session"]["account_id"] == olive.id


def test_a_login_body_is_checked_field_by_field(town: Town) -> None:
    with pytest.raises(ValidationError) as refused:
        town.client().auth.login({"email": "somebody@example.com", "password": PASSWORD, "remember": True})
    assert "remember" in issue_paths(refused.value)


def test_a_refreshed_token_replaces_the_old_one(town: Town, olive: Person) -> None:
    fresh = town.client().auth.refresh({"token": olive.token})["session"]
    assert fresh["account_id"] == olive.id and fresh["token"] != olive.token
    assert is_about(moment(fresh["expires_at"]), timedelta(days=30))
    assert town.client(fresh["token"]).account.me()["id"] == olive.id
    with pytest.raises(AuthError) as old:
        olive.api.account.me()
    assert old.value.status == 401


def test_a_replayed_token_ends_its_whole_family(town: Town, olive: Person) -> None:
    other = olive.sign_in()
    fresh = town.client().auth.refresh({"token": olive.token})["session"]["token"]
    with pytest.raises((AuthError, InvalidAuthTokenError)):
        town.client().auth.refresh({"token": olive.token})
    with pytest.raises(AuthError):
        town.client(fresh).account.me()
    assert town.client(other).account.me()["id"] == olive.id


def test_logging_out_ends_the_token_in_the_body_and_no_other(town: Town, olive: Person) -> None:
    other = olive.sign_in()
    assert olive.api.auth.logout({"token": other}) == {"ok": True}
    with pytest.raises(AuthError) as over:
        town.client(other).account.me()
    assert over.value.status == 401
    assert olive.api.account.me()["id"] == olive.id


def test_logging_out_twice_is_logging_out_once(town: Town, olive: Person) -> None:
    for token in (olive.token, olive.token, "never-a-token"):
        assert town.client().auth.logout({"token": token}) == {"ok": True}


async def test_the_async_client_refreshes_and_logs_out(town: Town, olive: Person) -> None:
    async with town.async_client(olive.token) as client:
        fresh = (await client.auth.refresh({"token": olive.token}))["session"]["token"]
        assert await client.auth.logout({"token": fresh}) == {"ok": True}
        with pytest.raises(InvalidCredentialsError):
            await client.auth.login({"email": olive.email, "password": "not the password at all"})
    async with town.async_client(fresh) as over:
        with pytest.raises(AuthError):
            await over.account.me()
