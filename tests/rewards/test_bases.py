from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programs.terms import FixedAmount, ItemTerms, PercentageAmount, ProductTerms, RewardRule
from rewards.calculation import Calculation, Line, calculate

PERCENT = RewardRule(
    key="commission", side="referrer", event="purchase", kind="cash", amount=PercentageAmount(1000)
)
SHOES = replace(PERCENT, items=ItemTerms(skus=("a-1",), categories=("Shoes",)))
MARGIN = replace(PERCENT, base="margin")
LINES = (
    Line("A-1", "", 3000, 1000),
    Line("B-2", "shoes", 2000, 1500),
    Line("C-3", "hats", 5000, None),
)


def owed(rule: RewardRule, **facts: Any) -> Calculation:
    order: dict[str, Any] = {"event": "purchase", "order_minor": 10_000, "order_currency": "EUR"}
    return calculate(rule=rule, currency="EUR", **(order | facts))


def test_the_lines_that_count_are_what_a_percentage_is_of() -> None:
    found = owed(SHOES, lines=LINES)
    assert (found.amount_minor, found.base_minor) == (500, 5000)
    assert found.sentence == "10 % of €50.00 is €5.00."
    other = replace(SHOES, items=replace(SHOES.items or ItemTerms(), excluded=True))
    assert owed(other, lines=LINES).base_minor == 5000
    assert owed(other, lines=LINES[:2]).reason == "no_items"


@pytest.mark.parametrize("amount", [PercentageAmount(1000), FixedAmount(500)])
def test_an_order_that_does_not_name_its_lines_earns_nothing(amount: Any) -> None:
    rule = replace(SHOES, amount=amount)
    assert (owed(rule).reason, owed(rule).amount_minor) == ("no_lines", 0)
    assert owed(rule).sentence == (
        "The order does not say what was bought; the reward is for some products only."
    )
    assert owed(rule, lines=LINES[2:]).reason == "no_items"


def test_a_fixed_amount_and_a_gift_ask_for_one_line_that_counts() -> None:
    assert owed(replace(SHOES, amount=FixedAmount(500)), lines=LINES).amount_minor == 500
    mug = replace(SHOES, kind="product", amount=None, product=ProductTerms("M", "Mug"))
    assert owed(mug, lines=LINES).earned
    assert owed(mug, lines=LINES[2:]).reason == "no_items"


def test_lines_never_come_to_more_than_the_order() -> None:
    assert owed(SHOES, lines=LINES, order_minor=4000).base_minor == 4000
    assert owed(SHOES, lines=(Line("A-1", "", -500),)).reason == "zero_amount"


def test_the_margin_is_what_the_order_says() -> None:
    found = owed(MARGIN, margin_minor=4500, lines=LINES)
    assert (found.base_minor, found.sentence) == (4500, "10 % of the margin of €45.00 is €4.50.")
    assert owed(MARGIN, margin_minor=-300).reason == "zero_amount"
    assert owed(MARGIN, margin_minor=20_000).base_minor == 10_000


def test_else_the_lines_tell_the_margin_and_an_assumption_fills_in() -> None:
    assert owed(MARGIN, lines=LINES[:2]).base_minor == 2500
    assert owed(MARGIN, lines=LINES).reason == "margin_unknown"
    assert owed(MARGIN, lines=LINES, assumed_margin_bps=4000).base_minor == 4500
    assert owed(MARGIN, assumed_margin_bps=4000).base_minor == 4000
    assert owed(replace(SHOES, base="margin"), lines=LINES, margin_minor=9000).base_minor == 2500


def test_without_any_margin_only_a_fixed_amount_is_paid() -> None:
    found = owed(MARGIN)
    assert (found.reason, found.amount_minor) == ("margin_unknown", 0)
    assert found.sentence == "The order does not say what it cost; the reward is a part of the margin."
    assert owed(replace(MARGIN, amount=FixedAmount(700))).amount_minor == 700


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=6),
    st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any),
    st.sampled_from([SHOES, replace(SHOES, base="margin"), MARGIN]),
)
def test_shares_of_lines_and_margins_sum_to_the_whole(
    amounts: list[int], weights: list[int], rule: RewardRule
) -> None:
    lines = [Line("A-1", "", amount, amount // 3) for amount in amounts]
    order = {"order_minor": sum(amounts), "lines": lines}
    shares = [owed(rule, weights=weights, position=at, **order) for at in range(len(weights))]
    assert sum(share.base_minor for share in shares) == owed(rule, **order).base_minor
