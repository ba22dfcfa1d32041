"""The overview and the funnel: exact numbers over a hand-made fortnight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import services as account_services
from accounts.models import Workspace
from accounts.services import SYSTEM
from analytics import queries
from analytics.days import Period
from analytics.queries import Day, Drop, Money, Share
from analytics.services import rebuild_days
from core.events import emit
from core.tenancy import tenant
from engagement.models import Message
from integrations.models import Connection, InboxItem
from programs.models import Program
from tests import factories
from tests.analytics.conftest import Facts, instant
from tests.rewards.builders import doubt
from tracking.models import Conversion

AT = instant("2026-04-02 12:00")
WEEK: dict[str, Any] = {"first_on": date(2026, 3, 23), "last_on": date(2026, 3, 29)}


def rebuild(workspace: Workspace) -> None:
    rebuild_days(workspace=workspace, first_on=date(2026, 3, 1), last_on=date(2026, 4, 2), at=AT)


def test_a_week_stands_beside_the_week_before(workspace: Workspace, facts: Facts) -> None:
    ana = facts.participant(facts.program(), enrolled="2026-03-24 10:00")
    for hour in range(8):
        facts.click(ana, f"2026-03-24 {10 + hour}:00", visitor=f"vis_{hour}")
    facts.click(ana, "2026-03-25 10:00", visitor="vis_0")
    facts.click(ana, "2026-03-17 10:00")
    facts.conversion("2026-03-29 21:59", ana, kind="signup")  # Sunday, a minute before midnight
    facts.conversion("2026-03-29 22:00", ana, kind="signup")  # Monday
    sale = facts.conversion("2026-03-25 10:00", ana, amount=10_000)
    facts.conversion("2026-03-26 10:00", ana, amount=5_000)
    facts.conversion("2026-03-16 10:00", ana, amount=2_000, currency="USD")
    facts.refund(sale, "2026-03-26 10:00", 500)
    rebuild(workspace)
    report = queries.overview(workspace, **WEEK)
    assert report.period == Period(**WEEK)
    assert report.previous == Period(date(2026, 3, 16), date(2026, 3, 22))
    now, before = report.now, report.before
    assert (now.clicks, now.visitors, now.signups, now.purchases, now.enrolled) == (9, 9, 1, 2, 1)
    assert now.money == (Money("EUR", revenue_minor=15_000, refunded_minor=500),)
    assert str(now.signup_rate) == "11.1 %"
    assert now.purchase_rate == Share(2, 1)
    assert now.purchase_rate.percent == "200.0"
    assert (before.clicks, before.purchases) == (1, 1)
    assert before.money == (Money("USD", revenue_minor=2_000),)
    assert str(before.purchase_rate) == "–"
    assert len(report.days) == 7
    assert report.days[:3] == (
        Day(date(2026, 3, 23)),
        Day(date(2026, 3, 24), clicks=8, enrolled=1),
        Day(date(2026, 3, 25), clicks=1, purchases=1, money=(Money("EUR", revenue_minor=10_000),)),
    )
    assert report.days[2].of_unit("EUR").revenue_minor == 10_000
    assert report.days[2].of_unit("USD") == Money("USD")
    assert [day.day_on for day in report.days_before] == report.previous.dates
    assert [day.clicks for day in report.days_before] == [0, 1, 0, 0, 0, 0, 0]
    assert report.days_before[0].of_unit("USD").revenue_minor == 2_000
    assert report.days[6] == Day(date(2026, 3, 29), signups=1)
    assert report.rebuilt_at == AT
    assert queries.units_first(workspace, now, before) == ["EUR", "USD"]


def test_one_program_is_told_apart_from_the_whole(workspace: Workspace, facts: Facts) -> None:
    friends, stars = facts.program("Friends"), facts.program("Stars")
    ana, ben = facts.participant(friends), facts.participant(stars)
    facts.click(ana, "2026-03-24 10:00")
    facts.click(ben, "2026-03-24 10:00")
    facts.conversion("2026-03-24 11:00", ana, ben, amount=1_000)
    rebuild(workspace)
    whole = queries.overview(workspace, **WEEK).now
    assert (whole.clicks, whole.visitors, whole.purchases) == (2, 1, 1)
    for program in (friends, stars):
        own = queries.overview(workspace, program=program, **WEEK).now
        assert (own.clicks, own.visitors, own.purchases) == (1, 1, 1)
        assert own.of_unit("EUR").revenue_minor == 1_000


def test_an_empty_workspace_has_zeros_for_every_day(workspace: Workspace) -> None:
    report = queries.overview(workspace, **WEEK)
    assert report.now == report.before == queries.Totals()
    assert [day.clicks for day in report.days] == [0] * 7
    assert report.rebuilt_at is None


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(1, 3, "33.3"), (2, 3, "66.7"), (1, 2000, "0.0"), (3, 2000, "0.2"), (5, 4, "125.0"), (0, 0, None)],
)
def test_shares_are_rounded_half_even_to_one_decimal(part: int, whole: int, text: str | None) -> None:
    assert Share(part, whole).percent == text


def test_the_funnel_says_what_fell_away_and_why(workspace: Workspace, facts: Facts) -> None:
    friends, stars = facts.program("Friends"), facts.program("Stars")
    ana, ben = facts.participant(friends, "2026-03-23 10:00"), facts.participant(stars)
    facts.click(ana, "2026-03-24 10:00")
    for reason in ("bot", "bot", "preview"):
        facts.click(ana, "2026-03-24 10:00", reason=reason)
    facts.click(ana, "2026-03-22 22:59", reason="bot")  # the day before
    facts.click(ben, "2026-03-24 10:00", reason="head")
    credit = facts.credit(facts.conversion("2026-03-25 10:00"), ana)
    facts.decide(
        facts.conversion("2026-03-25 11:00"),
        friends,
        reason="no_eligible_touch",
        result={"rejected": [{"reason": "self_referral"}]},
    )
    facts.decide(facts.conversion("2026-03-25 11:00"), stars, reason="no_touch", result={"rejected": []})
    gone = facts.conversion("2026-03-26 11:00", ana, status=Conversion.Status.REJECTED)
    emit("conversion.rejected", at=AT, conversion=gone.public_id, customer="cus_x", reason="order_cancelled")
    facts.reward(credit, "EUR", ("2026-03-25 10:00", "denied", 0), reason="not_new_customer")
    facts.reward(
        credit,
        "PTS",
        ("2026-03-25 10:00", "pending", 5),
        ("2026-03-26 10:00", "denied", -5),
        reason="denied_by_person",
    )
    rebuild(workspace)
    found = queries.funnel(workspace, **WEEK)
    assert found.clicks_dropped == (Drop("bot", 2), Drop("head", 1), Drop("preview", 1))
    assert found.conversions_uncredited == (Drop("no_touch", 1), Drop("self_referral", 1))
    assert found.conversions_rejected == (Drop("order_cancelled", 1),)
    assert found.rewards_denied == (Drop("denied_by_person", 1), Drop("not_new_customer", 1))
    assert (found.totals.enrolled, found.totals.clicks, found.totals.purchases) == (1, 1, 1)
    assert found.totals.rewards == 1
    of_stars = queries.funnel(workspace, program=stars, **WEEK)
    assert of_stars.clicks_dropped == (Drop("head", 1),)
    assert of_stars.conversions_uncredited == (Drop("no_touch", 1),)
    assert of_stars.conversions_rejected == of_stars.rewards_denied == ()
    assert queries.funnel(workspace, program=friends, **WEEK).conversions_rejected == (
        Drop("order_cancelled", 1),
    )


def test_reports_of_one_tenant_hold_nothing_of_another(
    workspace: Workspace, other_workspace: Workspace, facts_in: Callable[[Workspace], Facts]
) -> None:
    with tenant(other_workspace):
        theirs = facts_in(other_workspace)
        zoe = theirs.participant(theirs.program())
        theirs.click(zoe, "2026-03-24 10:00", reason="bot")
        theirs.conversion("2026-03-24 10:00", zoe)
        rebuild(other_workspace)
        assert queries.overview(other_workspace, **WEEK).now.purchases == 1
    assert queries.overview(workspace, **WEEK).now == queries.Totals()
    assert queries.funnel(workspace, **WEEK).clicks_dropped == ()
    assert queries.standing(workspace, at=AT).matters == ()


def test_what_waits_for_a_person_is_counted(workspace: Workspace, facts: Facts) -> None:
    by_hand = facts.program("By hand", draft=factories.terms(approval="manual"))
    by_itself = facts.program("By itself")
    manual = facts.credit(facts.conversion("2026-03-25 10:00"), facts.participant(by_hand))
    automatic = facts.credit(facts.conversion("2026-03-25 10:00"), facts.participant(by_itself))
    facts.reward(manual, "EUR", ("2026-04-02 11:00", "pending", 5))
    facts.reward(manual, "USD", ("2026-04-02 13:00", "pending", 5))  # still on hold at noon
    facts.reward(manual, "PTS", ("2026-04-02 11:00", "held", 5), reason="currency_differs")
    facts.reward(automatic, "PTS", ("2026-04-02 11:00", "held", 5), reason="too_fast")
    doubt(manual.conversion, manual.participant, name="same_device", outcome="deny")
    doubt(automatic.conversion, automatic.participant, name="too_fast", outcome="hold")
    facts.reward(automatic, "EUR", ("2026-04-02 11:00", "pending", 5))
    facts.program("Draft", status=Program.Status.DRAFT, live_version=None)
    facts.program("Ended", status=Program.Status.ENDED)
    changed = facts.program("Changed", status=Program.Status.PAUSED)
    Program.objects.for_workspace(workspace).filter(pk=changed.pk).update(draft=factories.terms(hold_days=1))
    for number, state in enumerate(("dead", "done")):
        Message.objects.create(
            workspace=workspace,
            key=str(number),
            kind="invitation",
            to_email="a@example.com",
            subject="s",
            text="t",
            state=state,
            due_at=AT,
            created_at=AT,
        )
    shop = Connection.objects.create(workspace=workspace, provider="woocommerce", name="Shop", created_at=AT)
    for number, (state, outcome) in enumerate((("done", "set_aside"), ("dead", ""), ("done", "applied"))):
        InboxItem.objects.create(
            workspace=workspace,
            connection=shop,
            fingerprint=str(number),
            topic="t",
            body=b"{}",
            state=state,
            outcome=outcome,
            received_at=AT,
            due_at=AT,
        )
    with CaptureQueriesContext(connection) as asked:
        matters = queries.standing(workspace, at=AT).matters
    assert len(asked) == 1
    assert (matters[0].label, matters[0].url_name) == ("fraud case to look at", "fraud_queue")
    found = {matter.code: matter.count for matter in matters}
    assert found == {
        "fraud_cases": 1,
        "rewards_held": 1,
        "rewards_to_approve": 1,
        "messages_failed": 1,
        "inbox_stuck": 2,
        "drafts": 2,
        "programs_paused": 1,
    }


def begun(workspace: Workspace) -> queries.Beginning:
    return queries.standing(workspace, at=AT).beginning


def test_a_beginning_is_followed_step_by_step(workspace: Workspace, facts: Facts) -> None:
    assert begun(workspace).done == 0
    program = facts.program(status=Program.Status.DRAFT, live_version=None)
    assert begun(workspace) == queries.Beginning(True, False, False, False, False)
    Program.objects.for_workspace(workspace).filter(pk=program.pk).update(status="active", live_version=1)
    ana = facts.participant(program)
    account_services.create_api_key(
        workspace=workspace, kind="sk", name="Shop", scopes=["track"], actor=SYSTEM, at=AT
    )
    assert begun(workspace) == queries.Beginning(True, True, True, True, False)
    facts.click(ana, f"{AT - timedelta(days=1):%Y-%m-%d %H:%M}")
    assert begun(workspace).complete


def test_the_latest_referrals_carry_what_they_earned(workspace: Workspace, facts: Facts) -> None:
    friends, stars = facts.program("Friends"), facts.program("Stars")
    ana, ben = facts.participant(friends), facts.participant(stars)
    credit = facts.credit(facts.conversion("2026-03-25 10:00"), ana)
    facts.credit(facts.conversion("2026-03-26 10:00"), ben)
    facts.reward(credit, "EUR", ("2026-03-25 10:00", "pending", 500))
    facts.reward(credit, "PTS", ("2026-03-25 10:00", "pending", 20))
    facts.reward(credit, "USD", ("2026-03-25 10:00", "denied", 900), reason="not_first")
    with CaptureQueriesContext(connection) as asked:
        newest, oldest = list(queries.latest_referrals(workspace))
    assert len(asked) == 1
    assert (newest.participant, getattr(newest, "earned")) == (ben, [])  # noqa: B009 - an annotation
    assert getattr(oldest, "earned") == [  # noqa: B009
        {"unit": "EUR", "minor": 500},
        {"unit": "PTS", "minor": 20},
    ]
    assert [row.program for row in queries.latest_referrals(workspace, program=friends)] == [friends]


def test_the_best_participants_are_those_whose_friends_bought_most(
    workspace: Workspace, other_workspace: Workspace, facts: Facts, facts_in: Callable[[Workspace], Facts]
) -> None:
    friends = facts.program("Friends")
    ana, ben, cem = facts.participant(friends), facts.participant(friends), facts.participant(friends)
    facts.conversion("2026-03-25 10:00", ana, amount=1_000)
    facts.conversion("2026-03-26 10:00", ana, amount=2_000)
    facts.conversion("2026-03-26 10:00", ben, amount=5_000)
    facts.conversion("2026-03-26 10:00", ben, amount=90_000, currency="USD")
    facts.conversion("2026-03-26 10:00", cem, kind="signup")
    facts.conversion("2026-03-22 22:59", cem, amount=70_000)  # the day before
    facts.conversion("2026-03-26 10:00", cem, amount=80_000, status=Conversion.Status.REJECTED)
    with tenant(other_workspace):
        theirs = facts_in(other_workspace)
        theirs.conversion("2026-03-26 10:00", theirs.participant(theirs.program()), amount=99_000)
    best = queries.top_participants(workspace, Period(**WEEK))
    assert [(p.public_id, p.purchases, p.revenue_minor) for p in best] == [
        (ben.public_id, 2, 5_000),
        (ana.public_id, 2, 3_000),
    ]
    assert (best[0].name, best[0].program) == (ben.display_name, "Friends")
    assert len(queries.top_participants(workspace, Period(**WEEK), limit=1)) == 1
    other = facts.program("Others")
    assert queries.top_participants(workspace, Period(**WEEK), program=other) == []
