from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from town import Mailbox, Person, Town


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set; start the tests with `apps/driftstack/tests/sdk/run`", returncode=2)
    return value


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    town = Town(
        url=_setting("DRIFTSTACK_TEST_URL"),
        mailbox=Mailbox(Path(_setting("DRIFTSTACK_TEST_MAIL_DIR"))),
        binary=Path(_setting("DRIFTSTACK_TEST_BIN")),
        data=Path(_setting("DRIFTSTACK_TEST_DATA_DIR")),
    )
    yield town
    town.close()


@pytest.fixture
def olive(town: Town) -> Person:
    """Owns a team."""
    return town.move_in("olive")


@pytest.fixture
def ada(town: Town) -> Person:
    """Is on Olive's team where a test puts her there."""
    return town.move_in("ada")


@pytest.fixture
def bo(town: Town) -> Person:
    """Is on nobody's team."""
    return town.move_in("bo")
