"""The pages of analytics as a member sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User, Workspace
from analytics.services import rebuild_recent
from core import clock
from core.tenancy import tenant
from tests.analytics.conftest import Facts


@pytest.fixture
def page(workspace: Workspace, owner: User, client: Client) -> Callable[..., str]:
    """Open a page of the workspace as its owner and return its HTML."""
    client.force_login(owner)

    def run(path: str = "", status: int = 200) -> str:
        response = client.get(f"/w/{workspace.slug}/{path}")
        assert response.status_code == status
        return response.content.decode()

    return run


def day(days_ago: int) -> str:
    return f"{clock.now() - timedelta(days=days_ago):%Y-%m-%d} 10:00"


def a_month(facts: Facts, referrals: int) -> None:
    """Fill the last month: a click, a sign-up and a purchase of 10.00 EUR for each referral."""
    program = facts.program("Friends")
    ana = facts.participant(program, enrolled=day(20))
    for number in range(referrals):
        facts.click(ana, day(5), visitor=f"vis_{number}")
        signup = facts.conversion(day(4), ana, kind="signup")
        facts.conversion(day(3), ana, amount=1_000, customer=signup.customer)
    rebuild_recent(workspace=facts.workspace, at=clock.now())


def test_the_overview_shows_the_figures_and_a_chart_with_its_table(
    facts: Facts, page: Callable[..., str]
) -> None:
    a_month(facts, 3)
    html = page()
    assert "€30.00" in html
    assert "100.0 %" in html
    assert '<title id="chart-title">' in html
    assert "Clicks: 3 in all" in html
    assert html.count('scope="row"') >= 30
    assert f"/w/{facts.workspace.slug}/referrals/rfl_" in html
    assert "Getting started: 4 of 5" in html


def test_a_new_workspace_sees_what_to_do_first(workspace: Workspace, page: Callable[..., str]) -> None:
    html = page()
    assert "Getting started: 0 of 5" in html
    assert f"/w/{workspace.slug}/programs/new/" in html
    assert "No referrals yet" in html
    assert "Nothing waits for you." in html


def test_the_overview_takes_as_many_queries_for_30_referrals_as_for_one(
    facts: Facts, page: Callable[..., str]
) -> None:
    a_month(facts, 1)
    page()
    with CaptureQueriesContext(
        connection,
    ) as few:
        page()
    with tenant(facts.workspace):
        a_month(facts, 30)
    with CaptureQueriesContext(connection) as many:
        page()
    assert len(many) == len(few) <= 40


def test_a_bad_date_is_named_and_the_default_period_shown(page: Callable[..., str]) -> None:
    html = page("?from=2026-02-30", status=400)
    assert 'id="id_from_error"' in html
    assert "Enter a valid date." in html
    assert "Sign-ups" in html


def test_the_funnel_names_the_reasons(facts: Facts, page: Callable[..., str]) -> None:
    ana = facts.participant(facts.program("Friends"), enrolled=day(20))
    facts.click(ana, day(5), reason="bot")
    facts.click(ana, day(5), reason="preview")
    rebuild_recent(workspace=facts.workspace, at=clock.now())
    html = page("funnel/?days=7")
    assert "Bot" in html
    assert "Preview of a chat or a feed" in html
    assert "Participants enrolled" in html


def test_programs_of_others_are_no_choice(
    other_workspace: Workspace, facts_in: Callable[[Workspace], Facts], page: Callable[..., str]
) -> None:
    with tenant(other_workspace):
        theirs = facts_in(other_workspace).program("Theirs")
    html = page(f"?program={theirs.public_id}", status=400)
    assert "There is no such program." in html
    assert "Theirs" not in html
