"""The server under test, and the people who use it."""

from __future__ import annotations

import email
import email.policy
import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from driftstack import AsyncDriftstack, Driftstack
from driftstack.retry import RetryConfig

PASSWORD = "correct horse battery staple"

# Without retries by default: a retry would hide an answer that should not have been given.
AT_ONCE = RetryConfig(enabled=False)


class Mailbox:
    """The folder that the server delivers to, one `.eml` file a mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tokens(self, address: str, *, count: int = 1, patience: float = 15.0) -> list[str]:
        """The tokens of the links that were mailed to an address, oldest first, once there are `count` of them."""
        until = time.monotonic() + patience
        while True:
            tokens = [token for token in map(_token, self._mails_to(address)) if token]
            if len(tokens) >= count:
                return tokens
            if time.monotonic() > until:
                raise AssertionError(f"{len(tokens)} of {count} links to {address} came within {patience} s")
            time.sleep(0.05)

    def _mails_to(self, address: str) -> list[email.message.EmailMessage]:
        files = sorted(self._folder.glob("*.eml"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        mails = (email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files)
        return [mail for mail in mails if address in str(mail["to"])]


def _token(mail: email.message.EmailMessage) -> str | None:
    body = mail.get_body(("plain", "html"))
    link = re.search(r"\?token=([\w.~-]+)", body.get_content()) if body else None
    return link.group(1) if link else None


@dataclass
class Person:
    """Somebody with an account, signed in."""

    town: Town
    id: str
    email: str
    token: str

    @cached_property
    def api(self) -> Driftstack:
        """The client with this person's web session."""
        return self.town.client(self.token)

    def at(self, owner: Person) -> Driftstack:
        """The client with this person's web session, acting on the account of somebody else."""
        return self.town.client(self.token, effective_account=owner.id)

    def key(self, *scopes: str, on: Person | None = None, **more: Any) -> Any:
        """Mints a key, on this person's own account or on somebody else's."""
        client = self.at(on) if on else self.api
        return client.api_keys.create({"name": "a key", "scopes": list(scopes), **more})

    def sign_in(self) -> str:
        """The token of one more web session."""
        return self.town.sign_in(self.email)


@dataclass
class Town:
    url: str
    mailbox: Mailbox
    binary: Path
    data: Path
    _open: ExitStack = field(default_factory=ExitStack)
    _addresses: Iterator[int] = field(default_factory=lambda: count(1))

    def client(self, token: str = "not-a-credential", *, retry: RetryConfig = AT_ONCE, **options: Any) -> Driftstack:
        client = Driftstack(token, base_url=self.url, retry=retry, **options)
        return self._open.enter_context(client)

    def async_client(self, token: str, **options: Any) -> AsyncDriftstack:
        return AsyncDriftstack(token, base_url=self.url, retry=AT_ONCE, **options)

    def client_elsewhere(self, token: str = "not-a-credential") -> Driftstack:
        """A client at an address from which nobody has called before."""
        http = self._open.enter_context(httpx.Client(headers=self._elsewhere()))
        return self.client(token, http_client=http)

    def async_client_elsewhere(self, token: str = "not-a-credential") -> AsyncDriftstack:
        return self.async_client(token, http_client=httpx.AsyncClient(headers=self._elsewhere()))

    def _elsewhere(self) -> dict[str, str]:
        nth = next(self._addresses)
        return {"x-forwarded-for": f"198.51.{nth // 250}.{nth % 250}"}

    @cached_property
    def raw(self) -> httpx.Client:
        """For what the published client hides or refuses to send."""
        return self._open.enter_context(httpx.Client(base_url=self.url, follow_redirects=False))

    def address(self, name: str) -> str:
        return f"{name}-{secrets.token_hex(5)}@example.com"

    def move_in(self, name: str, *, tier: str = "enterprise") -> Person:
        """A new account, made beside the running server: the command line has no limit on sign-ups."""
        address = self.address(name)
        names = ("--email", address, "--name", name.title())
        made = self.run("admin", "create-account", *names, "--tier", tier, say=PASSWORD)
        account = re.search(r"acc_[0-9a-f-]{36}", made.stdout)
        assert made.returncode == 0 and account, made.stderr
        return Person(self, account.group(), address, self.sign_in(address))

    def join(self, owner: Person, member: Person, role: str) -> str:
        """Makes somebody a member of a team. The id of the membership."""
        earlier = len(self.mailbox.tokens(member.email, count=0))
        owner.api.team.invite(member.email, role=role)
        token = self.mailbox.tokens(member.email, count=earlier + 1)[-1]
        return member.api.team.accept_invite(token).membership.id

    def sign_in(self, address: str) -> str:
        return self.client().auth.login({"email": address, "password": PASSWORD})["session"]["token"]

    def run(self, *arguments: str, say: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a command of the server's binary on the server's data."""
        environment = {**os.environ, "DRIFTSTACK_DATA_DIR": str(self.data)}
        return subprocess.run(
            [str(self.binary), *arguments],
            input=say,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def close(self) -> None:
        self._open.close()
