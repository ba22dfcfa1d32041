"""The console's menu: it fits a small screen, opens by keys, stays as it was left, and needs no script."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Browser, Page, expect

from accounts.navigation import MENU
from tests.e2e.chromium import State, opened
from tests.e2e.stage import SLUG, JoinedStage

HOME: Final = f"/w/{SLUG}/"
_TOO_TALL: Final = "() => { const menu = document.querySelector('nav[aria-label=Main]'); \
return menu.scrollHeight - menu.clientHeight; }"


def open_groups(page: Page) -> list[str]:
    """Return the keys of the groups that stand open."""
    found = page.locator("details[data-group][open]").evaluate_all(
        "rows => rows.map(row => row.dataset.group)"
    )
    return list(found)


def test_the_menu_fits_wherever_one_is(browser: Browser, stage: JoinedStage, owner: State) -> None:
    with opened(browser, stage.base_url, state=owner) as watched:
        page = watched.page
        for label, _ in MENU:
            page.goto(HOME)
            if label:
                group = page.locator(f"details[data-group={label.lower()}]")
                if label.lower() not in open_groups(page):
                    group.locator("summary").click()
                address = group.locator("a").first.get_attribute("href")
                page.context.clear_cookies(name="menu")
                page.goto(address or "")
            watched.show(1280, "light")
            assert page.evaluate(_TOO_TALL) <= 0, label
        assert not watched.faults()


def test_a_group_opens_by_keys_and_stays_open(browser: Browser, stage: JoinedStage, owner: State) -> None:
    with opened(browser, stage.base_url, state=owner) as watched:
        page = watched.page
        page.goto(HOME)
        assert open_groups(page) == ["programs"]
        page.locator("#nav-money").focus()
        page.keyboard.press("Enter")
        page.locator("#nav-programs").focus()
        page.keyboard.press("Space")
        expect(page.locator("details[data-group=money]")).to_have_attribute("open", "")
        page.get_by_role("link", name="Ledger").click()
        page.goto(HOME)
        assert open_groups(page) == ["money"]
        assert not watched.faults()


def test_the_menu_needs_no_script(browser: Browser, stage: JoinedStage, owner: State) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=owner, base_url=stage.base_url)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.goto(HOME)
        page.locator("#nav-trust").click()
        page.get_by_role("link", name="Fraud rules").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.url.endswith("/fraud/rules/")
    finally:
        context.close()
