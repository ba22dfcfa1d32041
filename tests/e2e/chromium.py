"""Debian's Chromium: how it is started, and pages that note what should not happen on them."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Playwright, Request, Response

from tests.architecture.csp import csp_faults

Scheme = Literal["light", "dark"]
State = dict[str, Any]
"""Cookies and storage of a signed-in context, as Playwright writes them down."""

WIDTHS: Final = {1280: 900, 390: 844}
"""The widths that every page is looked at in, with the heights of such screens."""

SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
PATIENCE_MS: Final = 60_000
LONGEST_SECONDS: Final = 180.0
"""How long a page may be worked on, on however busy a machine."""

_STILL_MS: Final = 60
ARGUMENTS: Final = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-gpu",
    "--disable-sync",
    # Nobody outside is even looked up: a request to another host fails at once, and a case says so.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-default-browser-check",
    "--no-first-run",
]


def find_chromium() -> str:
    """Return where Chromium is installed; fails with what to do where it is not."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "Chromium is missing; on Debian, 'apt install chromium' brings it."
    return found


def arguments() -> list[str]:
    """Return how Chromium is started; its sandbox does not work for root."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def start_chromium(playwright: Playwright) -> Browser:
    """Start a headless Chromium with a profile of its own."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=arguments(), headless=True)


@dataclass(eq=False)
class Watched:
    """A page whose console, requests and headers are watched; `wrong` lists what should not have been."""

    page: Page
    base_url: str
    allowed_status: int = 200
    wrong: list[str] = field(default_factory=list)
    under_way: set[Request] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("requestfinished", self._ended)
        self.page.on("requestfailed", self._ended)
        self.page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium notes in the console that the page itself came with an error's status, which may be right.
        expected = self.allowed_status >= 400 and f"status of {self.allowed_status}" in message.text
        if not (expected and message.location.get("url") == self.page.url):
            self.wrong.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        self.under_way.add(request)
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and not request.url.startswith(self.base_url):
            self.wrong.append(f"request to another host: {request.url}")

    def _ended(self, request: Request) -> None:
        self.under_way.discard(request)

    def _answered(self, response: Response) -> None:
        if not response.url.startswith(self.base_url):
            return
        if response.request.resource_type == "document":
            faults = csp_faults(response.headers.get("content-security-policy"))
            self.wrong += [f"{response.url}: {fault}" for fault in faults if not 300 <= response.status < 400]
        elif response.status >= 400:
            self.wrong.append(f"{response.status} for {response.url}")

    def settle(self) -> None:
        """Wait until the page stands still: loaded, fonts ready, no request under way."""
        self.page.wait_for_load_state("load")
        self.page.evaluate("() => document.fonts.ready.then(() => true)")
        self.page.wait_for_timeout(_STILL_MS)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while self.under_way and time.monotonic() < deadline:
            self.page.wait_for_timeout(_STILL_MS)
        if self.under_way:
            self.wrong.append(f"waits for {[each.url for each in self.under_way]}")

    def show(self, width: int, scheme: Scheme) -> None:
        """Lay the loaded page out anew for a screen of this width and theme."""
        self.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate("scrollTo(0, 0)")
        self.settle()

    def faults(self) -> list[str]:
        """Return what was wrong since this was asked last."""
        found = list(self.wrong)
        self.wrong.clear()
        return found


def _user_agent(browser: Browser) -> str:
    """Return what Chromium calls itself with a screen; a headless one is a robot to the platform."""
    return (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{browser.version.partition('.')[0]}.0.0.0 Safari/537.36"
    )


def _process_of(browser: Browser) -> int:
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return next(int(each["id"]) for each in processes if each["type"] == "browser")


@contextmanager
def bounded(browser: Browser, seconds: float) -> Iterator[None]:
    """End the browser when the block takes longer, which fails whatever waits for it.

    Playwright itself waits without end for what a page evaluates and for a context to close.
    """
    ended: list[float] = []
    process = _process_of(browser)

    def end() -> None:
        ended.append(seconds)
        os.kill(process, signal.SIGKILL)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Error as error:
        if ended:
            raise AssertionError(f"Chromium was ended: the page took more than {seconds:.0f} s") from error
        raise
    finally:
        timer.cancel()


@contextmanager
def opened(
    browser: Browser,
    base_url: str,
    *,
    width: int = 1280,
    scheme: Scheme = "light",
    state: State | None = None,
    scale: float = 1,
    longest_seconds: float = LONGEST_SECONDS,
) -> Iterator[Watched]:
    """Give a watched page in a context of its own, without motion, signed in if `state` says so."""
    with bounded(browser, longest_seconds):
        context = browser.new_context(
            base_url=base_url,
            viewport={"width": width, "height": WIDTHS[width]},
            device_scale_factor=scale,
            color_scheme=scheme,
            user_agent=_user_agent(browser),
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Berlin",
            storage_state=state,  # type: ignore[arg-type]  # what Playwright itself returned
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield Watched(context.new_page(), base_url)
        finally:
            context.close()
