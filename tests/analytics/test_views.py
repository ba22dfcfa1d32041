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
    assert '<title id="overview-chart-title">Clicks</title>' in html
    assert ": 3 in all" in html
    assert html.count('scope="row"') >= 30
    assert f"/w/{facts.workspace.slug}/referrals/rfl_" in html
    assert "4 of 5 steps complete" in html
    assert "Connect your shop" in html


def test_the_chart_draws_what_is_chosen_by_day_or_week(facts: Facts, page: Callable[..., str]) -> None:
    a_month(facts, 3)
    html = page("?chart=revenue_minor&by=week")
    assert '<title id="overview-chart-title">Revenue</title>' in html
    assert "€30.00 in all" in html
    chart = html[html.index('id="chart"') : html.index("</details>", html.index("Show as a table"))]
    assert chart.count('scope="row"') == 5
    assert '<title id="overview-chart-title">Clicks</title>' in page("?chart=nothing")


def test_every_number_leads_to_its_rows_of_the_same_days(facts: Facts, page: Callable[..., str]) -> None:
    a_month(facts, 1)
    program = facts.program("Second")
    html = page(f"?from=2026-01-01&to=2026-01-31&program={program.public_id}")
    narrowed = f"from=2026-01-01&amp;to=2026-01-31&amp;program={program.public_id}"
    root = f"/w/{facts.workspace.slug}"
    for address in (
        f"{root}/clicks/?counted=yes&amp;{narrowed}",
        f"{root}/conversions/?kind=signup&amp;{narrowed}",
        f"{root}/participants/?{narrowed}",
        f"{root}/rewards/?{narrowed}",
        f"{root}/funnel/?{narrowed}",
    ):
        assert f'href="{address}"' in html


def test_a_new_workspace_sees_what_to_do_first(workspace: Workspace, page: Callable[..., str]) -> None:
    html = page()
    assert "0 of 5 steps complete" in html
    assert f"/w/{workspace.slug}/programs/new/" in html
    assert "No referrals yet" in html
    assert "Nothing waits for you." in html
    assert "Nothing happened in these days" in html


def test_the_overview_takes_as_many_queries_for_30_referrals_as_for_one(
    facts: Facts, page: Callable[..., str]
) -> None:
    a_month(facts, 1)
    page()
    with CaptureQueriesContext(connection) as few:
        page()
    with tenant(facts.workspace):
        a_month(facts, 30)
    with CaptureQueriesContext(connection) as many:
        page()
    assert len(many) == len(few)
    # Programs, standing, figures, latest referrals, best participants; the rest is the frame's.
    own = [q["sql"] for q in few if q["sql"].startswith("SELECT") and "set_config" not in q["sql"]]
    assert len([sql for sql in own if "workspace_id" in sql and "accounts_member" not in sql]) == 5


def test_the_period_follows_the_person_from_page_to_page(
    facts: Facts, other_workspace: Workspace, page: Callable[..., str], client: Client
) -> None:
    assert "Last 30 days" in page()
    assert 'aria-label="Period: Last 7 days"' in page("?period=7d")
    assert 'aria-label="Period: Last 7 days"' in page()
    assert 'aria-label="Period: Last 7 days"' in page("funnel/")
    assert 'aria-label="Period: Jan 1, 2026 – Jan 31, 2026"' in page("funnel/?from=2026-01-01&to=2026-01-31")
    assert "from=2026-01-01&amp;to=2026-01-31" in page()
    # A wrong one is not remembered, and another workspace has its own.
    page("?from=2026-02-30", status=400)
    assert "from=2026-01-01&amp;to=2026-01-31" in page()
    assert list(client.session.keys()).count(f"period:{facts.workspace.public_id}") == 1
    assert f"period:{other_workspace.public_id}" not in client.session


def test_a_bad_date_is_named_and_the_default_period_shown(page: Callable[..., str]) -> None:
    html = page("?from=2026-02-30", status=400)
    assert 'id="period-from_error"' in html
    assert "Enter a valid date." in html
    assert "Sign-ups" in html


def test_the_funnel_names_the_reasons(facts: Facts, page: Callable[..., str]) -> None:
    ana = facts.participant(facts.program("Friends"), enrolled=day(20))
    facts.click(ana, day(5), reason="bot")
    facts.click(ana, day(5), reason="preview")
    rebuild_recent(workspace=facts.workspace, at=clock.now())
    html = page("funnel/?period=7d")
    assert "Bot" in html
    assert "Preview of a chat or a feed" in html
    assert "Participants enrolled" in html
    assert f"/w/{facts.workspace.slug}/clicks/?counted=no&amp;from=" in html


def test_the_funnel_is_a_file_as_well(facts: Facts, page: Callable[..., str], client: Client) -> None:
    ana = facts.participant(facts.program("Friends"), enrolled=day(5))
    facts.click(ana, day(5))
    facts.click(ana, day(5), reason="bot")
    facts.click(ana, day(5), reason="=1+1")
    rebuild_recent(workspace=facts.workspace, at=clock.now())
    client.force_login(User.objects.get(email="olga@acme.example"))
    response = client.get(f"/w/{facts.workspace.slug}/funnel/?period=7d&format=csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="funnel-20')
    lines = response.content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "part,what,reason,count,of the step before"
    assert lines[1] == "Step,Participants enrolled,,1,"
    assert lines[2] == "Step,Clicks,,1,"
    assert lines[3] == "Step,Visitors,,1,100.0 %"
    assert "Fell away,Clicks that were not counted,Bot,1," in lines
    assert "Fell away,Clicks that were not counted,'=1+1,1," in lines


def test_the_search_groups_what_it_finds(facts: Facts, page: Callable[..., str]) -> None:
    ana = facts.participant(facts.program("Friends"))
    for number in range(7):
        facts.conversion(day(3), ana, source_key=f"LC-{number}")
    html = page("search/?q=lc-")
    assert "Orders and sign-ups" in html
    assert html.count("/conversions/cnv_") == 5
    assert "?q=lc-&amp;kind=conversion" in html
    assert page("search/?q=lc-&kind=conversion").count("/conversions/cnv_") == 7
    assert f"/participants/{ana.public_id}/" in page(f"search/?q={facts.links[ana.pk].code}")
    assert "Nothing found" in page("search/?q=nobody")
    assert "What are you looking for?" in page("search/")
    assert "<script>" not in page("search/?q=<script>")


def test_the_box_at_the_top_gets_what_was_found_alone(
    facts: Facts, page: Callable[..., str], client: Client
) -> None:
    facts.conversion(day(3), facts.participant(facts.program("Friends")), source_key="LC-1")
    assert 'id="search-box"' in page()
    address = f"/w/{facts.workspace.slug}/search/"
    response = client.get(address, {"q": "LC-1"}, headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "<html" not in html
    assert html.count("data-hit") >= 2
    assert 'data-said="1 found"' in html
    assert "HX-Request" in response["Vary"]
    nothing = client.get(address, {"q": "nobody"}, headers={"HX-Request": "true"}).content.decode()
    assert "Nothing found for “nobody”" in nothing


def test_programs_of_others_are_no_choice(
    other_workspace: Workspace, facts_in: Callable[[Workspace], Facts], page: Callable[..., str]
) -> None:
    with tenant(other_workspace):
        theirs = facts_in(other_workspace).program("Theirs")
    html = page(f"?program={theirs.public_id}", status=400)
    assert "There is no such program." in html
    assert "Theirs" not in html
