"""Daily figures: exact numbers over a hand-made week, and how they follow facts that come late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Workspace
from analytics.models import DailyFigure
from analytics.services import rebuild_days, rebuild_recent
from core import clock
from core.events import emit
from core.tenancy import tenant
from programs.models import Program
from tests.analytics.conftest import Facts, instant
from tracking.models import Conversion

AT = instant("2026-04-02 12:00")
FIRST, LAST = date(2026, 3, 23), date(2026, 3, 30)


def rebuild(workspace: Workspace, program: Program | None = None) -> int:
    return rebuild_days(workspace=workspace, program=program, first_on=FIRST, last_on=LAST, at=AT)


def table(workspace: Workspace) -> dict[tuple[str, str, str], dict[str, int]]:
    """Return the figures that are not zero by (program's name or "all", day, unit)."""
    left_out = ("id", "workspace_id", "program_id", "day_on", "currency", "rebuilt_at", "program__name")
    found = {}
    for row in DailyFigure.objects.for_workspace(workspace).values(
        *[field.attname for field in DailyFigure._meta.concrete_fields], "program__name"
    ):
        key = (row["program__name"] or "all", f"{row['day_on']:%d %b}", row["currency"])
        found[key] = {name: value for name, value in row.items() if name not in left_out and value}
    return found


def test_each_fact_counts_on_its_day_in_the_workspaces_zone(workspace: Workspace, facts: Facts) -> None:
    program = facts.program("Friends")
    ana = facts.participant(program, enrolled="2026-03-22 23:30")  # 00:30 on the 23rd
    facts.click(ana, "2026-03-28 22:30")  # 23:30 on the 28th
    facts.click(ana, "2026-03-28 23:30")  # 00:30 on the 29th, before the clocks change
    facts.click(ana, "2026-03-29 21:30", visitor="vis_b")  # 23:30 on the 29th, after
    facts.click(ana, "2026-03-29 22:30")  # 00:30 on the 30th
    facts.click(ana, "2026-03-30 22:30")  # 00:30 on the 31st: outside
    facts.click(ana, "2026-03-22 22:59")  # 23:59 on the 22nd: outside
    assert rebuild(workspace) == 8
    for who in ("Friends", "all"):
        assert {key[1:]: row for key, row in table(workspace).items() if key[0] == who} == {
            ("23 Mar", ""): {"enrolled": 1},
            ("28 Mar", ""): {"clicks": 1, "visitors": 1},
            ("29 Mar", ""): {"clicks": 2, "visitors": 2},
            ("30 Mar", ""): {"clicks": 1, "visitors": 1},
        }


def test_the_hour_that_comes_twice_in_october_belongs_to_one_day(workspace: Workspace, facts: Facts) -> None:
    ana = facts.participant(facts.program())
    for at in (
        "2026-10-24 21:59",
        "2026-10-24 22:00",
        "2026-10-25 00:30",
        "2026-10-25 01:30",
        "2026-10-25 22:59",
    ):
        facts.click(ana, at)
    facts.click(ana, "2026-10-25 23:00")
    rebuild_days(workspace=workspace, first_on=date(2026, 10, 24), last_on=date(2026, 10, 26), at=AT)
    clicks = {key[1]: row["clicks"] for key, row in table(workspace).items() if key[0] == "all"}
    assert clicks == {"24 Oct": 1, "25 Oct": 4, "26 Oct": 1}


def test_a_week_of_two_programs_two_currencies_and_refunds(workspace: Workspace, facts: Facts) -> None:
    friends, stars = facts.program("Friends"), facts.program("Stars")
    ana, eva, ben = facts.participant(friends), facts.participant(friends), facts.participant(stars)
    # Tuesday: one visitor of both programs; a bot and a repetition do not count.
    facts.click(ana, "2026-03-24 10:00")
    facts.click(ana, "2026-03-24 10:05", reason="duplicate")
    facts.click(ana, "2026-03-24 11:00", visitor="vis_bot", reason="bot")
    facts.click(ben, "2026-03-24 12:00")
    facts.conversion("2026-03-24 13:00", ana, kind="signup")
    # One purchase that both programs credit, one of them to two people; one in another currency.
    shared = facts.conversion("2026-03-25 09:00", ana, eva, ben, amount=12_345)
    facts.conversion("2026-03-25 10:00", ben, amount=5_000, currency="USD")
    # Nobody is credited, or it was rejected: neither counts.
    facts.decide(facts.conversion("2026-03-25 11:00"), friends)
    facts.conversion("2026-03-25 12:00", ana, status=Conversion.Status.REJECTED)
    deal = facts.conversion("2026-03-25 13:00", ben, kind="custom", event_name="won", amount=700)
    facts.refund(shared, "2026-03-26 08:00", 2_000)
    facts.refund(shared, "2026-03-26 09:00", 345)
    facts.refund(deal, "2026-03-27 09:00", 700)
    rebuild(workspace)
    assert table(workspace) == {
        ("Friends", "24 Mar", ""): {"clicks": 1, "clicks_not_counted": 2, "visitors": 1, "signups": 1},
        ("Stars", "24 Mar", ""): {"clicks": 1, "visitors": 1},
        ("all", "24 Mar", ""): {"clicks": 2, "clicks_not_counted": 2, "visitors": 1, "signups": 1},
        ("Friends", "25 Mar", "EUR"): {"purchases": 1, "revenue_minor": 12_345},
        ("Stars", "25 Mar", "EUR"): {"purchases": 1, "customs": 1, "revenue_minor": 13_045},
        ("Stars", "25 Mar", "USD"): {"purchases": 1, "revenue_minor": 5_000},
        ("all", "25 Mar", "EUR"): {"purchases": 1, "customs": 1, "revenue_minor": 13_045},
        ("all", "25 Mar", "USD"): {"purchases": 1, "revenue_minor": 5_000},
        ("Friends", "26 Mar", "EUR"): {"refunded_minor": 2_345},
        ("Stars", "26 Mar", "EUR"): {"refunded_minor": 2_345},
        ("all", "26 Mar", "EUR"): {"refunded_minor": 2_345},
        ("Stars", "27 Mar", "EUR"): {"refunded_minor": 700},
        ("all", "27 Mar", "EUR"): {"refunded_minor": 700},
    }


def test_rewards_count_by_what_their_steps_moved(workspace: Workspace, facts: Facts) -> None:
    program = facts.program("Friends")
    ana = facts.participant(program)
    first = facts.credit(facts.conversion("2026-01-10 10:00"), ana)
    second = facts.credit(facts.conversion("2026-01-11 10:00"), ana)
    facts.reward(
        first,
        "EUR",
        ("2026-03-24 10:00", "pending", 1_000),
        ("2026-03-25 10:00", "pending", -250),
        ("2026-03-26 10:00", "approved", 750),
        ("2026-03-27 10:00", "approved", 0),
        ("2026-03-28 10:00", "paid", 750),
        ("2026-03-29 10:00", "paid", -750),
    )
    facts.reward(
        first,
        "PTS",
        ("2026-03-24 10:00", "pending", 50),
        ("2026-03-26 10:00", "approved", 50),
        ("2026-03-26 10:00", "issued", 0),
    )
    facts.reward(second, "EUR", ("2026-03-24 11:00", "denied", 0))
    facts.reward(second, "PTS", ("2026-03-24 11:00", "held", 7), ("2026-03-25 11:00", "denied", -7))
    rebuild(workspace)
    expected = {
        ("24 Mar", "EUR"): {"rewards": 1, "reward_minor": 1_000},
        ("24 Mar", "PTS"): {"rewards": 2, "reward_minor": 57},
        ("25 Mar", "EUR"): {"reversed_minor": 250},
        ("25 Mar", "PTS"): {"reversed_minor": 7},
        ("26 Mar", "EUR"): {"rewards_approved": 1},
        ("26 Mar", "PTS"): {"rewards_approved": 1},
        ("28 Mar", "EUR"): {"rewards_paid": 1, "paid_minor": 750},
        ("29 Mar", "EUR"): {"reversed_minor": 750},
    }
    for who in ("Friends", "all"):
        assert {key[1:]: row for key, row in table(workspace).items() if key[0] == who} == expected


def test_rebuilding_again_gives_the_same_rows(workspace: Workspace, facts: Facts) -> None:
    ana = facts.participant(facts.program())
    facts.click(ana, "2026-03-24 10:00")
    facts.refund(facts.conversion("2026-03-24 11:00", ana), "2026-03-25 10:00", 100)
    count = rebuild(workspace)
    once = table(workspace)
    assert rebuild(workspace) == count == 6
    assert table(workspace) == once


def test_what_no_longer_holds_disappears_and_other_days_stay(workspace: Workspace, facts: Facts) -> None:
    ana = facts.participant(facts.program())
    conversion = facts.conversion("2026-03-24 11:00", ana)
    facts.click(ana, "2026-04-01 10:00")
    rebuild_days(workspace=workspace, first_on=FIRST, last_on=date(2026, 4, 1), at=AT)
    Conversion.objects.for_workspace(workspace).filter(pk=conversion.pk).update(status="rejected")
    assert rebuild(workspace) == 0
    assert {key[1] for key in table(workspace)} == {"01 Apr"}


def test_one_programs_figures_are_rebuilt_with_those_of_the_whole(workspace: Workspace, facts: Facts) -> None:
    friends, stars = facts.program("Friends"), facts.program("Stars")
    ana, ben = facts.participant(friends), facts.participant(stars)
    facts.click(ana, "2026-03-24 10:00")
    facts.click(ben, "2026-03-24 10:00")
    assert rebuild(workspace, program=friends) == 2
    assert set(table(workspace)) == {("Friends", "24 Mar", ""), ("all", "24 Mar", "")}
    assert table(workspace)["all", "24 Mar", ""] == {"clicks": 2, "visitors": 1}
    rebuild(workspace)
    assert rebuild(workspace, program=friends) == 2
    assert len(table(workspace)) == 3


def test_other_tenants_facts_stay_out(
    workspace: Workspace, other_workspace: Workspace, facts: Facts, facts_in: Callable[[Workspace], Facts]
) -> None:
    with tenant(other_workspace):
        theirs = facts_in(other_workspace)
        zoe = theirs.participant(theirs.program("Theirs"), enrolled="2026-03-24 10:00")
        theirs.click(zoe, "2026-03-24 10:00")
        theirs.refund(theirs.conversion("2026-03-24 10:00", zoe), "2026-03-24 11:00", 10)
        rebuild(other_workspace)
        before = table(other_workspace)
    facts.click(facts.participant(facts.program("Ours")), "2026-03-24 10:00")
    assert rebuild(workspace) == 2
    assert set(table(workspace)) == {("Ours", "24 Mar", ""), ("all", "24 Mar", "")}
    with tenant(other_workspace):
        assert table(other_workspace) == before
        assert len(before) == 4


def test_a_period_that_ends_before_it_starts_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="first day or later"):
        rebuild_days(workspace=workspace, first_on=LAST, last_on=FIRST, at=AT)


def test_the_first_run_finds_every_day_with_facts(workspace: Workspace, facts: Facts) -> None:
    ana = facts.participant(facts.program(), enrolled="2025-12-31 23:30")  # 1 January in Berlin
    facts.click(ana, "2026-02-01 10:00")
    credit = facts.credit(facts.conversion("2026-02-03 10:00"), ana)
    facts.refund(credit.conversion, "2026-02-05 10:00", 100)
    facts.reward(credit, "EUR", ("2026-02-07 10:00", "pending", 100))
    facts.click(ana, "2026-04-02 11:00")
    rebuild_recent(workspace=workspace, at=AT)
    days = [key[1] for key in table(workspace) if key[0] == "all"]
    assert days == ["01 Jan", "01 Feb", "03 Feb", "05 Feb", "07 Feb", "02 Apr"]


@pytest.fixture
def now() -> Any:
    """The real clock, which public ids carry."""
    return clock.now().replace(microsecond=0)


def test_days_with_late_facts_are_rebuilt_and_no_others(workspace: Workspace, facts: Facts, now: Any) -> None:
    def ago(days: int) -> str:
        return f"{now - timedelta(days=days):%Y-%m-%d} 10:00"

    ana = facts.participant(facts.program(), enrolled=ago(40))
    sale = facts.conversion(ago(30), ana, source_key="late")
    rebuild_recent(workspace=workspace, at=now + timedelta(hours=1))
    DailyFigure.objects.for_workspace(workspace).filter(enrolled__gt=0).update(enrolled=7)
    # Nothing was stored since, so this run looks at nothing but the last days.
    rebuild_recent(workspace=workspace, at=now + timedelta(hours=1))
    assert sum(row.get("enrolled", 0) for row in table(workspace).values()) == 14

    facts.click(ana, ago(20))
    facts.refund(sale, ago(10), 300)
    # As if the last run had been before these came in.
    DailyFigure.objects.for_workspace(workspace).update(rebuilt_at=now)
    rebuild_recent(workspace=workspace, at=now)
    whole = {key: row for key, row in table(workspace).items() if key[0] == "all"}
    assert sum(row.get("clicks", 0) for row in whole.values()) == 1
    assert sum(row.get("refunded_minor", 0) for row in whole.values()) == 300


def test_a_rejected_conversion_leaves_its_old_day(workspace: Workspace, facts: Facts, now: Any) -> None:
    ana = facts.participant(facts.program(), enrolled="2026-01-01 10:00")
    sale = facts.conversion(f"{now - timedelta(days=30):%Y-%m-%d} 10:00", ana)
    facts.refund(sale, f"{now - timedelta(days=20):%Y-%m-%d} 10:00", 300)
    rebuild_recent(workspace=workspace, at=now)
    assert sum(row.get("purchases", 0) for row in table(workspace).values()) == 2
    Conversion.objects.for_workspace(workspace).filter(pk=sale.pk).update(status="rejected")
    emit("conversion.rejected", at=now, conversion=sale.public_id, customer="cus_x", reason="fraud")
    rebuild_recent(workspace=workspace, at=now)
    left = [name for row in table(workspace).values() for name in row]
    assert set(left) == {"enrolled"}


def test_an_interruption_is_made_up_for(workspace: Workspace, facts: Facts, now: Any) -> None:
    ana = facts.participant(facts.program(), enrolled="2026-01-01 10:00")
    facts.click(ana, f"{now - timedelta(days=9):%Y-%m-%d} 10:00")
    rebuild_recent(workspace=workspace, at=now - timedelta(days=9) + timedelta(hours=20))
    credit = facts.credit(facts.conversion("2026-01-05 10:00"), ana)
    # Steps of rewards carry no public id; they always happen at the present of their day.
    facts.reward(credit, "EUR", (f"{now - timedelta(days=6):%Y-%m-%d} 10:00", "pending", 100))
    rebuild_recent(workspace=workspace, at=now)
    assert sum(row.get("reward_minor", 0) for key, row in table(workspace).items() if key[0] == "all") == 100


def test_a_sandbox_counts_by_its_own_clock(workspace: Workspace, facts: Facts, now: Any) -> None:
    ana = facts.participant(facts.program(), enrolled="2026-01-01 10:00")
    rebuild_recent(workspace=workspace, at=now)
    workspace.clock_offset = timedelta(days=100)
    facts.click(ana, f"{now + timedelta(days=100):%Y-%m-%d} 00:30")
    rebuild_recent(workspace=workspace, at=workspace.local_time(now) + timedelta(hours=20))
    assert sum(row.get("clicks", 0) for key, row in table(workspace).items() if key[0] == "all") == 1
