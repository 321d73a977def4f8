"""How values look on the wire."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def is_id(text: str, prefix: str = "") -> bool:
    """Whether this is a public id: a prefix, where it has one, and a hyphenated lower-case UUID of version 7."""
    return re.fullmatch(f"{prefix}_{_UUID}" if prefix else _UUID, text) is not None


def moment(text: str) -> datetime:
    """A time: RFC 3339 in UTC with milliseconds and `Z`, nothing else."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text), text
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def is_about(actual: datetime, expected: timedelta, *, tolerance: float = 60.0) -> bool:
    """Whether a time lies that far from now."""
    distance = actual - (datetime.now(timezone.utc) + expected)
    return abs(distance.total_seconds()) < tolerance


def in_(**delta: float) -> str:
    """A time that lies that far from now."""
    at = datetime.now(timezone.utc) + timedelta(**delta)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def issue_paths(error: object) -> str:
    """The paths that a validation error names, as one text."""
    issues = error.problem["issues"]  # type: ignore[attr-defined]
    assert issues and all(set(issue) >= {"path", "message"} for issue in issues), issues
    return " ".join(str(issue["path"]) for issue in issues)
