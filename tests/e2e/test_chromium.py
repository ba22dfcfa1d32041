"""The bound on what a page may take: without it, one page that hangs holds up the whole suite."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.e2e.chromium import opened


@pytest.mark.parametrize(
    "endless", ["() => new Promise(() => {})", "() => { for (;;); }"], ids=["promise", "loop"]
)
def test_a_page_that_never_answers_is_ended(running: Callable[[], Browser], endless: str) -> None:
    began = time.monotonic()
    ended = pytest.raises(AssertionError, match="took more than 2 s")
    with ended, opened(running(), "http://127.0.0.1:1", longest_seconds=2) as watched:
        watched.page.evaluate(endless)
    assert time.monotonic() - began < 30
    # The next test has a browser again.
    with opened(running(), "http://127.0.0.1:1") as watched:
        assert watched.page.evaluate("6 * 7") == 42
