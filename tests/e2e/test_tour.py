"""Every page, at both widths and in both themes: quiet, at home, within its width, open to everybody."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page

from referral_platform.local.folders import ROOT
from tests.architecture.routes import Route, routes
from tests.e2e.axe import axe_faults
from tests.e2e.chromium import SCHEMES, WIDTHS, Scheme, State, Watched, opened
from tests.e2e.pages import NO_PAGE, PUBLIC, ROWS, Stop, shown, stops_of, tour
from tests.e2e.preparations import PREPARATIONS
from tests.e2e.stage import JoinedStage

PICTURES = ROOT / "var" / "e2e"
TOUR = tour()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("name", "stop"), TOUR, ids=[name for name, _ in TOUR])
def test_page(
    name: str,
    stop: Stop,
    scheme: Scheme,
    stage: JoinedStage,
    browser: Browser,
    request: pytest.FixtureRequest,
) -> None:
    state: State | None = None if stop.actor == "nobody" else request.getfixturevalue(stop.actor)
    base_url = stage.development_url if stop.actor == "developer" else stage.base_url
    wrong = []
    with opened(browser, base_url, scheme=scheme, state=state) as watched:
        watched.allowed_status = stop.status
        address = stop.path(stage)
        for width, height in WIDTHS.items():
            watched.page.set_viewport_size({"width": width, "height": height})
            _go(watched, stop, address, stage)
            watched.wrong += _looked_at(watched.page, width)
            picture = PICTURES / f"{re.sub(r'[^a-z0-9_]+', '-', name.lower())}-{width}-{scheme}.png"
            watched.page.screenshot(path=picture, full_page=True)
            wrong += [f"{name} ({address}), {width} px, {scheme}: {fault}" for fault in watched.wrong]
            watched.wrong.clear()
            # What was done to get here is done once; the page is then only loaded anew.
            address = watched.page.url if stop.before else address
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def _go(watched: Watched, stop: Stop, address: str, stage: JoinedStage) -> None:
    page = watched.page
    if stop.before and page.url != "about:blank":
        page.reload()
        watched.settle()
        return
    response = page.goto(address)
    assert response is not None
    if response.status != stop.status:
        watched.wrong.append(f"status {response.status} instead of {stop.status}")
    if stop.before:
        PREPARATIONS[stop.before](page, stage)
    watched.settle()


def _looked_at(page: Page, width: int) -> list[str]:
    wrong = axe_faults(page)
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
