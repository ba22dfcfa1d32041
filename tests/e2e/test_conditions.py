"""Conditions are built in the editor by keys alone, tried out beside it, and saved."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.e2e.chromium import State, opened
from tests.e2e.pages import CREATORS
from tests.e2e.stage import SLUG, JoinedStage


def test_a_condition_is_added_tried_out_and_saved(browser: Browser, stage: JoinedStage, owner: State) -> None:
    program = stage.one(SLUG, CREATORS)
    with opened(browser, stage.base_url, state=owner, width=390) as watched:
        page = watched.page
        page.goto(f"/w/{SLUG}/programs/{program}/edit/rules/")
        page.get_by_role("button", name="Add conditions of the program").press("Enter")
        what = page.get_by_label("Condition 1: what")
        expect(what).to_be_focused()
        what.select_option(label="The customer's country")
        page.get_by_label("Condition 1: how").select_option("one_of")
        page.get_by_label("Condition 1: value").fill("de at")
        trial = page.get_by_label("The customer's country", exact=True)
        expect(page.get_by_text("not known", exact=True)).to_be_visible()
        trial.fill("FR")
        expect(page.get_by_text("the program wants DE or AT").first).to_be_visible()
        page.get_by_role("button", name="Save draft").last.press("Enter")
        expect(page.get_by_label("Condition 1: value")).to_have_value("DE, AT")
        page.get_by_role("button", name="Remove condition 1").press("Enter")
        expect(page.get_by_role("button", name="Add conditions of the program")).to_be_focused()
        page.get_by_role("button", name="Save draft").last.press("Enter")
        expect(page.get_by_role("button", name="Add conditions of the program")).to_be_visible()
        assert not watched.faults()
