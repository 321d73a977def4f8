from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest
from driftstack import ForbiddenError, ValidationError
from town import Person, Town
from wire import issue_paths


def _png(width: int = 3, height: int = 2) -> bytes:
    """A red picture, without a library."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\xc8\x1e\x28" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _body(picture: bytes, content_type: str = "image/png") -> dict[str, Any]:
    return {"data_base64": base64.b64encode(picture).decode(), "content_type": content_type}


def test_an_avatar_is_shown_until_it_is_cleared(town: Town, olive: Person) -> None:
    assert (olive.api.account.me()["avatar_url"], olive.api.account.me()["avatar_source"]) == (None, "none")
    avatar = olive.api.account.upload_avatar(_body(_png()))
    assert set(avatar) == {"avatar_url", "content_type", "bytes"}
    assert avatar["content_type"] == "image/png"
    assert olive.api.account.me()["avatar_source"] == "user"

    # The URL is the credential.
    served = town.raw.get(olive.api.account.me()["avatar_url"])
    assert (served.status_code, served.headers["content-type"]) == (200, "image/png")
    assert len(served.content) == avatar["bytes"]

    assert olive.api.account.clear_avatar() is None
    assert olive.api.account.clear_avatar() is None
    me = olive.api.account.me()
    assert (me["avatar_url"], me["avatar_source"]) == (None, "none")
    actions = [entry["action"] for entry in olive.api.audit_log.iterate(action="account.*")]
    assert actions[:2] == ["account.avatar_removed", "account.avatar_updated"]


async def test_an_avatar_through_the_asynchronous_client(town: Town, olive: Person) -> None:
    async with town.async_client(olive.token) as client:
        avatar = await client.account.upload_avatar(_body(_png()))
        assert (await client.account.me())["avatar_url"].split("?")[0] == avatar["avatar_url"].split("?")[0]
        assert await client.account.clear_avatar() is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (_body(b"<svg/>"), "data_base64"),
        (_body(_png()[:-20]), "data_base64"),
        (_body(_png() + b"PK\x03\x04"), "data_base64"),
        (_body(_png(9000, 1)), "data_base64"),
        (_body(_png(), "image/jpeg"), "content_type"),
        (_body(_png(), "image/gif"), "content_type"),
        ({**_body(_png()), "data_base64": "not base64"}, "data_base64"),
    ],
)
def test_what_is_no_picture_is_refused(olive: Person, body: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        olive.api.account.upload_avatar(body)
    assert issue_paths(refused.value) == field
    assert olive.api.account.me()["avatar_source"] == "none"


def test_a_key_without_the_scope_changes_no_avatar(town: Town, olive: Person) -> None:
    client = town.client(olive.key("read", "write").plaintext)
    with pytest.raises(ForbiddenError, match="account_owner"):
        client.account.upload_avatar(_body(_png()))
    with pytest.raises(ForbiddenError, match="account_owner"):
        client.account.clear_avatar()
