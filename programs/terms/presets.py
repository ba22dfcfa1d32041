"""Terms to start from, one set for each kind of program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from core.money import CURRENCIES, MoneyInvalid, is_currency
from programs.terms.promises import (
    AttributionTerms,
    EligibilityTerms,
    FixedAmount,
    MilestoneTerms,
    PercentageAmount,
    ProgramTerms,
    RewardRule,
    Tier,
)

ProgramKind = Literal["customer", "b2b", "influencer", "affiliate"]

_FRIEND_DISCOUNT = RewardRule(
    key="referee-discount",
    side="referee",
    event="signup",
    kind="discount",
    discount=PercentageAmount(bps=1000),
    first_only=True,
)


def default_terms(kind: ProgramKind, currency: str) -> ProgramTerms:
    """Return the terms a new program of this kind starts with; they still need a `destination_url`.

    All promises are percentages, so that they mean the same in every currency. Raises MoneyInvalid for an
    unknown currency.

    - customer: store credit for a friend's first purchase, a discount for the friend, new customers only
    - b2b: cash for the won deal (custom event `won`), the first introduction counts, a person approves
    - influencer: cash for a year of purchases by promo code, a discount for the audience, a person approves
    - affiliate: recurring cash for a year, approved by itself
    """
    if not is_currency(currency):
        raise MoneyInvalid("unknown_currency", "The currency is not an active ISO 4217 code.")
    if kind == "customer":
        return ProgramTerms(
            currency=currency,
            rewards=(
                RewardRule(
                    key="referrer-credit",
                    side="referrer",
                    event="purchase",
                    kind="credit",
                    amount=PercentageAmount(bps=1000),
                    first_only=True,
                ),
                _FRIEND_DISCOUNT,
            ),
            eligibility=EligibilityTerms(new_customers_only=True),
        )
    if kind == "b2b":
        return ProgramTerms(
            currency=currency,
            attribution=AttributionTerms(
                model="first_click",
                click_window_hours=180 * 24,
                code_window_hours=180 * 24,
                half_life_days=30,
            ),
            rewards=(
                RewardRule(
                    key="referrer-won",
                    side="referrer",
                    event="custom",
                    event_name="won",
                    kind="cash",
                    amount=PercentageAmount(bps=500),
                    first_only=True,
                ),
            ),
            approval="manual",
        )
    commission = RewardRule(
        key="referrer-commission",
        side="referrer",
        event="purchase",
        kind="cash",
        amount=PercentageAmount(bps=1000 if kind == "influencer" else 2000),
        duration_months=12,
    )
    if kind == "influencer":
        return ProgramTerms(
            currency=currency,
            rewards=(commission, _FRIEND_DISCOUNT),
            approval="manual",
        )
    return ProgramTerms(currency=currency, rewards=(commission,))


@dataclass(frozen=True, slots=True)
class RewardPreset:
    """A set of rewards to start from, with a name and when it is the right one."""

    key: str
    title: str
    text: str
    rewards: tuple[RewardRule, ...]


def reward_presets(currency: str) -> tuple[RewardPreset, ...]:
    """Return ready sets of rewards for a program in `currency`; raises MoneyInvalid for an unknown one."""
    if not is_currency(currency):
        raise MoneyInvalid("unknown_currency", "The currency is not an active ISO 4217 code.")
    # Ten of most currencies; of those without a smaller unit (yen, won) ten would buy nothing.
    ten = 10 * 10 ** CURRENCIES[currency] if CURRENCIES[currency] else 1000
    commission = RewardRule(
        key="referrer-commission",
        side="referrer",
        event="purchase",
        kind="cash",
        amount=PercentageAmount(bps=1000),
        duration_months=12,
    )
    credit = RewardRule(
        key="referrer-credit",
        side="referrer",
        event="purchase",
        kind="credit",
        amount=PercentageAmount(bps=1000),
        first_only=True,
    )
    fixed = FixedAmount(minor=ten)
    return (
        RewardPreset(
            "give-get",
            "Give 10 %, get 10 %",
            "A discount for the friend, store credit for the referrer. Safe at any order size.",
            (credit, _FRIEND_DISCOUNT),
        ),
        RewardPreset(
            "amounts",
            "The same amount for both",
            "Easy to say and to remember. Best with a smallest order.",
            (
                replace(credit, amount=fixed, minimum_order_minor=3 * ten),
                replace(_FRIEND_DISCOUNT, discount=fixed),
            ),
        ),
        RewardPreset(
            "ladder",
            "A ladder for keen sharers",
            "10 % in cash, more from the fifth and from the tenth friend on.",
            (
                replace(
                    commission,
                    tiers=(Tier(5, PercentageAmount(bps=1500)), Tier(10, PercentageAmount(bps=2000))),
                ),
                _FRIEND_DISCOUNT,
            ),
        ),
        RewardPreset(
            "milestone",
            "A bonus for every fifth friend",
            "10 % in store credit for each friend, and a bonus on top that keeps people sharing.",
            (
                credit,
                RewardRule(
                    key="referrer-milestone",
                    side="referrer",
                    event="milestone",
                    kind="credit",
                    amount=replace(fixed, minor=2 * ten),
                    milestone=MilestoneTerms("friends", 5, repeat=True),
                ),
                _FRIEND_DISCOUNT,
            ),
        ),
        RewardPreset(
            "gift-card",
            "A gift card for each friend",
            "A fixed sum to spend within a year. Works where people need not be customers themselves.",
            (
                RewardRule(
                    key="referrer-gift-card",
                    side="referrer",
                    event="purchase",
                    kind="gift_card",
                    amount=fixed,
                    first_only=True,
                    minimum_order_minor=3 * ten,
                    expiry_days=365,
                ),
                _FRIEND_DISCOUNT,
            ),
        ),
        RewardPreset(
            "recurring",
            "A share of every purchase",
            "20 % in cash for a year. For subscriptions and affiliates.",
            (replace(commission, amount=PercentageAmount(bps=2000)),),
        ),
    )
