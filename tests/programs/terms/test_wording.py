from dataclasses import replace
from typing import Any

import pytest

from programs.terms import (
    CapTerms,
    CustomTerms,
    FixedAmount,
    ItemTerms,
    MilestoneTerms,
    PercentageAmount,
    ProductTerms,
    ProgramTerms,
    RewardRule,
    Tier,
    cap_sentence,
    default_terms,
    headline,
    percent_text,
    reward_sentence,
    summary,
)
from tests.programs.terms.examples import full_terms


def test_summary_names_limits_and_the_stricter_minimum() -> None:
    assert summary(full_terms()) == (
        "The referrer gets 10 % of the margin of the 2nd purchase as cash, 15 % from 5 friends on, "
        "€30.00 from 10 friends on, counted anew each year, and then for everything before as well, "
        "for 12 months, at most €50.00 each time, for orders from €20.00, "
        "for everything but products A-1 and B 2 and category Shoes, for new customers only, "
        "if the channel of the referral is email or sms, unless another reward of “best” gives more.",
        "The referee gets the product “Mug” (MUG-1) worth €15.00 for the first “trial_converted” event, "
        "for orders from €10.00.",
        "The referee gets a discount of €5.00 for the sign-up, to be used within 90 days.",
        "The referrer gets “A dinner” for every 5 friends.",
    )


MILESTONE = RewardRule("a", "referrer", "milestone", "cash", FixedAmount(500))


def points(amount: PercentageAmount | FixedAmount, **fields: Any) -> RewardRule:
    return RewardRule(key="p", side="referrer", event="purchase", kind="points", amount=amount, **fields)


@pytest.mark.parametrize(
    ("rule", "currency", "sentence"),
    [
        (
            RewardRule(
                key="a",
                side="referrer",
                event="purchase",
                kind="cash",
                amount=FixedAmount(1000),
                first_only=True,
                duration_months=1,
            ),
            "CHF",
            "The referrer gets 10.00 CHF for the first purchase as cash, for 1 month.",
        ),
        (
            RewardRule(key="a", side="referee", event="signup", kind="credit", amount=FixedAmount(500)),
            "JPY",
            "The referee gets ¥500 for the sign-up as store credit.",
        ),
        (
            points(PercentageAmount(100), tiers=(Tier(3, PercentageAmount(200)), Tier(9, FixedAmount(50)))),
            "EUR",
            "The referrer gets 1 point for each €1.00 of each purchase, "
            "2 points for each €1.00 from 3 friends on, 50 points from 9 friends on.",
        ),
        (points(FixedAmount(50)), "EUR", "The referrer gets 50 points for each purchase."),
        (
            points(PercentageAmount(100), max_minor=300),
            "EUR",
            "The referrer gets 1 point for each €1.00 of each purchase, at most 300 points each time.",
        ),
        (
            points(PercentageAmount(250)),
            "EUR",
            "The referrer gets 2.5 points for each €1.00 of each purchase.",
        ),
        (
            points(PercentageAmount(1000)),
            "EUR",
            "The referrer gets 10 points for each €1.00 of each purchase.",
        ),
        (points(PercentageAmount(500)), "JPY", "The referrer gets 0.05 points for each ¥1 of each purchase."),
        (
            RewardRule(
                key="a", side="referee", event="purchase", kind="discount", discount=PercentageAmount(1250)
            ),
            "EUR",
            "The referee gets a discount of 12.5 % for each purchase.",
        ),
        (
            points(FixedAmount(50), items=ItemTerms(skus=("A",), categories=("b", "c"))),
            "EUR",
            "The referrer gets 50 points for each purchase, for product A and categories b and c only.",
        ),
        (
            points(FixedAmount(50), items=ItemTerms(categories=("b",), excluded=True)),
            "EUR",
            "The referrer gets 50 points for each purchase, for everything but category b.",
        ),
        (
            points(FixedAmount(50), items=ItemTerms(skus=("A", "B"))),
            "EUR",
            "The referrer gets 50 points for each purchase, for products A and B only.",
        ),
        (
            RewardRule("a", "referrer", "renewal", "gift_card", FixedAmount(500), nth=11, expiry_days=1),
            "EUR",
            "The referrer gets €5.00 for the 11th renewal as a gift card, to be used within 1 day.",
        ),
        (
            replace(MILESTONE, milestone=MilestoneTerms("revenue", 100_000)),
            "EUR",
            "The referrer gets €5.00 for €1000.00 of revenue as cash.",
        ),
        (
            replace(MILESTONE, milestone=MilestoneTerms("streak", 3, repeat=True)),
            "EUR",
            "The referrer gets €5.00 for every 3 months in a row as cash.",
        ),
        (MILESTONE, "EUR", "The referrer gets €5.00 for a milestone as cash."),
        (
            RewardRule(
                "a", "referee", "renewal", "custom", FixedAmount(900), custom=CustomTerms("A day off"), nth=3
            ),
            "EUR",
            "The referee gets “A day off” worth €9.00 for the 3rd renewal.",
        ),
        (
            points(
                PercentageAmount(100),
                tiers=(Tier(5000, FixedAmount(9)),),
                tier_basis="revenue",
                tier_period="month",
            ),
            "EUR",
            "The referrer gets 1 point for each €1.00 of each purchase, 9 points from €50.00 of revenue on, "
            "counted anew each month.",
        ),
    ],
)
def test_reward_sentences(rule: RewardRule, currency: str, sentence: str) -> None:
    assert reward_sentence(rule, currency) == sentence


def test_caps_are_put_into_words() -> None:
    caps = (
        CapTerms("a", "participant", "week", limit_minor=5000, limit_count=1, rules=("x", "y", "z")),
        CapTerms("b", "program", "lifetime", limit_minor=100_000, pause=True),
    )
    assert cap_sentence(caps[0], "EUR", ["Cash", "Points", "A mug"]) == (
        "One person gets at most €50.00 and 1 reward a week from “Cash”, “Points” and “A mug”."
    )
    assert cap_sentence(caps[1], "EUR") == (
        "All people together get at most €1000.00 in all; then the program pauses."
    )


@pytest.mark.parametrize(
    ("bps", "text"), [(1000, "10 %"), (1250, "12.5 %"), (1, "0.01 %"), (10_000, "100 %"), (0, "0 %")]
)
def test_percent_text(bps: int, text: str) -> None:
    assert percent_text(bps) == text


MUG = RewardRule(
    key="m", side="referee", event="purchase", kind="product", product=ProductTerms("MUG-1", "a mug")
)
DINNER = RewardRule("d", "referrer", "purchase", "custom", custom=CustomTerms("A dinner"))
BARE_MUG = RewardRule(key="m", side="referee", event="purchase", kind="product")


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        (full_terms(), "Give €5, get 10 %"),
        (default_terms("customer", "EUR"), "Give 10 % off, get 10 %"),
        (default_terms("affiliate", "EUR"), "Bring a friend, get 20 %"),
        (ProgramTerms("EUR", rewards=(MUG,)), "Give a friend a mug"),
        (ProgramTerms("EUR", rewards=(BARE_MUG,)), ""),
        (ProgramTerms("EUR", rewards=(DINNER,)), "Bring a friend, get A dinner"),
        (ProgramTerms("EUR"), ""),
    ],
)
def test_the_headline_is_written_or_made_of_the_promises(terms: ProgramTerms, text: str) -> None:
    assert headline(terms) == text
