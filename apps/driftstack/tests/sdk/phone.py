"""An authenticator that shares no code with the server."""

from __future__ import annotations

import time
from typing import Any

import pyotp

PERIOD = 30


class Phone:
    """What somebody scans an `otpauth://` URI with. It never shows a code twice: the server takes none twice."""

    def __init__(self, enrollment: dict[str, Any]) -> None:
        totp = pyotp.parse_uri(enrollment["otpauth_uri"])
        assert isinstance(totp, pyotp.TOTP)
        self.totp = totp
        self._shown = 0

    def code(self) -> str:
        """The next code. Two follow each other without a wait: the server allows for a clock that is a step ahead."""
        step = max(self._shown + 1, _now())
        while step > _now() + 1:
            time.sleep(0.2)
        self._shown = step
        return self.totp.at(step * PERIOD)

    def wrong_code(self) -> str:
        """A code that is right at no time near now."""
        near = {self.totp.at((_now() + distance) * PERIOD) for distance in range(-3, 4)}
        return next(code for code in (f"{n:06}" for n in range(8)) if code not in near)


def _now() -> int:
    return int(time.time()) // PERIOD


def enroll(client: Any) -> tuple[Phone, list[str]]:
    """Gives the holder of a session a second factor: the phone, and the recovery codes."""
    phone = Phone(client.mfa.enroll())
    return phone, client.mfa.verify({"code": phone.code()})["recovery_codes"]
