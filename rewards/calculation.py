"""Decides what one reward rule owes for one event, and how much of it a refund takes back.

Pure: frozen values in, an amount with its reason out; no Django and no clock.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Literal

from core.money import Weight, display, percentage, prorate, split
from programs.terms import (
    Amount,
    FixedAmount,
    PercentageAmount,
    ProductTerms,
    ProgramTerms,
    RewardEvent,
    RewardRule,
    RewardSide,
    percent_text,
)

CalculationReason = Literal[
    "earned",
    "event_differs",
    "not_first",
    "outside_duration",
    "currency_differs",
    "below_minimum_order",
    "credited_elsewhere",
    "zero_amount",
]

_EVENT_WORDS: Mapping[RewardEvent, str] = {"signup": "a sign-up", "purchase": "a purchase"}


@dataclass(frozen=True, slots=True)
class Calculation:
    """What a rule owes, and why.

    `amount_minor` counts in `unit` (a currency or points); `base_minor` is what a percentage was taken of, 0
    for the others. `reason` is `earned` or why nothing is owed; `currency_differs` asks to hold the reward
    until there is a rate. An earned product or discount carries its terms and may have an amount of 0.
    """

    amount_minor: int
    unit: str
    base_minor: int
    reason: CalculationReason
    sentence: str
    product: ProductTerms | None = None
    discount: Amount | None = None

    @property
    def earned(self) -> bool:
        """Whether the rule owes something."""
        return self.reason == "earned"


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """One rule of a worked example."""

    rule_key: str
    side: RewardSide
    calculation: Calculation


def calculate(
    *,
    rule: RewardRule,
    currency: str,
    event: RewardEvent,
    event_name: str | None = None,
    order_minor: int,
    order_currency: str | None = None,
    share_minor: int | None = None,
    weights: Sequence[Weight] = (1,),
    position: int = 0,
    occurrence: int = 1,
    months_elapsed: int = 0,
    friends: int = 1,
) -> Calculation:
    """Return what `rule` owes one participant for one event.

    `currency` is the program's. `order_minor` is the order's net value in `order_currency`; an event without
    an order has 0 and None. `occurrence` counts the customer's events of this kind from 1, and
    `months_elapsed` the whole months since the referral converted (see `whole_months`). `friends` counts the
    participant's friends who converted up to this event, this one included: it decides the tier.

    With several referrers credited, `weights` are the credits of all of them and `position` is this one's.
    A percentage is taken of `share_minor`, this one's part of the order (by default the split by weights). A
    fixed amount and a maximum are split by the weights too, so that together they never exceed the promise. A
    product or a discount cannot be split: it goes to the largest credit, the earlier one among equals. The
    referee's side has no shares: it gets its reward from the whole order.
    """
    if rule.side == "referee":
        weights, position, share_minor = (1,), 0, order_minor
    parts = split(order_minor, weights)
    base_minor = parts[position] if share_minor is None else share_minor
    if not 0 <= base_minor <= order_minor:
        raise ValueError("The share must be from 0 to the order's value.")
    unit = rule.unit(currency)
    refusal = (
        _event_refusal(rule, event, event_name, occurrence, months_elapsed)
        or _order_refusal(rule, currency, order_minor, order_currency)
        or _credit_refusal(rule, weights, position)
    )
    if refusal is not None:
        return Calculation(0, unit, 0, *refusal)
    if rule.kind in ("product", "discount"):
        return _gift(rule, unit)
    return _amount(rule, friends, currency, base_minor, weights, position)


def reversed_total(*, reward_minor: int, order_minor: int, refunded_minor: int) -> int:
    """Return how much of a reward is taken back in all, once `refunded_minor` of its order has been refunded.

    The proportion of the *total* refunded so far, rounded half-even, so that any sequence of refunds ends at
    the same sum, it never falls while refunds grow, and a full refund takes back everything. All arguments
    are 0 or more, in minor units; the order and the refunds share a currency, the reward may have another
    unit.
    """
    if reward_minor < 0 or order_minor < 0 or refunded_minor < 0:
        raise ValueError("Amounts must be 0 or more.")
    if refunded_minor == 0:
        return 0
    if refunded_minor >= order_minor:
        return reward_minor
    return prorate(reward_minor, refunded_minor, order_minor)


def whole_months(start: datetime, end: datetime) -> int:
    """Return how many whole calendar months lie between two aware instants, in the time zone of `start`.

    A month is complete on the same day and time of the next month, or at the end of a shorter month: renewals
    of 31 January fall on 28 February. Negative if `end` comes first.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("Instants must be aware.")
    local = end.astimezone(start.tzinfo)
    months = (local.year - start.year) * 12 + local.month - start.month
    last_day = calendar.monthrange(local.year, local.month)[1]
    reached = start.replace(year=local.year, month=local.month, day=min(start.day, last_day))
    return months - 1 if reached > local else months


def worked_example(terms: ProgramTerms, order_minor: int, friends: int = 1) -> tuple[ExampleLine, ...]:
    """Calculate every rule for one referral whose first order is `order_minor` in the program's currency.

    `friends` says the how-manieth friend of the referrer this is.
    """
    lines = []
    for rule in terms.rewards:
        has_order = rule.event != "signup"
        minimum = max(rule.minimum_order_minor, terms.eligibility.minimum_order_minor if has_order else 0)
        calculation = calculate(
            rule=replace(rule, minimum_order_minor=minimum),
            currency=terms.currency,
            event=rule.event,
            event_name=rule.event_name,
            order_minor=order_minor if has_order else 0,
            order_currency=terms.currency if has_order else None,
            friends=friends,
        )
        lines.append(ExampleLine(rule.key, rule.side, calculation))
    return tuple(lines)


_Refusal = tuple[CalculationReason, str]


def _event_refusal(
    rule: RewardRule, event: RewardEvent, event_name: str | None, occurrence: int, months_elapsed: int
) -> _Refusal | None:
    if event != rule.event or event_name != rule.event_name:
        happened, promised = _event_text(event, event_name), _event_text(rule.event, rule.event_name)
        return "event_differs", f"This is {happened}; the reward is for {promised}."
    if rule.first_only and occurrence > 1:
        return "not_first", f"Only the first one earns this reward; this is number {occurrence}."
    if rule.duration_months is not None and months_elapsed >= rule.duration_months:
        limit, elapsed = _months(rule.duration_months), _months(months_elapsed)
        return "outside_duration", f"The reward runs for {limit}; this came after {elapsed}."
    return None


def _order_refusal(
    rule: RewardRule, currency: str, order_minor: int, order_currency: str | None
) -> _Refusal | None:
    amounts = (rule.amount, *(tier.amount for tier in rule.tiers))
    measures_order = rule.minimum_order_minor > 0 or any(
        isinstance(amount, PercentageAmount) for amount in amounts
    )
    if order_currency not in (None, currency) and (measures_order or rule.kind in ("cash", "credit")):
        return (
            "currency_differs",
            f"The order is in {order_currency}, the program in {currency}; a rate is needed.",
        )
    if order_minor < rule.minimum_order_minor:
        order, minimum = display(order_minor, currency), display(rule.minimum_order_minor, currency)
        return "below_minimum_order", f"The order of {order} is below the minimum of {minimum}."
    return None


def _credit_refusal(rule: RewardRule, weights: Sequence[Weight], position: int) -> _Refusal | None:
    if rule.kind not in ("product", "discount"):
        return None
    shares = [Fraction(weight) for weight in weights]
    if shares.index(max(shares)) == position:
        return None
    return "credited_elsewhere", f"A {rule.kind} cannot be split; it goes to the largest credit."


def _gift(rule: RewardRule, unit: str) -> Calculation:
    value_minor = rule.amount.minor if isinstance(rule.amount, FixedAmount) else 0
    if rule.kind == "product":
        sentence = f"The product “{rule.product.name}”." if rule.product else "A product."
        return Calculation(value_minor, unit, 0, "earned", sentence, product=rule.product)
    if isinstance(rule.discount, PercentageAmount):
        sentence = f"A discount of {percent_text(rule.discount.bps)}."
    else:
        sentence = f"A discount of {display(rule.discount.minor, unit)}." if rule.discount else "A discount."
    return Calculation(value_minor, unit, 0, "earned", sentence, discount=rule.discount)


def _amount(
    rule: RewardRule,
    friends: int,
    currency: str,
    share_minor: int,
    weights: Sequence[Weight],
    position: int,
) -> Calculation:
    unit = rule.unit(currency)
    base_minor = 0
    amount = rule.amount_for(friends)
    if isinstance(amount, PercentageAmount):
        base_minor = share_minor
        amount_minor = percentage(share_minor, amount.bps)
        share, result = display(share_minor, currency), display(amount_minor, unit)
        sentence = f"{percent_text(amount.bps)} of {share} is {result}"
    else:
        whole_minor = amount.minor if amount else 0
        amount_minor = split(whole_minor, weights)[position]
        sentence = f"A fixed {display(whole_minor, unit)}"
        if amount_minor != whole_minor:
            sentence += f", of which this credit earns {display(amount_minor, unit)}"
    reached = [tier.from_friends for tier in rule.tiers if tier.from_friends <= friends]
    if reached:
        sentence += f", by the tier from {reached[-1]} friends on"
    if rule.max_minor is not None:
        limit_minor = split(rule.max_minor, weights)[position]
        if amount_minor > limit_minor:
            amount_minor = limit_minor
            sentence += f", limited to {display(limit_minor, unit)}"
    reason: CalculationReason = "earned" if amount_minor else "zero_amount"
    return Calculation(amount_minor, unit, base_minor, reason, f"{sentence}.")


def _event_text(event: RewardEvent, event_name: str | None) -> str:
    return f"the event “{event_name}”" if event == "custom" else _EVENT_WORDS[event]


def _months(count: int) -> str:
    return f"{count} month" if count == 1 else f"{count} months"
