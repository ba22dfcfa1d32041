"""A folder that is a checkout of its own to the local servers, and processes that are seen to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from referral_platform.local.__main__ import clean


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """An empty checkout; root's data outside of it is removed again, too."""
    root = tmp_path / "checkout"
    root.mkdir()
    yield root
    clean(root)


def eventually(condition: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    """Whether the condition becomes true within some time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
