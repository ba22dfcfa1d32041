from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import MAX_MINOR, split
from programs.terms import (
    CustomTerms,
    FixedAmount,
    MilestoneTerms,
    PercentageAmount,
    ProductTerms,
    RewardRule,
    Tier,
)
from rewards.calculation import (
    Boost,
    Calculation,
    calculate,
    reversed_total,
    stack,
    whole_months,
)
from rewards.tiers import Progress

PERCENT = RewardRule(
    key="commission", side="referrer", event="purchase", kind="cash", amount=PercentageAmount(1000)
)
FIXED = replace(PERCENT, key="bounty", amount=FixedAmount(1000))
POINTS = replace(PERCENT, key="points", kind="points", amount=FixedAmount(50))
MUG = replace(PERCENT, key="mug", kind="product", amount=None, product=ProductTerms("MUG-1", "Mug"))
VOUCHER = replace(PERCENT, key="voucher", kind="discount", amount=None, discount=PercentageAmount(1250))


def owed(rule: RewardRule, **facts: Any) -> Calculation:
    order: dict[str, Any] = {"event": "purchase", "order_minor": 9999, "order_currency": "EUR"}
    return calculate(rule=rule, currency="EUR", **(order | facts))


def test_a_percentage_of_the_order() -> None:
    assert owed(PERCENT) == Calculation(
        amount_minor=1000,  # 999.9
        unit="EUR",
        base_minor=9999,
        reason="earned",
        sentence="10 % of €99.99 is €10.00.",
    )
    assert owed(PERCENT).earned


@pytest.mark.parametrize(("order_minor", "amount_minor"), [(12345, 1234), (12355, 1236), (5, 0), (15, 2)])
def test_a_percentage_is_rounded_half_even(order_minor: int, amount_minor: int) -> None:
    assert owed(PERCENT, order_minor=order_minor).amount_minor == amount_minor


def test_a_percentage_of_the_share_of_one_of_three() -> None:
    shares = split(10_000, (1, 1, 1))
    assert shares == (3334, 3333, 3333)
    results = [
        owed(PERCENT, order_minor=10_000, share_minor=share, weights=(1, 1, 1), position=position)
        for position, share in enumerate(shares)
    ]
    assert [result.amount_minor for result in results] == [333, 333, 333]
    assert results[0].base_minor == 3334
    assert results[0].sentence == "10 % of €33.34 is €3.33."


def test_without_a_stored_share_the_weights_give_it() -> None:
    assert owed(PERCENT, order_minor=10_000, weights=(40, 20, 40), position=1).base_minor == 2000


@pytest.mark.parametrize("share_minor", [-1, 10_000])
def test_a_share_beyond_the_order_is_an_error(share_minor: int) -> None:
    with pytest.raises(ValueError, match="share must be from 0"):
        owed(PERCENT, share_minor=share_minor)


def test_a_negative_order_is_an_error() -> None:
    with pytest.raises(ValueError, match="share must be from 0"):
        owed(PERCENT, order_minor=-5)


def test_a_fixed_amount_is_split_by_credit_and_adds_up() -> None:
    assert owed(FIXED).sentence == "A fixed €10.00."
    assert owed(FIXED).base_minor == 0
    results = [owed(FIXED, weights=(1, 1, 1), position=position) for position in range(3)]
    assert [result.amount_minor for result in results] == [334, 333, 333]
    assert results[1].sentence == "A fixed €10.00, of which this credit earns €3.33."


def test_the_maximum_limits_all_shares_together() -> None:
    capped = replace(PERCENT, max_minor=500)
    assert owed(capped).amount_minor == 500
    assert owed(capped).sentence == "10 % of €99.99 is €10.00, limited to €5.00."
    assert [owed(capped, weights=(1, 3), position=position).amount_minor for position in (0, 1)] == [125, 375]
    assert owed(replace(PERCENT, max_minor=1000)).sentence == "10 % of €99.99 is €10.00."


def test_the_referee_has_no_shares() -> None:
    rule = replace(PERCENT, side="referee", kind="credit")
    assert owed(rule, share_minor=100, weights=(1, 1, 1), position=2).amount_minor == 1000


def test_points_are_counted_in_their_own_unit() -> None:
    assert owed(POINTS) == Calculation(50, "PTS", 0, "earned", "A fixed 50 points.")
    by_order = owed(replace(POINTS, amount=PercentageAmount(100)))
    assert (by_order.amount_minor, by_order.unit, by_order.base_minor) == (100, "PTS", 9999)  # 99.99
    assert by_order.sentence == "1 % of €99.99 is 100 points."


def test_a_product_and_a_discount_carry_their_terms() -> None:
    assert owed(MUG) == Calculation(
        0, "EUR", 0, "earned", "The product “Mug”.", product=ProductTerms("MUG-1", "Mug")
    )
    assert owed(VOUCHER) == Calculation(
        0, "EUR", 0, "earned", "A discount of 12.5 %.", discount=PercentageAmount(1250)
    )
    assert owed(replace(MUG, amount=FixedAmount(1500))).amount_minor == 1500
    assert owed(replace(VOUCHER, discount=FixedAmount(500))).sentence == "A discount of €5.00."


@pytest.mark.parametrize(("kind", "sentence"), [("product", "A product."), ("discount", "A discount.")])
def test_a_gift_without_terms_is_still_named(kind: Any, sentence: str) -> None:
    assert owed(replace(MUG, kind=kind, product=None)).sentence == sentence


def test_a_product_goes_undivided_to_the_largest_credit() -> None:
    results = [owed(MUG, weights=(20, 40, 40), position=position) for position in range(3)]
    assert [result.reason for result in results] == ["credited_elsewhere", "earned", "credited_elsewhere"]
    assert results[0].sentence == "A product cannot be split; it goes to the largest credit."
    assert results[0].product is None


def test_a_sign_up_reward_has_no_order() -> None:
    rule = replace(FIXED, event="signup")
    result = calculate(rule=rule, currency="EUR", event="signup", order_minor=0)
    assert (result.amount_minor, result.reason) == (1000, "earned")


@pytest.mark.parametrize(
    ("rule", "facts", "reason", "sentence"),
    [
        (PERCENT, {"event": "signup"}, "event_differs", "This is a sign-up; the reward is for a purchase."),
        (
            replace(PERCENT, event="custom", event_name="won"),
            {"event": "custom", "event_name": "lost"},
            "event_differs",
            "This is the event “lost”; the reward is for the event “won”.",
        ),
        (
            replace(PERCENT, first_only=True),
            {"occurrence": 2},
            "not_first",
            "Only the first one earns this reward; this is number 2.",
        ),
        (
            replace(PERCENT, duration_months=12),
            {"months_elapsed": 12},
            "outside_duration",
            "The reward runs for 12 months; this came after 12 months.",
        ),
        (
            replace(PERCENT, duration_months=1),
            {"months_elapsed": 1},
            "outside_duration",
            "The reward runs for 1 month; this came after 1 month.",
        ),
        (
            PERCENT,
            {"order_currency": "USD"},
            "currency_differs",
            "The order is in USD, the program in EUR; a rate is needed.",
        ),
        (
            replace(PERCENT, minimum_order_minor=10_000),
            {},
            "below_minimum_order",
            "The order of €99.99 is below the minimum of €100.00.",
        ),
        (PERCENT, {"order_minor": 4}, "zero_amount", "10 % of €0.04 is €0.00."),
        (
            FIXED,
            {"weights": (0, 1), "position": 0},
            "zero_amount",
            "A fixed €10.00, of which this credit earns €0.00.",
        ),
        (replace(FIXED, amount=None), {}, "zero_amount", "A fixed €0.00."),
    ],
)
def test_what_earns_nothing_says_why(
    rule: RewardRule, facts: dict[str, Any], reason: str, sentence: str
) -> None:
    result = owed(rule, **facts)
    assert (result.amount_minor, result.reason, result.sentence) == (0, reason, sentence)
    assert not result.earned


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (FIXED, "currency_differs"),
        (replace(FIXED, kind="credit"), "currency_differs"),
        (replace(POINTS, amount=PercentageAmount(100)), "currency_differs"),
        (replace(POINTS, minimum_order_minor=1), "currency_differs"),
        (replace(MUG, minimum_order_minor=1), "currency_differs"),
        (POINTS, "earned"),
        (MUG, "earned"),
        (VOUCHER, "earned"),
    ],
)
def test_another_currency_stops_whatever_depends_on_it(rule: RewardRule, reason: str) -> None:
    assert owed(rule, order_currency="USD").reason == reason


def test_the_last_moment_of_each_limit_still_earns() -> None:
    assert owed(replace(PERCENT, first_only=True), occurrence=1).earned
    assert owed(replace(PERCENT, duration_months=12), months_elapsed=11).earned
    assert owed(replace(PERCENT, minimum_order_minor=9999)).earned


@given(st.integers(0, MAX_MINOR), st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any))
def test_fixed_shares_sum_to_the_promise(order_minor: int, weights: list[int]) -> None:
    results = [
        owed(FIXED, order_minor=order_minor, weights=weights, position=position)
        for position in range(len(weights))
    ]
    assert sum(result.amount_minor for result in results) == 1000


@given(
    st.integers(0, MAX_MINOR),
    st.integers(1, 10_000),
    st.none() | st.integers(1, MAX_MINOR),
    st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any),
)
def test_percentages_of_shares_never_exceed_the_order_or_the_maximum(
    order_minor: int, bps: int, max_minor: int | None, weights: list[int]
) -> None:
    rule = replace(PERCENT, amount=PercentageAmount(bps), max_minor=max_minor)
    results = [
        owed(rule, order_minor=order_minor, weights=weights, position=position)
        for position in range(len(weights))
    ]
    total = sum(result.amount_minor for result in results)
    assert 0 <= total <= (order_minor if max_minor is None else min(order_minor, max_minor))
    assert all(result.earned == (result.amount_minor > 0) for result in results)


@pytest.mark.parametrize(
    ("reward", "order", "refunded", "taken_back"),
    [
        (1000, 10_000, 0, 0),
        (1000, 10_000, 2000, 200),
        (1000, 9999, 3333, 333),  # 333.33
        (5, 10, 1, 0),  # 0.5
        (5, 10, 3, 2),  # 1.5
        (1000, 10_000, 10_000, 1000),
        (1000, 10_000, 12_000, 1000),
        (1000, 0, 0, 0),
        (1000, 0, 1, 1000),
        (0, 10_000, 5000, 0),
    ],
)
def test_clawback_by_hand(reward: int, order: int, refunded: int, taken_back: int) -> None:
    assert reversed_total(reward_minor=reward, order_minor=order, refunded_minor=refunded) == taken_back


@pytest.mark.parametrize("negative", ["reward_minor", "order_minor", "refunded_minor"])
def test_clawback_refuses_negative_amounts(negative: str) -> None:
    amounts = {"reward_minor": 1, "order_minor": 1, "refunded_minor": 1} | {negative: -1}
    with pytest.raises(ValueError, match="0 or more"):
        reversed_total(**amounts)


minors = st.integers(0, MAX_MINOR)


@given(minors, minors, minors, minors)
def test_clawback_never_falls_and_stays_within_the_reward(
    reward: int, order: int, refunded: int, more: int
) -> None:
    before = reversed_total(reward_minor=reward, order_minor=order, refunded_minor=refunded)
    after = reversed_total(reward_minor=reward, order_minor=order, refunded_minor=refunded + more)
    assert 0 <= before <= after <= reward


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=8), st.randoms())
def test_refunds_in_any_order_end_at_the_same_sum(reward: int, refunds: list[int], random: Any) -> None:
    order = sum(refunds)
    shuffled = random.sample(refunds, len(refunds))
    for sequence in (refunds, shuffled):
        refunded = taken_back = 0
        for refund in sequence:
            refunded += refund
            target = reversed_total(reward_minor=reward, order_minor=order, refunded_minor=refunded)
            taken_back += target - taken_back
        assert taken_back == (reward if order else 0)


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2026-01-15T10:00", "2026-01-15T10:00", 0),
        ("2026-01-15T10:00", "2026-02-15T09:59", 0),
        ("2026-01-15T10:00", "2026-02-15T10:00", 1),
        ("2026-01-31T10:00", "2026-02-28T10:00", 1),
        ("2026-01-31T10:00", "2026-02-28T09:59", 0),
        ("2024-02-29T00:00", "2025-02-28T00:00", 12),
        ("2026-01-15T10:00", "2027-01-15T10:00", 12),
        ("2025-12-31T23:00", "2026-01-01T00:00", 0),
        ("2026-02-15T10:00", "2026-01-15T10:00", -1),
        ("2026-02-15T10:00", "2026-02-15T09:00", -1),
    ],
)
def test_whole_months(start: str, end: str, months: int) -> None:
    first, last = (datetime.fromisoformat(f"{text}+00:00") for text in (start, end))
    assert whole_months(first, last) == months


def test_months_are_counted_where_the_referral_started() -> None:
    start = datetime(2026, 1, 1, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert whole_months(start, datetime(2026, 1, 31, 23, 30, tzinfo=UTC)) == 1
    assert whole_months(start, datetime(2026, 1, 31, 23, 29, tzinfo=UTC)) == 0


def test_months_need_aware_instants() -> None:
    aware, naive = datetime(2026, 1, 1, tzinfo=UTC), datetime.fromisoformat("2026-01-01")
    for start, end in ((aware, naive), (naive, aware)):
        with pytest.raises(ValueError, match="aware"):
            whole_months(start, end)


CLIMBING = replace(PERCENT, tiers=(Tier(5, PercentageAmount(1500)), Tier(10, FixedAmount(3000))))


@pytest.mark.parametrize(
    ("friends", "amount_minor", "base_minor", "sentence"),
    [
        (1, 1000, 10_000, "10 % of €100.00 is €10.00."),
        (4, 1000, 10_000, "10 % of €100.00 is €10.00."),
        (5, 1500, 10_000, "15 % of €100.00 is €15.00, by the tier from 5 friends on."),
        (9, 1500, 10_000, "15 % of €100.00 is €15.00, by the tier from 5 friends on."),
        (10, 3000, 0, "A fixed €30.00, by the tier from 10 friends on."),
    ],
)
def test_the_tier_reached_decides_the_amount(
    friends: int, amount_minor: int, base_minor: int, sentence: str
) -> None:
    found = owed(CLIMBING, order_minor=10_000, progress=Progress(friends - 1, friends))
    assert (found.amount_minor, found.base_minor, found.sentence) == (amount_minor, base_minor, sentence)


def test_a_tiers_amount_is_limited_and_split_like_any() -> None:
    limited = replace(CLIMBING, max_minor=2000)
    tenth = Progress(9, 10)
    found = [owed(limited, progress=tenth, weights=(1, 1), position=at).amount_minor for at in (0, 1)]
    assert found == [1000, 1000]
    assert owed(limited, progress=tenth).sentence == (
        "A fixed €30.00, by the tier from 10 friends on, limited to €20.00."
    )


def test_a_percentage_in_a_tier_needs_the_programs_currency() -> None:
    rule = replace(POINTS, tiers=(Tier(2, PercentageAmount(100)),))
    assert owed(rule, order_currency="USD").reason == "currency_differs"


GIFT_CARD = replace(PERCENT, key="card", kind="gift_card")
DINNER = replace(
    PERCENT, key="dinner", kind="custom", amount=FixedAmount(4000), custom=CustomTerms("A dinner")
)


def test_a_gift_card_is_money_and_a_custom_reward_is_whole() -> None:
    assert owed(GIFT_CARD).amount_minor == 1000
    assert owed(GIFT_CARD, order_currency="USD").reason == "currency_differs"
    assert owed(DINNER) == Calculation(
        4000, "EUR", 0, "earned", "“A dinner”.", custom=CustomTerms("A dinner")
    )
    assert owed(replace(DINNER, custom=None)).sentence == "A reward of its own."
    assert owed(DINNER, weights=(1, 2)).sentence == (
        "A reward of this kind cannot be split; it goes to the largest credit."
    )


@pytest.mark.parametrize(
    ("rule", "facts", "reason", "sentence"),
    [
        (
            replace(PERCENT, event="renewal"),
            {"occurrence": 1},
            "event_differs",
            "This is a first purchase; the reward is for a renewal.",
        ),
        (
            replace(PERCENT, event="renewal"),
            {"event": "signup"},
            "event_differs",
            "This is a sign-up; the reward is for a renewal.",
        ),
        (
            replace(PERCENT, event="milestone"),
            {},
            "event_differs",
            "This is a purchase; the reward is for a milestone.",
        ),
        (replace(PERCENT, event="renewal"), {"occurrence": 7}, "earned", "10 % of €99.99 is €10.00."),
        (
            replace(PERCENT, event="renewal", first_only=True),
            {"occurrence": 3},
            "not_first",
            "Only the first one earns this reward; this is number 2.",
        ),
        (replace(PERCENT, event="renewal", nth=2), {"occurrence": 3}, "earned", "10 % of €99.99 is €10.00."),
        (
            replace(PERCENT, nth=3),
            {"occurrence": 2},
            "not_nth",
            "Only number 3 earns this reward; this is number 2.",
        ),
        (
            replace(PERCENT, new_customers_only=True),
            {"new_customer": False},
            "not_new_customer",
            "The customer had bought before the referral.",
        ),
        (PERCENT, {"new_customer": False}, "earned", "10 % of €99.99 is €10.00."),
        (
            PERCENT,
            {"converted": "$110.00 at 0.909 is €99.99."},
            "earned",
            "$110.00 at 0.909 is €99.99. 10 % of €99.99 is €10.00.",
        ),
    ],
)
def test_renewals_numbers_and_new_customers(
    rule: RewardRule, facts: dict[str, Any], reason: str, sentence: str
) -> None:
    found = owed(rule, **facts)
    assert (found.reason, found.sentence) == (reason, sentence)


def test_a_milestone_names_what_was_reached() -> None:
    rule = replace(FIXED, event="milestone", milestone=MilestoneTerms("friends", 5, repeat=True))
    found = calculate(rule=rule, currency="EUR", event="milestone", order_minor=0, threshold=10)
    assert found == Calculation(1000, "EUR", 0, "earned", "A fixed €10.00 for 10 friends.")


DOUBLE = Boost("Summer", multiplier_bps=20_000)


@pytest.mark.parametrize(
    ("rule", "boost", "amount_minor", "sentence"),
    [
        (PERCENT, DOUBLE, 2000, "10 % of €99.99, times 2 by “Summer”, is €20.00."),
        (FIXED, DOUBLE, 2000, "A fixed €10.00, times 2 by “Summer”, is €20.00."),
        (
            replace(PERCENT, max_minor=1200),
            DOUBLE,
            1200,
            "10 % of €99.99, times 2 by “Summer”, is €20.00, limited to €12.00.",
        ),
        (
            PERCENT,
            Boost("Summer", amount=PercentageAmount(3000)),
            3000,
            "30 % of €99.99, by “Summer”, is €30.00.",
        ),
        (
            PERCENT,
            Boost("Summer", 15_000, FixedAmount(900)),
            1350,
            "A fixed €9.00, times 1.5 by “Summer”, is €13.50.",
        ),
        (CLIMBING, Boost("Summer", amount=FixedAmount(900)), 900, "A fixed €9.00, by “Summer”."),
        (
            CLIMBING,
            DOUBLE,
            3000,
            "15 % of €99.99, times 2 by “Summer”, is €30.00, by the tier from 5 friends on.",
        ),
        (MUG, DOUBLE, 0, "The product “Mug”."),
        (VOUCHER, DOUBLE, 0, "A discount of 25 %, by “Summer”."),
        (VOUCHER, Boost("Summer", 90_000), 0, "A discount of 100 %, by “Summer”."),
        (VOUCHER, Boost("Summer", amount=FixedAmount(700)), 0, "A discount of €7.00, by “Summer”."),
    ],
)
def test_a_promotion_multiplies_or_replaces(
    rule: RewardRule, boost: Boost, amount_minor: int, sentence: str
) -> None:
    found = owed(rule, boost=boost, progress=Progress(4, 5))
    assert (found.amount_minor, found.sentence) == (amount_minor, sentence)


def test_a_promotion_is_rounded_once_and_split_like_any() -> None:
    # 10 % of 0.15 is 0.015: doubled before rounding it is 0.03.
    assert owed(PERCENT, order_minor=15, boost=DOUBLE).amount_minor == 3
    parts = [
        owed(FIXED, weights=(1, 1, 1), position=at, boost=Boost("S", 12_500)).amount_minor for at in range(3)
    ]
    assert parts == [417, 417, 416]


def test_of_a_group_only_the_best_is_paid() -> None:
    first, second, third = (
        replace(FIXED, key=key, amount=FixedAmount(minor), group="best")
        for key, minor in (("a", 500), ("b", 900), ("c", 900))
    )
    alone = replace(FIXED, key="d")
    other = replace(FIXED, key="e", group="other")
    late = replace(FIXED, key="f", amount=FixedAmount(5000), group="best", nth=2)
    rules = (first, second, third, alone, other, late)
    found = stack([(rule, owed(rule)) for rule in rules])
    assert [(each.reason, each.amount_minor) for each in found] == [
        ("better_rule", 0),
        ("earned", 900),
        ("better_rule", 0),
        ("earned", 1000),
        ("earned", 1000),
        ("not_nth", 0),
    ]
    assert found[0].sentence == "Of “best” only the best is paid: “b” gives €9.00."
    assert stack([]) == ()


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([None, "x", "y"])), max_size=8))
def test_each_group_pays_its_most_once(promises: list[tuple[int, str | None]]) -> None:
    rules = [
        replace(FIXED, key=str(index), amount=FixedAmount(minor), group=group)
        for index, (minor, group) in enumerate(promises)
    ]
    found = stack([(rule, owed(rule)) for rule in rules])
    for group in ("x", "y"):
        paid = [each.amount_minor for rule, each in zip(rules, found, strict=True) if rule.group == group]
        best = max((minor for minor, named in promises if named == group), default=0)
        assert sum(paid) == best
    free = [each.amount_minor for rule, each in zip(rules, found, strict=True) if rule.group is None]
    assert free == [minor for minor, named in promises if named is None]
