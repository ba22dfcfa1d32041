"""One running platform for all journeys; they run one after another, on one worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.platform import Platform

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark this folder's tests."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The running platform; it ends with the journeys: idle, it still takes time from the others."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    running = Platform(tmp_path_factory.mktemp("platform"), f"journey_referral_{worker}", own_postgres=True)
    try:
        running.start()
        yield running
    finally:
        running.close()
