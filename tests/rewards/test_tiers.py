from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programs.terms import FixedAmount, PercentageAmount, RewardRule, Tier
from rewards.calculation import Calculation, calculate
from rewards.tiers import Progress, TierPart, brackets, tier_parts

BRACKETS = RewardRule(
    key="commission",
    side="referrer",
    event="purchase",
    kind="cash",
    amount=PercentageAmount(1000),
    tiers=(Tier(10_000, PercentageAmount(1500)), Tier(50_000, PercentageAmount(2000))),
    tier_basis="revenue",
)
ANEW = replace(BRACKETS, tier_mode="retroactive")


def owed(rule: RewardRule, before: int, order: int, standing: int | None = None) -> Calculation:
    return calculate(
        rule=rule,
        currency="EUR",
        event="purchase",
        order_minor=order,
        order_currency="EUR",
        progress=Progress(before, before + order),
        standing=standing,
    )


@pytest.mark.parametrize(
    ("before", "order", "amount", "tier", "sentence"),
    [
        (0, 10_000, 1000, 0, "10 % of €100.00 is €10.00."),
        (
            10_000,
            10_000,
            1500,
            1,
            "15 % of €100.00 is €15.00, by the tier from €100.00 of revenue on.",
        ),
        (
            7000,
            10_000,
            1350,  # 300 + 1050
            1,
            "10 % of €30.00 and 15 % of €70.00 is €13.50, by the tier from €100.00 of revenue on.",
        ),
        (
            5000,
            50_000,
            7500,  # 500 + 6000 + 1000
            2,
            "10 % of €50.00 and 15 % of €400.00 and 20 % of €50.00 is €75.00, "
            "by the tier from €500.00 of revenue on.",
        ),
    ],
)
def test_revenue_is_paid_in_brackets_by_hand(
    before: int, order: int, amount: int, tier: int, sentence: str
) -> None:
    found = owed(BRACKETS, before, order)
    assert (found.amount_minor, found.base_minor, found.tier) == (amount, order, tier)
    assert found.sentence == sentence


def test_a_share_or_a_margin_is_divided_like_the_way() -> None:
    rule = replace(BRACKETS, base="margin")
    found = calculate(
        rule=rule,
        currency="EUR",
        event="purchase",
        order_minor=10_000,
        order_currency="EUR",
        margin_minor=5001,
        weights=(1, 1),
        position=0,
        progress=Progress(7000, 17_000),
    )
    # 25.01 of the margin: 7.50 at 10 % and 17.51 at 15 %.
    assert (found.base_minor, found.amount_minor) == (2501, 338)
    assert found.sentence.startswith("10 % of the margin of €7.50 and 15 % of the margin of €17.51 is €3.38")


def test_an_amount_that_is_fixed_is_paid_by_the_tier_reached() -> None:
    mixed = replace(BRACKETS, tiers=(*BRACKETS.tiers, Tier(90_000, FixedAmount(5000))))
    assert owed(mixed, 7000, 10_000).amount_minor == 1500
    assert owed(mixed, 85_000, 10_000).sentence == "A fixed €50.00, by the tier from €900.00 of revenue on."


def test_an_event_that_leads_no_further_is_paid_by_the_tier_reached() -> None:
    assert tier_parts(BRACKETS, Progress(20_000, 20_000), None, 3000) == (TierPart(1, 3000),)


def test_by_friends_the_tier_reached_with_this_friend_counts() -> None:
    rule = replace(BRACKETS, tiers=(Tier(5, PercentageAmount(1500)),), tier_basis="friends")
    assert tier_parts(rule, Progress(3, 4), None, 100) == (TierPart(0, 100),)
    assert tier_parts(rule, Progress(4, 5), 9, 100) == (TierPart(1, 100),)


def test_retroactive_pays_everything_by_the_tier_that_stands() -> None:
    assert owed(ANEW, 0, 6000).amount_minor == 600
    # The next order reaches the tier: the first one is owed 15 % from now on.
    assert owed(ANEW, 6000, 6000).amount_minor == 900
    assert owed(ANEW, 0, 6000, standing=12_000).amount_minor == 900
    # A standing that fell behind the order's own progress does not lower it.
    assert owed(ANEW, 6000, 6000, standing=6000).amount_minor == 900


ways = st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(lambda pair: Progress(*sorted(pair)))
steps = st.lists(st.integers(1, 10**9), max_size=5, unique=True).map(sorted)
bases = st.integers(0, 10**9)


@given(steps, ways, bases)
def test_brackets_sum_to_the_base(thresholds: list[int], way: Progress, base: int) -> None:
    parts = brackets(thresholds, way, base)
    assert bool(parts) == (way.after > way.before)
    assert sum(part.base_minor for part in parts) == (base if parts else 0)
    assert all(lower.tier < upper.tier for lower, upper in pairwise(parts))


@given(steps, ways)
def test_a_whole_order_is_cut_at_the_thresholds(thresholds: list[int], way: Progress) -> None:
    edges = [0, *thresholds, 10**10]
    for part in brackets(thresholds, way, way.after - way.before):
        low, high = edges[part.tier], edges[part.tier + 1]
        assert part.base_minor == min(high, way.after) - max(low, way.before)


@given(st.integers(0, 200_000), st.integers(0, 200_000), st.integers(0, 10_000))
def test_more_revenue_never_pays_less(before: int, order: int, more: int) -> None:
    for rule in (BRACKETS, ANEW):
        assert owed(rule, before, order).amount_minor <= owed(rule, before, order + more).amount_minor
        assert owed(rule, before, order).amount_minor <= owed(rule, before + more, order).amount_minor


@given(st.lists(st.integers(0, 30_000).map(lambda euros: euros * 100), min_size=1, max_size=8))
def test_brackets_pay_the_same_however_revenue_is_divided_into_orders(orders: list[int]) -> None:
    before = paid = 0
    for order in orders:
        paid += owed(BRACKETS, before, order).amount_minor
        before += order
    assert paid == owed(BRACKETS, 0, sum(orders)).amount_minor


@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=8))
def test_retroactive_steps_sum_to_the_whole_by_the_last_tier(orders: list[int]) -> None:
    starts = [sum(orders[:index]) for index in range(len(orders))]
    paid = [0] * len(orders)
    for count in range(1, len(orders) + 1):
        standing = sum(orders[:count])
        for index in range(count):
            owed_now = owed(ANEW, starts[index], orders[index], standing).amount_minor
            step = owed_now - paid[index]
            assert step >= 0
            paid[index] += step
    final = ANEW.amount_for(sum(orders))
    assert isinstance(final, PercentageAmount)
    flat = replace(BRACKETS, tiers=(), amount=final)
    assert paid == [owed(flat, 0, order).amount_minor for order in orders]
