from __future__ import annotations

import pytest
from driftstack import DriftstackError, ForbiddenError, ValidationError
from town import Person, Town

OPTIONAL = {
    "signup-welcome",
    "session-success-first",
    "session-failed-first",
    "tier-changed",
    "billing-receipt",
    "billing-renewal-reminder",
}


def _wanted(olive: Person) -> set[str]:
    rows = olive.api.email_preferences.list()["data"]
    assert all(set(row) == {"event_type", "opted_in"} for row in rows)
    assert {row["event_type"] for row in rows} == OPTIONAL
    return {row["event_type"] for row in rows if row["opted_in"]}


def test_what_was_never_set_is_wanted(olive: Person) -> None:
    assert _wanted(olive) == OPTIONAL


def test_a_kind_of_mail_is_declined_and_wanted_again(olive: Person) -> None:
    assert olive.api.email_preferences.opt_out("billing-receipt") is None
    assert _wanted(olive) == OPTIONAL - {"billing-receipt"}
    assert olive.api.email_preferences.opt_out("billing-receipt") is None
    assert olive.api.email_preferences.opt_in("billing-receipt") is None
    assert _wanted(olive) == OPTIONAL
    entries = list(olive.api.audit_log.iterate(action="account.email_preferences_changed"))
    assert entries and all(entry["actor_account_id"] == olive.id for entry in entries)


@pytest.mark.parametrize("kind", ["signup-verification", "team-invite", "password-reset", "no-such-mail"])
def test_a_critical_mail_cannot_be_declined(olive: Person, kind: str) -> None:
    with pytest.raises(DriftstackError) as refused:
        olive.api.email_preferences.opt_out(kind)
    assert refused.value.status == 400
    assert _wanted(olive) == OPTIONAL


def test_a_preference_is_a_yes_or_a_no(olive: Person) -> None:
    with pytest.raises(ValidationError):
        olive.api.email_preferences.set({"event_type": "tier-changed", "opted_in": "maybe"})


def test_writing_takes_a_writing_scope(town: Town, olive: Person) -> None:
    town.client(olive.key("write").plaintext).email_preferences.opt_out("tier-changed")
    reader = town.client(olive.key("read").plaintext)
    assert {"event_type": "tier-changed", "opted_in": False} in reader.email_preferences.list()["data"]
    with pytest.raises(ForbiddenError, match="write"):
        reader.email_preferences.opt_in("tier-changed")
