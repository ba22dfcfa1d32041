from dataclasses import replace

from programs.terms import (
    CapTerms,
    EligibilityTerms,
    FixedAmount,
    ItemTerms,
    MilestoneTerms,
    PercentageAmount,
    ProgramTerms,
    RewardRule,
    Tier,
    default_terms,
)
from rewards.calculation import Calculation
from rewards.worked_example import ExampleLine, worked_example

PERCENT = RewardRule(
    key="commission", side="referrer", event="purchase", kind="cash", amount=PercentageAmount(1000)
)
FIXED = replace(PERCENT, key="bounty", amount=FixedAmount(1000))
CLIMBING = replace(PERCENT, tiers=(Tier(5, PercentageAmount(1500)), Tier(10, FixedAmount(3000))))


def test_a_worked_example_is_what_the_rules_would_pay() -> None:
    assert worked_example(default_terms("customer", "EUR"), 5000) == (
        ExampleLine(
            "referrer-credit",
            "referrer",
            Calculation(500, "EUR", 5000, "earned", "10 % of €50.00 is €5.00."),
        ),
        ExampleLine(
            "referee-discount",
            "referee",
            Calculation(0, "EUR", 0, "earned", "A discount of 10 %.", discount=PercentageAmount(1000)),
        ),
    )


def test_a_worked_example_respects_the_stricter_minimum() -> None:
    terms = ProgramTerms(
        currency="EUR",
        rewards=(replace(FIXED, event="signup"), replace(PERCENT, minimum_order_minor=1000)),
        eligibility=EligibilityTerms(minimum_order_minor=2000),
    )
    assert [line.calculation.reason for line in worked_example(terms, 1500)] == [
        "earned",
        "below_minimum_order",
    ]
    assert [line.calculation.amount_minor for line in worked_example(terms, 2000)] == [1000, 200]


def test_a_worked_example_climbs_too() -> None:
    terms = ProgramTerms("EUR", rewards=(CLIMBING,))
    found = [worked_example(terms, 10_000, friends)[0].calculation.amount_minor for friends in (1, 5, 10)]
    assert found == [1000, 1500, 3000]


def sentences(*rules: RewardRule, friends: int = 1, revenue: int = 0) -> list[str]:
    terms = ProgramTerms("EUR", rewards=rules)
    return [line.calculation.sentence for line in worked_example(terms, 10_000, friends, revenue)]


def test_each_rule_is_shown_for_the_event_it_is_for() -> None:
    assert (
        sentences(
            replace(PERCENT, key="a", event="renewal"),
            replace(PERCENT, key="b", nth=3),
            replace(PERCENT, key="c", event="renewal", nth=2),
            replace(PERCENT, key="d", event="custom", event_name="won"),
            replace(PERCENT, key="e", items=ItemTerms(skus=("A-1",))),
            replace(PERCENT, key="f", items=ItemTerms(categories=("shoes",))),
            replace(PERCENT, key="g", items=ItemTerms(categories=("shoes",), excluded=True)),
        )
        == ["10 % of €100.00 is €10.00."] * 7
    )


def test_revenue_so_far_puts_the_order_among_the_brackets() -> None:
    rule = replace(PERCENT, tier_basis="revenue", tiers=(Tier(15_000, PercentageAmount(2000)),))
    assert sentences(rule, revenue=10_000) == [
        "10 % of €50.00 and 20 % of €50.00 is €15.00, by the tier from €150.00 of revenue on."
    ]


def test_a_milestone_is_paid_by_the_example_that_reaches_it() -> None:
    rule = replace(FIXED, event="milestone", milestone=MilestoneTerms("friends", 5, repeat=True))
    assert sentences(rule, friends=4) == ["This comes with every 5 friends."]
    assert sentences(rule, friends=10) == ["A fixed €10.00 for 10 friends."]
    by_revenue = replace(rule, milestone=MilestoneTerms("revenue", 50_000))
    assert sentences(by_revenue, revenue=40_000) == ["A fixed €10.00 for €500.00 of revenue."]
    assert sentences(by_revenue) == ["This comes with €500.00 of revenue."]
    streak = replace(rule, milestone=MilestoneTerms("streak", 3))
    assert sentences(streak, friends=9) == ["This comes with 3 months in a row."]


def test_of_a_group_only_the_best_is_paid() -> None:
    first, second = replace(PERCENT, group="once"), replace(FIXED, amount=FixedAmount(2000), group="once")
    assert sentences(first, second) == [
        "Of “once” only the best is paid: “bounty” gives €20.00.",
        "A fixed €20.00.",
    ]


def test_the_margin_is_assumed_or_unknown() -> None:
    rule = replace(PERCENT, base="margin")
    assert sentences(rule) == ["The order does not say what it cost; the reward is a part of the margin."]
    terms = ProgramTerms("EUR", rewards=(rule,), assumed_margin_bps=4000)
    assert worked_example(terms, 10_000)[0].calculation.sentence == "10 % of the margin of €40.00 is €4.00."


def test_the_caps_that_count_a_rule_are_listed() -> None:
    terms = ProgramTerms(
        "EUR",
        rewards=(PERCENT, FIXED),
        caps=(
            CapTerms("person", "participant", "month", limit_minor=50_000),
            CapTerms("budget", "program", "lifetime", limit_count=100, rules=("bounty",), pause=True),
        ),
    )
    person = "One person gets at most €500.00 a month."
    budget = "All people together get at most 100 rewards in all; then the program pauses."
    assert [line.limits for line in worked_example(terms, 10_000)] == [(person,), (person, budget)]
