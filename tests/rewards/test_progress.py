"""Tiers that count for what came before, by friends and by revenue; milestones, once each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Workspace
from core.models import Event
from core.tenancy import tenant
from programs.models import Participant
from rewards import services
from rewards.handlers import on_tier_reached
from rewards.models import Reward
from tests.factories import AT, CustomerFactory
from tests.rewards import builders
from tests.rewards.builders import conversion, participant, person, program, rule
from tests.rewards.test_races import at_once, shared
from tests.rewards.test_settlement import balances, events
from tracking.models import Conversion

__all__ = ["shared"]


def tiered(**changes: Any) -> dict[str, Any]:
    """Return a rule: 10 %, and 20 % from the third friend on, for all friends."""
    return rule(
        tiers=[{"at_least": 3, "amount": {"type": "percentage", "bps": 2000}}],
        tier_mode="retroactive",
        **changes,
    )


def milestone(**changes: Any) -> dict[str, Any]:
    """Return a rule: 50.00 in cash for the second friend."""
    return rule(
        key="second",
        event="milestone",
        amount={"type": "fixed", "minor": 5000},
        milestone={"basis": "friends", "at_least": 2, "repeat": False, **changes},
    )


def told(workspace: Workspace) -> None:
    """Let the rewards hear of the tiers that were reached."""
    for event in Event.objects.for_workspace(workspace).filter(kind="tier.reached"):
        on_tier_reached(event)


def bought(by: Participant, day: int) -> Conversion:
    """Return a purchase of a new friend, settled."""
    fact = conversion(by, occurred_at=AT + timedelta(days=day))
    services.settle_conversion(conversion=fact, at=AT)
    return fact


def amounts(workspace: Workspace) -> list[tuple[int, int, str]]:
    rows = Reward.objects.for_workspace(workspace).order_by("conversion_id", "step")
    return [(row.step, row.net_minor, row.status) for row in rows]


def test_a_tier_that_counts_backwards_adds_to_what_came_before(workspace: Workspace) -> None:
    ana = participant(program(workspace, tiered()))
    for day in range(3):
        fact = conversion(ana, occurred_at=AT + timedelta(days=day))
        services.settle_conversion(conversion=fact, at=AT)
    assert amounts(workspace) == [(0, 1000, "pending"), (0, 1000, "pending"), (0, 2000, "pending")]
    for _ in range(2):
        told(workspace)
    assert amounts(workspace) == [
        (0, 1000, "pending"),
        (1, 1000, "pending"),
        (0, 1000, "pending"),
        (1, 1000, "pending"),
        (0, 2000, "pending"),
    ]
    assert balances(workspace) == {"expense EUR": -6000, "pending EUR": 6000}
    assert events(workspace).count("tier.reached") == 1
    services.settle_conversion(conversion=conversion(ana, occurred_at=AT + timedelta(days=9)), at=AT)
    assert events(workspace).count("tier.reached") == 1


def test_a_tier_that_an_earlier_order_sees_first_is_told_of(workspace: Workspace) -> None:
    ana = participant(program(workspace, tiered()))
    facts = [bought(ana, day) for day in range(2)]
    third = conversion(ana, occurred_at=AT + timedelta(days=2))
    services.settle_conversion(conversion=facts[1], at=AT)
    services.settle_conversion(conversion=third, at=AT)
    assert events(workspace).count("tier.reached") == 1
    told(workspace)
    assert balances(workspace) == {"expense EUR": -6000, "pending EUR": 6000}


def test_a_refund_takes_back_what_the_tier_added_as_well(workspace: Workspace) -> None:
    ana = participant(program(workspace, tiered()))
    facts = [bought(ana, day) for day in range(3)]
    told(workspace)
    services.settle_conversion(conversion=builders.refund(facts[0], 5000), at=AT)
    assert amounts(workspace)[:2] == [(0, 500, "pending"), (1, 500, "pending")]
    services.settle_conversion(conversion=builders.refund(facts[0], 5000), at=AT)
    # Two friends are left; the tier that was reached is kept for the others.
    services.settle_conversion(conversion=facts[1], at=AT)
    assert balances(workspace) == {"expense EUR": -4000, "pending EUR": 4000}


def test_tiers_by_revenue_of_the_month_are_brackets(workspace: Workspace) -> None:
    ana = participant(
        program(
            workspace,
            rule(
                tiers=[{"at_least": 15_000, "amount": {"type": "percentage", "bps": 2000}}],
                tier_basis="revenue",
                tier_period="month",
            ),
        )
    )
    found = []
    for moment in (AT, AT + timedelta(days=1), AT + timedelta(days=40)):
        (reward,) = services.settle_conversion(conversion=conversion(ana, occurred_at=moment), at=AT)
        found.append((reward.amount_minor, reward.tier))
    assert found == [(1000, 0), (1500, 1), (1000, 0)]


def test_a_friend_who_gave_everything_back_does_not_count(workspace: Workspace) -> None:
    ana = participant(program(workspace, milestone()))
    first = conversion(ana)
    services.settle_conversion(conversion=first, at=AT)
    services.settle_conversion(conversion=builders.refund(first, 10_000), at=AT)
    services.settle_conversion(conversion=conversion(ana, occurred_at=AT + timedelta(days=1)), at=AT)
    assert balances(workspace) == {}
    services.settle_conversion(conversion=conversion(ana, occurred_at=AT + timedelta(days=2)), at=AT)
    assert balances(workspace) == {"expense EUR": -5000, "pending EUR": 5000}


def test_a_milestone_is_given_once_and_again_after_it_was_taken_back(workspace: Workspace) -> None:
    ana = participant(program(workspace, milestone()))
    facts = [bought(ana, day) for day in range(2)]
    for fact in facts:
        services.settle_conversion(conversion=fact, at=AT)
    reward = Reward.objects.for_workspace(workspace).get()
    assert (reward.conversion_id, reward.milestone_key) == (facts[1].pk, "2")
    assert reward.sentence == "A fixed €50.00 for 2 friends."
    assert events(workspace).count("milestone.reached") == 1
    services.settle_conversion(conversion=builders.refund(facts[1], 4000), at=AT)
    assert balances(workspace) == {"expense EUR": -5000, "pending EUR": 5000}
    services.settle_conversion(conversion=builders.refund(facts[1], 6000), at=AT)
    assert balances(workspace) == {}
    third = conversion(ana, occurred_at=AT + timedelta(days=3))
    services.settle_conversion(conversion=third, at=AT)
    assert balances(workspace) == {"expense EUR": -5000, "pending EUR": 5000}


def test_a_milestone_that_a_person_denied_stays_denied(workspace: Workspace) -> None:
    ana = participant(program(workspace, milestone()))
    for day in range(2):
        services.settle_conversion(conversion=conversion(ana, occurred_at=AT + timedelta(days=day)), at=AT)
    reward = Reward.objects.for_workspace(workspace).get()
    services.deny_reward(reward=reward, reason="A family.", actor=person(), at=AT)
    for day in range(3, 6):
        services.settle_conversion(conversion=conversion(ana, occurred_at=AT + timedelta(days=day)), at=AT)
    assert balances(workspace) == {}


def test_milestones_repeat_and_streaks_count_months(workspace: Workspace) -> None:
    ana = participant(
        program(
            workspace,
            milestone(repeat=True),
            rule(
                key="streak",
                event="milestone",
                amount={"type": "fixed", "minor": 7},
                milestone={"basis": "streak", "at_least": 3, "repeat": False},
            ),
        )
    )
    moments = [AT + timedelta(days=30 * number) for number in range(5)]
    for moment in moments:
        services.settle_conversion(conversion=conversion(ana, occurred_at=moment), at=AT)
    rows = Reward.objects.for_workspace(workspace).order_by("pk")
    assert [(row.rule_key, row.milestone_key) for row in rows] == [
        ("second", "2"),
        ("streak", "3"),
        ("second", "4"),
    ]


def test_a_later_purchase_of_the_same_friend_is_no_milestone(workspace: Workspace) -> None:
    ana = participant(program(workspace, milestone()))
    friend = CustomerFactory.create(workspace=workspace)
    for day in range(3):
        fact = conversion(ana, customer=friend, occurred_at=AT + timedelta(days=day))
        services.settle_conversion(conversion=fact, at=AT)
    assert balances(workspace) == {}


def test_of_a_group_the_best_rule_is_paid(workspace: Workspace) -> None:
    ana = participant(
        program(
            workspace,
            rule(group="best"),
            rule(key="flat", amount={"type": "fixed", "minor": 1500}, group="best"),
            rule(key="always", amount={"type": "fixed", "minor": 100}),
        )
    )
    rewards = services.settle_conversion(conversion=conversion(ana), at=AT)
    assert [(row.rule_key, row.status, row.reason, row.amount_minor) for row in rewards] == [
        ("commission", "denied", "better_rule", 0),
        ("flat", "pending", "", 1500),
        ("always", "pending", "", 100),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_conversions_that_cross_together_earn_the_bonus_once(shared: Workspace) -> None:
    with tenant(shared):
        shop = program(shared, tiered(), milestone(at_least=3))
        ana = participant(shop)
        first = conversion(ana, occurred_at=AT)
        services.settle_conversion(conversion=first, at=AT)
        facts = [conversion(ana, occurred_at=AT + timedelta(days=1)) for _ in range(3)]
    jobs = [lambda fact=fact: services.settle_conversion(conversion=fact, at=AT) for fact in facts * 2]
    assert at_once(shared, *jobs) == ["done"] * 6
    with tenant(shared):
        told(shared)
        rows = Reward.objects.for_workspace(shared)
        assert rows.filter(rule_key="second").count() == 1
        # Four friends: everybody's purchase at 20 %, and the milestone once.
        assert balances(shared) == {"expense EUR": -13_000, "pending EUR": 13_000}
        assert events(shared).count("milestone.reached") == 1
