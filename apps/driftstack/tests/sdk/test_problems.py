"""What every error has in common, as far as the client relies on it."""

from __future__ import annotations

import pytest
from driftstack import AuthError, DriftstackError, NotFoundError
from town import Person, Town


def test_a_problem_names_its_request(town: Town) -> None:
    answer = town.raw.get("/v1/account/me", headers={"x-request-id": "req-of-this-test"})
    problem = answer.json()
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.headers["x-request-id"] == problem["instance"] == "req-of-this-test"
    assert problem["type"] == "https://errors.driftstack.dev/unauthorized"
    assert problem["status"] == 401 and problem["title"] and problem["detail"]


def test_the_message_of_an_error_is_its_detail(town: Town) -> None:
    with pytest.raises(AuthError) as refused:
        town.client("hello").account.me()
    assert str(refused.value) == refused.value.problem["detail"]


def test_an_unknown_path_is_a_problem_too(town: Town, olive: Person) -> None:
    answer = town.raw.get("/v1/no/such/thing", headers={"authorization": f"Bearer {olive.token}"})
    assert (answer.status_code, answer.json()["type"]) == (404, "https://errors.driftstack.dev/not-found")
    with pytest.raises(NotFoundError):
        olive.api._http.request("GET", "/v1/no/such/thing")


def test_a_wrong_method_is_a_problem_too(town: Town) -> None:
    answer = town.raw.delete("/v1/api-keys")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)


@pytest.mark.parametrize("path", ["/v1/account/me/", "/v1/api-keys/", "/v1//account/me"])
def test_nothing_is_ever_redirected(town: Town, olive: Person, path: str) -> None:
    answer = town.raw.get(path, headers={"authorization": f"Bearer {olive.token}"})
    assert answer.status_code in (200, 404)


def test_a_body_that_is_no_json_is_a_bad_request(town: Town, olive: Person) -> None:
    headers = {"authorization": f"Bearer {olive.token}", "content-type": "application/json"}
    answer = town.raw.patch("/v1/account/me", headers=headers, content=b"{")
    assert answer.status_code == 400
    assert answer.json()["type"].startswith("https://errors.driftstack.dev/")


def test_another_type_of_body_is_not_supported(town: Town, olive: Person) -> None:
    headers = {"authorization": f"Bearer {olive.token}", "content-type": "text/plain"}
    answer = town.raw.patch("/v1/account/me", headers=headers, content=b'{"name":"Olive"}')
    assert (answer.status_code, answer.json()["type"]) == (415, "https://errors.driftstack.dev/unsupported-media-type")


def test_no_error_is_of_a_type_that_the_client_does_not_know(olive: Person) -> None:
    attempts = (
        lambda: olive.api.account.update_me({"nmae": "Olive"}),
        lambda: olive.api.api_keys.revoke("not-an-id"),
        lambda: olive.api.team.accept_invite("never-mailed"),
    )
    for attempt in attempts:
        with pytest.raises(DriftstackError) as refused:
            attempt()
        assert type(refused.value) is not DriftstackError, refused.value.problem_type
