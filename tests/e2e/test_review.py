"""Reviewing fraud cases by keys alone: deciding moves on, a decision is undone, writing decides nothing."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Browser, expect

from tests.e2e.chromium import State, opened
from tests.e2e.stage import SLUG, JoinedStage

QUEUE: Final = f"/w/{SLUG}/fraud/"


def test_cases_are_reviewed_by_keys(browser: Browser, stage: JoinedStage, owner: State) -> None:
    with opened(browser, stage.base_url, state=owner) as watched:
        page = watched.page
        page.goto(QUEUE)
        page.locator("#results tbody a").first.click()
        heading = page.get_by_role("heading", level=1)
        first = heading.inner_text()

        page.locator("body").press("n")
        expect(heading).not_to_have_text(first)
        second = heading.inner_text()
        page.go_back()
        expect(heading).to_have_text(first)

        page.get_by_label("Note").fill("a reason")
        page.get_by_label("Note").press("r")
        expect(page.get_by_label("Note")).to_have_value("a reasonr")
        page.get_by_label("Note").blur()

        page.locator("body").press("?")
        help_sheet = page.get_by_role("dialog", name="Keys")
        expect(help_sheet).to_be_visible()
        page.locator("body").press("a")
        expect(heading).to_have_text(first)
        page.keyboard.press("Escape")
        expect(help_sheet).to_be_hidden()

        page.locator("body").press("r")
        expect(heading).to_have_text(second)
        expect(page.get_by_role("form", name="Last decision")).to_contain_text("rejected")
        page.locator("body").press("u")
        expect(heading).to_have_text(first)
        expect(page.get_by_text("Open", exact=True)).to_be_visible()
        assert not watched.faults()
