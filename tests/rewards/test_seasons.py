"""A promotion that runs when something happens makes its rewards bigger, and is written on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts.models import Workspace
from programs.models import Program, Promotion
from rewards import services
from tests.factories import AT, ConversionFactory, CustomerFactory
from tests.rewards.builders import conversion, participant, program, rule
from tests.rewards.test_settlement import balances


def season(shop: Program, **changes: Any) -> Promotion:
    """Return a promotion that doubles everything on the day of the tests."""
    made: Promotion = Promotion.objects.create(
        **{
            "workspace": shop.workspace,
            "program": shop,
            "name": "Spring",
            "starts_on": AT.date(),
            "ends_on": AT.date(),
            "starts_at": AT.replace(hour=0),
            "ends_at": AT.replace(hour=0) + timedelta(days=1),
            "multiplier_bps": 20_000,
            "created_at": AT,
            **changes,
        }
    )
    return made


def test_a_reward_is_doubled_while_the_promotion_runs_and_not_before_or_after(workspace: Workspace) -> None:
    shop = program(workspace)
    spring, ana = season(shop), participant(shop)
    moments = (
        AT.replace(hour=0) - timedelta(seconds=1),
        AT.replace(hour=0),
        AT.replace(hour=0) + timedelta(days=1),
    )
    rewards = [
        services.settle_conversion(conversion=conversion(ana, occurred_at=moment), at=AT)[0]
        for moment in moments
    ]
    assert [reward.amount_minor for reward in rewards] == [1000, 2000, 1000]
    assert [reward.promotion_id for reward in rewards] == [None, spring.pk, None]
    assert rewards[1].sentence == "10 % of €100.00, times 2 by “Spring”, is €20.00."
    assert balances(workspace) == {"expense EUR": -4000, "pending EUR": 4000}


def test_a_replacement_counts_for_its_rule_only(workspace: Workspace) -> None:
    shop = program(workspace, rule(), rule(key="extra", amount={"type": "fixed", "minor": 100}))
    season(shop, multiplier_bps=10_000, replacements={"commission": {"type": "fixed", "minor": 777}})
    rewards = services.settle_conversion(conversion=conversion(participant(shop), occurred_at=AT), at=AT)
    assert {reward.rule_key: reward.amount_minor for reward in rewards} == {"commission": 777, "extra": 100}
    assert {reward.rule_key: reward.promotion_id is None for reward in rewards} == {
        "commission": False,
        "extra": True,
    }


def test_a_promotion_may_be_for_some_countries_only(workspace: Workspace) -> None:
    shop = program(workspace)
    season(shop, audience={"countries": ["SI"]})
    slovene = participant(shop, customer=CustomerFactory.create(workspace=workspace, country="SI"))
    found = [
        services.settle_conversion(conversion=conversion(each, occurred_at=AT), at=AT)[0].amount_minor
        for each in (slovene, participant(shop))
    ]
    assert found == [2000, 1000]


def test_a_promotion_may_ask_for_what_is_known_of_both_people(workspace: Workspace) -> None:
    shop = program(workspace)
    conditions = {
        "all": [
            {"fact": "referrer.attributes.team", "op": "is", "value": "red"},
            {"fact": "customer.purchases", "op": "is", "value": 0},
        ]
    }
    season(shop, audience={"conditions": conditions})
    red = participant(shop, customer=CustomerFactory.create(workspace=workspace, attributes={"team": "Red"}))
    known = CustomerFactory.create(workspace=workspace)
    ConversionFactory.create(workspace=workspace, customer=known, occurred_at=AT - timedelta(days=1))
    facts = [conversion(red), conversion(red, customer=known), conversion(participant(shop))]
    rewards = services.settle_conversions(workspace=workspace, due=[(fact, AT) for fact in facts])
    assert [reward.amount_minor for reward in rewards] == [2000, 1000, 1000]


def test_a_refund_takes_back_its_part_of_the_doubled_reward(workspace: Workspace) -> None:
    shop = program(workspace)
    season(shop)
    fact = conversion(participant(shop), occurred_at=AT)
    services.settle_conversion(conversion=fact, at=AT)
    fact.refunded_minor, fact.status = 2500, "partly_refunded"
    fact.save()
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert (reward.amount_minor, reward.reversed_minor) == (2000, 500)
