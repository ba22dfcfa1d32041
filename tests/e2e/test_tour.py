"""Every page, at both widths and in both themes: quiet, at home, within its width, open to everybody."""

from __future__ import annotations

import re
from itertools import product

import httpx
import pytest
from playwright.sync_api import Browser, Page

from referral_platform.local.folders import ROOT
from tests.architecture.routes import Route, routes
from tests.e2e.axe import axe_faults
from tests.e2e.chromium import SCHEMES, WIDTHS, State, Watched, opened
from tests.e2e.pages import NO_PAGE, PUBLIC, ROWS, Stop, shown, stops_of, tour
from tests.e2e.preparations import PREPARATIONS
from tests.e2e.stage import JoinedStage

PICTURES = ROOT / "var" / "e2e"
TOUR = tour()
BLANK = "about:blank"


@pytest.mark.parametrize(("name", "stop"), TOUR, ids=[name for name, _ in TOUR])
def test_page(
    name: str, stop: Stop, stage: JoinedStage, browser: Browser, request: pytest.FixtureRequest
) -> None:
    state: State | None = None if stop.actor == "nobody" else request.getfixturevalue(stop.actor)
    base_url = stage.development_url if stop.actor == "developer" else stage.base_url
    address = stop.path(stage)
    with opened(browser, base_url, state=state) as watched:
        watched.allowed_status = stop.status
        wrong = _opened(watched, stop, address, stage)
        # One load serves all: the width and the theme are the style sheets' affair alone.
        for width, scheme in product(WIDTHS, SCHEMES):
            watched.show(width, scheme)
            found = [*watched.faults(), *_looked_at(watched.page, stop, width)]
            wrong += [f"{width} px, {scheme}: {fault}" for fault in found]
            picture = f"{re.sub(r'[^a-z0-9_]+', '-', name.lower())}-{width}-{scheme}.png"
            watched.page.screenshot(path=PICTURES / picture, full_page=True)
        wrong += watched.faults()
    if wrong:
        pytest.fail("\n".join(f"{name} ({address}), {fault}" for fault in wrong), pytrace=False)


def _opened(watched: Watched, stop: Stop, address: str, stage: JoinedStage) -> list[str]:
    """Open the page and return what was wrong on the way there."""
    response = watched.page.goto(address)
    assert response is not None
    if stop.before:
        PREPARATIONS[stop.before](watched.page, stage)
    watched.settle()
    found = watched.faults()
    if "sandbox" in response.headers.get("content-security-policy", ""):
        # A mail's HTML, for a frame. No promise is kept where no script may run, so axe might never come to
        # its end: it gets a copy.
        copy = watched.page.content()
        watched.page.goto(BLANK)
        watched.page.set_content(copy)
    strange = [] if response.status == stop.status else [f"status {response.status}, not {stop.status}"]
    return [f"loading: {fault}" for fault in [*strange, *found]]


def _looked_at(page: Page, stop: Stop, width: int) -> list[str]:
    wrong = axe_faults(page, without=stop.drawn_by_others, framed=page.url == BLANK)
    scrolled = page.evaluate("() => document.scrollingElement.scrollWidth")
    if scrolled > width:
        wrong.append(f"scrolls sideways: {scrolled} px wide, by {_widest(page, width)}")
    if not page.title():
        wrong.append("has no title")
    return wrong


def _widest(page: Page, width: int) -> str:
    """Return the outermost elements that stand out to the right."""
    found: list[str] = page.evaluate(
        """width => {
            const inside = element => {
                for (let up = element.parentElement; up; up = up.parentElement)
                    if (getComputedStyle(up).overflowX !== "visible" && up !== document.body
                        && up !== document.documentElement) return true;
                return false;
            };
            return [...document.body.querySelectorAll("*")]
                .filter(each => each.getBoundingClientRect().right > width + 0.5 && !inside(each))
                .slice(0, 4)
                .map(each => each.tagName.toLowerCase() + (each.id ? "#" + each.id : "")
                    + [...each.classList].map(name => "." + name).join(""));
        }""",
        width,
    )
    return ", ".join(found) or "something fixed"


def test_every_route_has_its_stops() -> None:
    """A page that the tour would not visit fails here, and so does an entry for a page that is gone."""
    for route in shown():
        assert stops_of(route)
    names = {route.name for route in routes()}
    gone = (set(PUBLIC) | set(ROWS) | NO_PAGE) - names
    assert not gone


@pytest.mark.parametrize("route", [each for each in routes() if each.name in NO_PAGE], ids=lambda r: r.name)
def test_no_page(route: Route, stage: JoinedStage, owner: State) -> None:
    """What is left out of the tour shows nobody a page."""
    values = {
        "slug": "lumen-coffee",
        "public_id": "none_0",
        "code": "nobodys-code",
        "method": "bank",
        "provider": "woocommerce",
        "name": "none.eml",
        "color": "4f46e5",
        "digest": "0" * 12,
    }
    cookies = {each["name"]: each["value"] for each in owner["cookies"]}
    address = stage.base_url + route.address(values)
    answer = httpx.get(address, cookies=cookies, trust_env=False, timeout=30)
    is_page = answer.status_code == 200 and "<main" in answer.text
    assert not is_page, f"{address} shows a page; take {route.name} out of NO_PAGE"
