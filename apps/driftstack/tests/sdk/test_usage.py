"""Usage, as the published client knows it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from driftstack import ValidationError
from town import Person, Town

COUNTED = {"session_minute", "navigate", "interact", "wait", "state_capture", "screenshot_capture"}


def test_a_period_is_this_month(town: Town, olive: Person, ada: Person) -> None:
    town.join(olive, ada, "member")
    session = olive.api.sessions.create()
    for client in (olive.api, ada.at(olive)):
        usage = client.usage.current_period()
        now = datetime.now(timezone.utc)
        assert usage.period_start == now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        assert usage.period_start < now < usage.period_end and usage.period_end.day == 1
        assert usage.tier == "enterprise"
        # It has begun its first minute.
        assert usage.totals.session_minute is not None and usage.totals.session_minute >= 1
        assert usage.totals.navigate == 0
        assert set(usage.quotas.model_dump()) == COUNTED and not any(usage.quotas.model_dump().values())
    olive.api.sessions.destroy(session.id)
    assert olive.api.usage.current_period().totals.session_minute
    assert ada.api.usage.current_period().totals.session_minute == 0


def test_a_series_has_every_day(olive: Person) -> None:
    olive.api.sessions.create()
    series = olive.api.usage.series(days=7)
    today = datetime.fromisoformat(series["to_date"]).date()
    assert abs(today - datetime.now(timezone.utc).date()) <= timedelta(days=1)
    dates = [bucket["date"] for bucket in series["buckets"]]
    assert dates == [str(today - timedelta(days=back)) for back in range(6, -1, -1)]
    assert series["from_date"] == dates[0]
    assert set(series["buckets"][0]["totals"]) == COUNTED
    assert sum(bucket["totals"]["session_minute"] for bucket in series["buckets"]) >= 1
    assert len(olive.api.usage.series()["buckets"]) == 30
    with pytest.raises(ValidationError):
        olive.api.usage.series(days=91)
