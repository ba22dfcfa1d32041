"""The running stage, one Chromium for each test process, and who is signed in."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from referral_platform.demo import cast
from tests.e2e.chromium import State, opened, start_chromium
from tests.e2e.pages import BUSIEST_PARTICIPANT
from tests.e2e.preparations import open_portal_link
from tests.e2e.stage import NAMED_BY, SLUG, JoinedStage


@pytest.fixture(scope="session")
def stage() -> Iterator[JoinedStage]:
    """The stage that `make e2e` has started."""
    description = os.environ.get(NAMED_BY)
    assert description, "Run the browser suite by `make e2e`; it starts the servers and loads the demo."
    joined = JoinedStage(description)
    yield joined
    joined.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives the browsers of this test process; there can be one of it only."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def running(playwright: Playwright) -> Iterator[Callable[[], Browser]]:
    """Returns Chromium, which is started once, and anew after a test whose browser had to be ended."""
    started: list[Browser] = []

    def run() -> Browser:
        if not started or not started[-1].is_connected():
            started.append(start_chromium(playwright))
        return started[-1]

    yield run
    for each in started:
        each.close()


@pytest.fixture
def browser(running: Callable[[], Browser]) -> Browser:
    """Chromium; every test has contexts of its own."""
    return running()


def _once(
    stage: JoinedStage, who: str, browser: Browser, base_url: str, sign_in: Callable[[Page], None]
) -> State:
    """Sign somebody in, unless another test process did; they share the session."""
    with (stage.folder / f"{who}.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        kept = file.read()
        if kept:
            shared: State = json.loads(kept)
            return shared
        with opened(browser, base_url) as watched:
            sign_in(watched.page)
            state: State = dict(watched.page.context.storage_state())
        file.write(json.dumps(state))
        return state


def _enter(page: Page) -> None:
    page.goto("/accounts/login/")
    page.locator("input[type=email]").first.fill(cast.OWNER.email)
    page.locator("input[type=password]").first.fill(cast.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/w/**")


@pytest.fixture(scope="session")
def owner(stage: JoinedStage, running: Callable[[], Browser]) -> State:
    """The demo shop's owner, signed in."""
    return _once(stage, "owner", running(), stage.base_url, _enter)


@pytest.fixture(scope="session")
def developer(stage: JoinedStage, running: Callable[[], Browser]) -> State:
    """The same at the server that shows the pages for developers."""
    return _once(stage, "developer", running(), stage.development_url, _enter)


@pytest.fixture(scope="session")
def participant(stage: JoinedStage, running: Callable[[], Browser]) -> State:
    """The participant with most rewards, signed in to the portal by a mailed link."""

    def enter(page: Page) -> None:
        open_portal_link(page, stage, stage.one(SLUG, BUSIEST_PARTICIPANT))
        page.get_by_role("main").get_by_role("button").first.click()
        page.wait_for_url("**/portal/")

    return _once(stage, "participant", running(), stage.base_url, enter)
