"""Caps and budgets: exact, given back, told of, and pausing the program."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Workspace
from core.models import Event
from core.tenancy import tenant
from programs.models import Program
from rewards import services
from rewards.models import Allowance, Reservation, Reward
from tests.factories import AT
from tests.rewards import builders
from tests.rewards.builders import (
    approved,
    conversion,
    paid_batch,
    participant,
    person,
    program,
    rule,
    settled,
)
from tests.rewards.test_races import at_once, shared
from tests.rewards.test_settlement import balances, events

__all__ = ["shared"]


def cap(**changes: Any) -> dict[str, Any]:
    """Return a cap's document: 25.00 for the whole program, ever."""
    return {
        "key": "budget",
        "scope": "program",
        "period": "lifetime",
        "limit_minor": 2500,
        "limit_count": None,
        "rules": [],
        "pause": False,
        **changes,
    }


def used(workspace: Workspace) -> list[tuple[str, str, int, int]]:
    """Return every allowance: key, period, money, number; each is the sum of its reservations."""
    rows = Allowance.objects.for_workspace(workspace).order_by("cap_key", "period", "pk")
    for row in rows:
        parts = Reservation.objects.for_workspace(workspace).filter(allowance=row)
        assert row.used_minor == sum(part.amount_minor for part in parts)
        assert row.used_count == sum(part.counted for part in parts)
    return [(row.cap_key, row.period, row.used_minor, row.used_count) for row in rows]


def test_a_budget_is_promised_to_the_cent_and_no_further(workspace: Workspace) -> None:
    ana = participant(program(workspace, caps=[cap()]))
    rewards = [settled(ana) for _ in range(4)]

    assert [(each.status, each.amount_minor, each.reason) for each in rewards] == [
        ("pending", 1000, ""),
        ("pending", 1000, ""),
        ("pending", 500, ""),
        ("denied", 0, "cap_reached"),
    ]
    assert rewards[2].sentence == "10 % of €100.00 is €10.00. The cap “budget” leaves €5.00 of it."
    assert rewards[3].sentence == "The program's budget “budget” is used up."
    assert used(workspace) == [("budget", "", 2500, 3)]
    assert balances(workspace) == {"expense EUR": -2500, "pending EUR": 2500}


def test_what_a_cap_leaves_is_reported_in_the_workspaces_currency(workspace: Workspace) -> None:
    services.enter_rate(
        workspace=workspace,
        base="USD",
        quote="EUR",
        on=AT.date() - timedelta(days=1),
        rate=Decimal("1.25"),
        actor=person(),
        at=AT,
    )
    ana = participant(program(workspace, currency="USD", caps=[cap(limit_minor=1400)]))
    rewards = [settled(ana, currency="USD") for _ in range(3)]
    assert [(each.amount_minor, each.reporting_minor) for each in rewards] == [
        (1000, 1250),
        (400, 500),
        (0, 0),
    ]


def test_settling_again_takes_nothing_more(workspace: Workspace) -> None:
    ana = participant(program(workspace, caps=[cap()]))
    fact = conversion(ana)
    for _ in range(3):
        services.settle_conversion(conversion=fact, at=AT)
    assert used(workspace) == [("budget", "", 1000, 1)]


def test_a_refund_and_a_denial_give_back(workspace: Workspace) -> None:
    ana = participant(program(workspace, caps=[cap(limit_count=3)]))
    fact = conversion(ana)
    services.settle_conversion(conversion=fact, at=AT)
    denied = settled(ana)
    services.settle_conversion(conversion=builders.refund(fact, 2500), at=AT)
    assert used(workspace) == [("budget", "", 1750, 2)]
    services.deny_reward(reward=denied, reason="Own shop.", actor=person(), at=AT)
    assert used(workspace) == [("budget", "", 750, 1)]
    services.settle_conversion(conversion=builders.refund(fact, 7500), at=AT)
    assert used(workspace) == [("budget", "", 0, 0)]
    assert settled(ana).amount_minor == 1000


def test_what_is_taken_back_after_its_payment_gives_back_its_place(workspace: Workspace) -> None:
    ana = participant(program(workspace, caps=[cap(scope="participant", limit_minor=None, limit_count=1)]))
    reward = approved(ana)
    paid_batch(workspace)
    assert settled(ana).reason == "cap_reached"
    services.settle_conversion(conversion=builders.refund(reward.conversion, 4000), at=AT)
    assert used(workspace) == [("budget", "", 600, 1)]
    services.settle_conversion(conversion=builders.refund(reward.conversion, 6000), at=AT)
    assert used(workspace) == [("budget", "", 0, 0)]
    assert settled(ana).status == "pending"


def test_what_comes_back_counts_in_full_also_above_the_limit(workspace: Workspace) -> None:
    ana = participant(program(workspace, caps=[cap(limit_minor=1000)]))
    fact = conversion(ana)
    services.settle_conversion(conversion=fact, at=AT)
    services.settle_conversion(conversion=builders.refund(fact, 10_000), at=AT)
    second = settled(ana)
    builders.reinstate(fact)
    services.settle_conversion(conversion=fact, at=AT)

    assert second.amount_minor == 1000
    assert used(workspace) == [("budget", "", 2000, 2)]
    assert settled(ana).reason == "cap_reached"


def test_each_participant_has_a_cap_of_their_own_and_each_period_starts_anew(workspace: Workspace) -> None:
    workspace.time_zone = "Europe/Ljubljana"
    Workspace.objects.for_workspace(workspace).update(time_zone=workspace.time_zone)
    shop = program(
        workspace,
        caps=[cap(key="mine", scope="participant", period="month", limit_minor=None, limit_count=1)],
    )
    ana, ben = participant(shop), participant(shop)
    # 23:30 on 31 March in UTC is April already in Ljubljana, in summer time since two days.
    late = AT.replace(month=3, day=31, hour=22, minute=30)
    outcomes = [
        settled(ana, occurred_at=AT).status,
        settled(ana, occurred_at=AT + timedelta(days=1)).status,
        settled(ben, occurred_at=AT).status,
        settled(ana, occurred_at=late).status,
        settled(ana, occurred_at=late - timedelta(hours=1)).status,
    ]
    assert outcomes == ["pending", "denied", "pending", "pending", "denied"]
    assert used(workspace) == [
        ("mine", "2026-03", 1000, 1),
        ("mine", "2026-03", 1000, 1),
        ("mine", "2026-04", 1000, 1),
    ]


def test_points_count_in_number_only(workspace: Workspace) -> None:
    points = rule(kind="points", amount={"type": "fixed", "minor": 500})
    ana = participant(program(workspace, points, caps=[cap(limit_minor=100, limit_count=2)]))
    assert [settled(ana).status for _ in range(3)] == ["pending", "pending", "denied"]
    assert used(workspace) == [("budget", "", 0, 2)]


def test_what_cannot_be_divided_is_given_whole_or_not_at_all(workspace: Workspace) -> None:
    product = rule(
        kind="product", amount={"type": "fixed", "minor": 2000}, product={"sku": "MUG", "name": "Mug"}
    )
    ana = participant(program(workspace, product, caps=[cap(limit_minor=3000)]))
    assert [settled(ana).status for _ in range(2)] == ["pending", "denied"]
    assert used(workspace) == [("budget", "", 2000, 1)]


def test_a_cap_may_count_some_rules_only(workspace: Workspace) -> None:
    shop = program(
        workspace,
        rule(),
        rule(key="extra", kind="credit", amount={"type": "fixed", "minor": 100}),
        caps=[cap(limit_minor=500, rules=["commission"])],
    )
    ana = participant(shop)
    rewards = services.settle_conversion(conversion=conversion(ana), at=AT)
    assert sorted((each.rule_key, each.amount_minor) for each in rewards) == [
        ("commission", 500),
        ("extra", 100),
    ]


def test_a_budget_is_told_of_at_80_and_100_percent_and_pauses_the_program(workspace: Workspace) -> None:
    shop = program(workspace, caps=[cap(limit_minor=1000, pause=True)])
    ana = participant(shop)
    settled(ana, amount_minor=7990)
    assert "budget.reached" not in events(workspace)
    settled(ana, amount_minor=10)
    settled(ana, amount_minor=100)
    told = Event.objects.for_workspace(workspace).filter(kind="budget.reached")
    assert [(each.data["cap"], each.data["percent"]) for each in told] == [("budget", 80)]
    settled(ana, amount_minor=5000)
    assert [each.data["percent"] for each in told.order_by("pk")] == [80, 100]
    shop.refresh_from_db()
    assert shop.status == Program.Status.PAUSED


@pytest.mark.django_db(transaction=True)
def test_a_cap_of_100_grants_100_however_many_ask_at_once(shared: Workspace) -> None:
    with tenant(shared):
        shop = program(shared, caps=[cap(limit_minor=None, limit_count=10)])
        facts = [conversion(participant(shop)) for _ in range(16)]
    jobs = [lambda fact=fact: services.settle_conversion(conversion=fact, at=AT) for fact in facts]
    assert at_once(shared, *jobs) == ["done"] * 16
    with tenant(shared):
        granted = Reward.objects.for_workspace(shared).filter(status="pending").count()
        assert granted == 10
        assert used(shared) == [("budget", "", 10_000, 10)]
        assert balances(shared) == {"expense EUR": -10_000, "pending EUR": 10_000}
