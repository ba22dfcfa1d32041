"""Decides whether an order or a customer counts for a program at all. Pure: no Django and no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from core.money import display
from programs.condition_words import unmet_sentence
from programs.conditions import Facts, unmet
from programs.terms import EligibilityTerms

EligibilityReason = Literal[
    "eligible",
    "currency_differs",
    "below_minimum_order",
    "not_new_customer",
    "country_unknown",
    "country_not_allowed",
    "not_first_purchase",
    "conditions_not_met",
]


@dataclass(frozen=True, slots=True)
class EligibilityFacts:
    """What is known about an order and its customer.

    `order_minor` is the order's net value in `currency`; both are None for an event without an order.
    `new_customer` says that the customer had not bought before the referral started. `earlier_purchases`
    counts the customer's purchases before this one, without the refunded ones. `country` is an ISO 3166 code.
    `others` are what the terms' conditions ask for.
    """

    order_minor: int | None = None
    currency: str | None = None
    new_customer: bool = True
    earlier_purchases: int = 0
    country: str | None = None
    others: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True)
class Eligible:
    """The decision, with a stable reason code and a sentence for people."""

    ok: bool
    reason: EligibilityReason
    sentence: str


def eligible(
    *, terms: EligibilityTerms, currency: str, facts: EligibilityFacts, first_purchase_only: bool = False
) -> Eligible:
    """Decide whether the facts satisfy the terms of a program in `currency`; the first failing rule is named.

    An order in another currency cannot be compared with a minimum: `currency_differs` asks for a rate, it
    does not say that the order is too small. Conditions that may hold once there is one ask for it as well.
    """
    minimum = terms.minimum_order_minor
    if minimum and facts.order_minor is not None:
        if facts.currency != currency:
            return _refused(
                "currency_differs", f"The order is in {facts.currency}, the minimum is in {currency}."
            )
        if facts.order_minor < minimum:
            order, least = display(facts.order_minor, currency), display(minimum, currency)
            return _refused("below_minimum_order", f"The order of {order} is below the minimum of {least}.")
    if terms.new_customers_only and not facts.new_customer:
        return _refused("not_new_customer", "The customer had bought before the referral.")
    if terms.countries and facts.country is None:
        return _refused("country_unknown", "The customer's country is not known.")
    if terms.countries and facts.country not in terms.countries:
        return _refused("country_not_allowed", f"The program does not run in {facts.country}.")
    if first_purchase_only and facts.earlier_purchases > 0:
        return _refused("not_first_purchase", "Only a customer's first purchase counts.")
    failed = unmet(terms.conditions, facts.others)
    if failed is not None:
        return _refused(failed.reason, unmet_sentence(failed, facts.others, currency))
    return Eligible(True, "eligible", "The order and the customer meet the program's conditions.")


def _refused(reason: EligibilityReason, sentence: str) -> Eligible:
    return Eligible(False, reason, sentence)
