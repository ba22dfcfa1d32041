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

from core.money import Weight, display, prorate, split
from programs.terms import (
    MONEY_KINDS,
    UNDIVIDED_KINDS,
    Amount,
    CustomTerms,
    FixedAmount,
    PercentageAmount,
    ProductTerms,
    RewardEvent,
    RewardRule,
    percent_text,
)
from rewards.amounts import Boost, Payment, boosted_discount
from rewards.bases import BASE_SENTENCES, BaseReason, Line, base_of_order, lines_refusal
from rewards.tiers import Progress, tier_parts

__all__ = ["Boost", "Calculation", "Line", "Progress", "calculate", "reversed_total", "stack", "whole_months"]

CalculationReason = Literal[
    "earned",
    "event_differs",
    "not_first",
    "not_nth",
    "outside_duration",
    "not_new_customer",
    "currency_differs",
    "below_minimum_order",
    "credited_elsewhere",
    "no_lines",
    "no_items",
    "margin_unknown",
    "milestone_ahead",
    "better_rule",
    "zero_amount",
    "conditions_not_met",
]

Refusal = tuple[CalculationReason, str]
"""Why a rule owes nothing, as a code and as a sentence."""

_EVENT_WORDS: Mapping[RewardEvent, str] = {
    "signup": "a sign-up",
    "purchase": "a purchase",
    "renewal": "a renewal",
    "milestone": "a milestone",
}


@dataclass(frozen=True, slots=True)
class Calculation:
    """What a rule owes, and why.

    `amount_minor` counts in `unit` (a currency or points); `base_minor` is what a percentage was taken of, 0
    for the others. `reason` is `earned` or why nothing is owed; `currency_differs` asks to hold the reward
    until there is a rate. An earned product, discount or custom reward carries its terms and may have an
    amount of 0. `tier` is the number of the highest tier it was paid by, 0 for none.
    """

    amount_minor: int
    unit: str
    base_minor: int
    reason: CalculationReason
    sentence: str
    product: ProductTerms | None = None
    discount: Amount | None = None
    custom: CustomTerms | None = None
    tier: int = 0

    @property
    def earned(self) -> bool:
        """Whether the rule owes something."""
        return self.reason == "earned"


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
    lines: Sequence[Line] = (),
    margin_minor: int | None = None,
    assumed_margin_bps: int | None = None,
    new_customer: bool = True,
    progress: Progress | None = None,
    standing: int | None = None,
    threshold: int | None = None,
    boost: Boost | None = None,
    converted: str = "",
    unmet: Refusal | None = None,
) -> Calculation:
    """Return what `rule` owes one participant for one event.

    `currency` is the program's. `order_minor` is the order's net value in `order_currency`; an event without
    an order has 0 and None. `occurrence` counts the customer's events of this kind from 1: a renewal comes
    as the `purchase` it is, with an occurrence above 1. `months_elapsed` counts the whole months since the
    referral converted (see `whole_months`). `lines` are the order's, `margin_minor` is what is left of it
    after its cost, `assumed_margin_bps` what to assume where nothing says the cost. `new_customer` says that
    the customer had not bought before the referral started.

    `progress` is the referrer's, in the rule's tier period (the first friend, or no revenue before this,
    where it is not given), and `standing` the most that was reached in that period by now, for retroactive
    tiers: a whole amount is by that tier. `threshold` is the milestone that was passed, for the sentence.
    `unmet` says why the rule's own conditions do not hold: `conditions_not_met`, or `currency_differs`.
    `converted` says how the order's amounts, given here in the program's currency, were converted; it leads
    the sentence.

    With several referrers credited, `weights` are the credits of all of them and `position` is this one's.
    A percentage is taken of `share_minor`, this one's part of the order (by default the split by weights); of
    some lines or the margin it is the split by weights. A fixed amount and a maximum are split by the weights
    too, so that together they never exceed the promise. A product, a discount or a custom reward cannot be
    split: it goes to the largest credit, the earlier one among equals. The referee's side has no shares: it
    gets its reward from the whole order.
    """
    if rule.side == "referee":
        weights, position, share_minor = (1,), 0, order_minor
    parts = split(order_minor, weights)
    base_minor: int | None = parts[position] if share_minor is None else share_minor
    if base_minor is None or not 0 <= base_minor <= order_minor:
        raise ValueError("The share must be from 0 to the order's value.")
    unit = rule.unit(currency)
    if progress is None:
        progress = Progress(0, order_minor if rule.tier_basis == "revenue" else 1)
    refusal = (
        _event_refusal(rule, event, event_name, occurrence, months_elapsed)
        or _customer_refusal(rule, new_customer)
        or unmet
        or _order_refusal(rule, boost, currency, order_minor, order_currency)
        or _credit_refusal(rule, weights, position)
        or _base_refusal(lines_refusal(rule, lines))
    )
    if refusal is not None:
        return _told(Calculation(0, unit, 0, *refusal), converted)
    if rule.kind in UNDIVIDED_KINDS:
        return _told(_gift(rule, unit, boost), converted)
    if rule.items is not None or rule.base == "margin":
        whole = base_of_order(rule, lines, order_minor, margin_minor, assumed_margin_bps)
        base_minor = None if whole is None else split(whole, weights)[position]
    payment = Payment(
        rule=rule,
        currency=currency,
        weights=weights,
        position=position,
        boost=boost,
        parts=tier_parts(rule, progress, standing, base_minor or 0),
    )
    if base_minor is None and payment.takes_percentage:
        unknown = Calculation(0, unit, 0, "margin_unknown", BASE_SENTENCES["margin_unknown"])
        return _told(unknown, converted)
    amount_minor, sentence = payment.amount(threshold)
    reason: CalculationReason = "earned" if amount_minor else "zero_amount"
    base_minor = base_minor if payment.takes_percentage else 0
    earned = Calculation(amount_minor, unit, base_minor or 0, reason, sentence, tier=payment.tier)
    return _told(earned, converted)


def stack(candidates: Sequence[tuple[RewardRule, Calculation]]) -> tuple[Calculation, ...]:
    """Decide which rules of one side are paid for one event; the calculations come back in their order.

    Of the earned ones with the same group only the one that gives most is paid, the earlier among equals; the
    others owe nothing, for the reason `better_rule`. What is in no group is paid beside them. Within a group
    all count in the same unit; `publish_errors` sees to it.
    """
    best: dict[str, tuple[RewardRule, Calculation]] = {}
    for rule, found in candidates:
        if rule.group is None or not found.earned:
            continue
        if rule.group not in best or found.amount_minor > best[rule.group][1].amount_minor:
            best[rule.group] = (rule, found)
    decided = []
    for rule, found in candidates:
        winner = best.get(rule.group) if rule.group is not None and found.earned else None
        if winner is not None and winner[1] is not found:
            gives = display(winner[1].amount_minor, winner[1].unit)
            found = Calculation(
                0,
                found.unit,
                0,
                "better_rule",
                f"Of “{rule.group}” only the best is paid: “{winner[0].key}” gives {gives}.",
            )
        decided.append(found)
    return tuple(decided)


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


def _told(calculation: Calculation, converted: str) -> Calculation:
    if not converted:
        return calculation
    return replace(calculation, sentence=f"{converted} {calculation.sentence}")


def _event_refusal(
    rule: RewardRule, event: RewardEvent, event_name: str | None, occurrence: int, months_elapsed: int
) -> Refusal | None:
    count = occurrence
    if rule.event == "renewal" and event == "purchase":
        if occurrence == 1:
            return "event_differs", "This is a first purchase; the reward is for a renewal."
        event, count = "renewal", occurrence - 1
    if event != rule.event or event_name != rule.event_name:
        happened, promised = _event_text(event, event_name), _event_text(rule.event, rule.event_name)
        return "event_differs", f"This is {happened}; the reward is for {promised}."
    if rule.first_only and count > 1:
        return "not_first", f"Only the first one earns this reward; this is number {count}."
    if rule.nth is not None and count != rule.nth:
        return "not_nth", f"Only number {rule.nth} earns this reward; this is number {count}."
    if rule.duration_months is not None and months_elapsed >= rule.duration_months:
        limit, elapsed = _months(rule.duration_months), _months(months_elapsed)
        return "outside_duration", f"The reward runs for {limit}; this came after {elapsed}."
    return None


def _customer_refusal(rule: RewardRule, new_customer: bool) -> Refusal | None:
    if rule.new_customers_only and not new_customer:
        return "not_new_customer", "The customer had bought before the referral."
    return None


def _order_refusal(
    rule: RewardRule, boost: Boost | None, currency: str, order_minor: int, order_currency: str | None
) -> Refusal | None:
    amounts = [rule.amount, *(tier.amount for tier in rule.tiers), boost.amount if boost else None]
    measures_order = rule.minimum_order_minor > 0 or (
        rule.kind not in UNDIVIDED_KINDS and any(isinstance(amount, PercentageAmount) for amount in amounts)
    )
    if order_currency not in (None, currency) and (measures_order or rule.kind in MONEY_KINDS):
        return (
            "currency_differs",
            f"The order is in {order_currency}, the program in {currency}; a rate is needed.",
        )
    if order_minor < rule.minimum_order_minor:
        order, minimum = display(order_minor, currency), display(rule.minimum_order_minor, currency)
        return "below_minimum_order", f"The order of {order} is below the minimum of {minimum}."
    return None


def _credit_refusal(rule: RewardRule, weights: Sequence[Weight], position: int) -> Refusal | None:
    if rule.kind not in UNDIVIDED_KINDS:
        return None
    shares = [Fraction(weight) for weight in weights]
    if shares.index(max(shares)) == position:
        return None
    name = "reward of this kind" if rule.kind == "custom" else rule.kind
    return "credited_elsewhere", f"A {name} cannot be split; it goes to the largest credit."


def _base_refusal(reason: BaseReason | None) -> Refusal | None:
    return None if reason is None else (reason, BASE_SENTENCES[reason])


def _gift(rule: RewardRule, unit: str, boost: Boost | None) -> Calculation:
    value_minor = rule.amount.minor if isinstance(rule.amount, FixedAmount) else 0
    if rule.kind == "product":
        sentence = f"The product “{rule.product.name}”." if rule.product else "A product."
        return Calculation(value_minor, unit, 0, "earned", sentence, product=rule.product)
    if rule.kind == "custom":
        sentence = f"“{rule.custom.name}”." if rule.custom else "A reward of its own."
        return Calculation(value_minor, unit, 0, "earned", sentence, custom=rule.custom)
    discount, words = rule.discount, ""
    if boost is not None and discount is not None:
        discount, words = boosted_discount(discount, boost), f", by “{boost.name}”"
    if isinstance(discount, PercentageAmount):
        sentence = f"A discount of {percent_text(discount.bps)}{words}."
    else:
        sentence = f"A discount of {display(discount.minor, unit)}{words}." if discount else "A discount."
    return Calculation(value_minor, unit, 0, "earned", sentence, discount=discount)


def _event_text(event: RewardEvent, event_name: str | None) -> str:
    return f"the event “{event_name}”" if event == "custom" else _EVENT_WORDS[event]


def _months(count: int) -> str:
    return f"{count} month" if count == 1 else f"{count} months"
