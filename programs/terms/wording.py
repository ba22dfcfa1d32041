"""Terms in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from core.money import CURRENCIES, display
from programs.condition_words import condition_words
from programs.terms.caps import CapPeriod, CapTerms
from programs.terms.promises import (
    UNORDERED_EVENTS,
    Amount,
    FixedAmount,
    ItemTerms,
    MilestoneBasis,
    MilestoneTerms,
    PercentageAmount,
    ProgramTerms,
    RewardKind,
    RewardRule,
    RewardSide,
)

KIND_WORDS: Final[Mapping[RewardKind, str]] = {
    "cash": "cash",
    "credit": "store credit",
    "discount": "a discount",
    "product": "a product",
    "points": "points",
    "gift_card": "a gift card",
    "custom": "a reward of your own",
}
"""A kind of reward in words."""

_ENDINGS: Final[Mapping[int, str]] = {1: "st", 2: "nd", 3: "rd"}
_PERIOD_WORDS: Final[Mapping[CapPeriod, str]] = {
    "lifetime": "in all",
    "year": "a year",
    "month": "a month",
    "week": "a week",
    "day": "a day",
}


def summary(terms: ProgramTerms) -> tuple[str, ...]:
    """Say what each reward rule promises, one sentence for each, in the order of the rules."""
    return tuple(
        reward_sentence(rule, terms.currency, terms.eligibility.minimum_order_minor) for rule in terms.rewards
    )


def promises(terms: ProgramTerms, side: RewardSide, subject: str) -> tuple[str, ...]:
    """Return the sentences of one side's rewards, each beginning with `subject`, like "You get"."""
    minimum = terms.eligibility.minimum_order_minor
    return tuple(
        subject + reward_sentence(rule, terms.currency, minimum).removeprefix(f"The {side} gets")
        for rule in terms.rewards
        if rule.side == side
    )


def reward_sentence(rule: RewardRule, currency: str, minimum_order_minor: int = 0) -> str:
    """Say what one rule promises; `minimum_order_minor` is the program's own minimum."""
    parts = [f"The {rule.side} gets {_gift(rule, currency)}"]
    parts += _tier_parts(rule, currency)
    if rule.duration_months is not None:
        parts.append(f"for {_counted(rule.duration_months, 'month')}")
    if rule.max_minor is not None:
        parts.append(f"at most {display(rule.max_minor, rule.unit(currency))} each time")
    minimum = max(rule.minimum_order_minor, minimum_order_minor)
    if minimum and rule.event not in UNORDERED_EVENTS:
        parts.append(f"for orders from {display(minimum, currency)}")
    if rule.items is not None:
        parts.append(_items(rule.items))
    if rule.new_customers_only:
        parts.append("for new customers only")
    if rule.conditions is not None:
        parts.append(f"if {condition_words(rule.conditions, currency)}")
    if rule.group is not None:
        parts.append(f"unless another reward of “{rule.group}” gives more")
    if rule.expiry_days is not None:
        parts.append(f"to be used within {_counted(rule.expiry_days, 'day')}")
    return ", ".join(parts) + "."


def cap_sentence(cap: CapTerms, currency: str, rewards: Sequence[str] = ()) -> str:
    """Say what one cap limits; `rewards` are the names of those it covers, none for all."""
    limits = []
    if cap.limit_minor is not None:
        limits.append(display(cap.limit_minor, currency))
    if cap.limit_count is not None:
        limits.append(_counted(cap.limit_count, "reward"))
    who = "One person gets" if cap.scope == "participant" else "All people together get"
    period = _PERIOD_WORDS[cap.period]
    covered = f" from {_listed([f'“{name}”' for name in rewards])}" if rewards else ""
    paused = "; then the program pauses" if cap.pause else ""
    return f"{who} at most {' and '.join(limits)} {period}{covered}{paused}."


def headline(terms: ProgramTerms) -> str:
    """Return the offer in a few words: the text somebody wrote, else "Give €10.00, get 10 %".

    Says nothing of a side that is promised nothing, and nothing at all where nobody is promised anything.
    """
    if terms.offer_text:
        return terms.offer_text
    gets = {side: _short(terms, side) for side in ("referee", "referrer")}
    if gets["referee"] and gets["referrer"]:
        return f"Give {gets['referee']}, get {gets['referrer']}"
    if gets["referrer"]:
        return f"Bring a friend, get {gets['referrer']}"
    return f"Give a friend {gets['referee']}" if gets["referee"] else ""


def amount_text(rule: RewardRule, amount: Amount, currency: str) -> str:
    """Write an amount of a rule in a few words: "10 %", "€5.00", "50 points", "2 points for each €1.00"."""
    if rule.kind == "points" and isinstance(amount, PercentageAmount):
        one = 10 ** CURRENCIES[currency]
        rate = _plain(Decimal(amount.bps * one) / 10_000)
        return f"{rate} point{'' if rate == '1' else 's'} for each {display(one, currency)}"
    return _amount(amount, rule.unit(currency))


def percent_text(bps: int) -> str:
    """Write basis points as a percentage without needless zeros: 1250 is "12.5 %"."""
    return f"{_plain(Decimal(bps) / 100)} %"


def times_text(bps: int) -> str:
    """Write basis points as a factor without needless zeros: 15000 is "1.5"."""
    return _plain(Decimal(bps) / 10_000)


def progress_text(basis: MilestoneBasis, count: int, currency: str) -> str:
    """Write a referrer's progress: "5 friends", "€100.00 of revenue", "3 months in a row"."""
    if basis == "revenue":
        return f"{display(count, currency)} of revenue"
    return _counted(count, "friend") if basis == "friends" else f"{_counted(count, 'month')} in a row"


def gift_name(rule: RewardRule) -> str:
    """Return the name of what a product or custom reward gives; empty for the other kinds."""
    if rule.kind == "product" and rule.product is not None:
        return rule.product.name
    return rule.custom.name if rule.kind == "custom" and rule.custom is not None else ""


def _gift(rule: RewardRule, currency: str) -> str:
    occasion = _occasion(rule, currency)
    worth = _worth(rule, currency)
    if rule.kind == "product" and rule.product is not None:
        return f"the product “{rule.product.name}” ({rule.product.sku}){worth} for {occasion}"
    if rule.kind == "custom" and rule.custom is not None:
        return f"“{rule.custom.name}”{worth} for {occasion}"
    if rule.kind == "discount" and rule.discount is not None:
        return f"a discount of {_amount(rule.discount, currency)}{worth} for {occasion}"
    link = "for"
    if isinstance(rule.amount, PercentageAmount):
        link = "of the margin of" if rule.base == "margin" else "of"
    if rule.kind == "points":
        return f"{amount_text(rule, rule.amount or FixedAmount(0), currency)} {link} {occasion}"
    return f"{_amount(rule.amount, currency)} {link} {occasion} as {KIND_WORDS[rule.kind]}"


def _tier_parts(rule: RewardRule, currency: str) -> list[str]:
    parts = [
        f"{amount_text(rule, tier.amount, currency)} "
        f"from {progress_text(rule.tier_basis, tier.at_least, currency)} on"
        for tier in rule.tiers
    ]
    if rule.tiers and rule.tier_period != "lifetime":
        parts.append(f"counted anew each {rule.tier_period}")
    if rule.tiers and rule.tier_mode == "retroactive":
        parts.append("and then for everything before as well")
    return parts


def _short(terms: ProgramTerms, side: RewardSide) -> str:
    rule = next((rule for rule in terms.rewards if rule.side == side), None)
    if rule is None:
        return ""
    if name := gift_name(rule):
        return name
    amount = rule.discount if rule.kind == "discount" else rule.amount
    if amount is None:
        return ""
    return amount_text(rule, amount, terms.currency) + (" off" if rule.kind == "discount" else "")


def _occasion(rule: RewardRule, currency: str) -> str:
    if rule.event == "signup":
        return "the sign-up"
    if rule.event == "milestone":
        return _milestone(rule.milestone, currency) if rule.milestone else "a milestone"
    name = f"“{rule.event_name}” event" if rule.event == "custom" else rule.event
    if rule.nth is not None:
        return f"the {_ordinal(rule.nth)} {name}"
    return f"the first {name}" if rule.first_only else f"each {name}"


def _milestone(milestone: MilestoneTerms, currency: str) -> str:
    reached = progress_text(milestone.basis, milestone.at_least, currency)
    return f"every {reached}" if milestone.repeat else reached


def _items(items: ItemTerms) -> str:
    named = []
    if items.skus:
        named.append(f"{'product' if len(items.skus) == 1 else 'products'} {_listed(items.skus)}")
    if items.categories:
        word = "category" if len(items.categories) == 1 else "categories"
        named.append(f"{word} {_listed(items.categories)}")
    both = " and ".join(named)
    return f"for everything but {both}" if items.excluded else f"for {both} only"


def _worth(rule: RewardRule, currency: str) -> str:
    return f" worth {_amount(rule.amount, currency)}" if rule.amount is not None else ""


def _amount(amount: Amount | None, unit: str) -> str:
    if isinstance(amount, PercentageAmount):
        return percent_text(amount.bps)
    return display(amount.minor if amount is not None else 0, unit)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _ordinal(number: int) -> str:
    last = 0 if 10 < number % 100 < 20 else number % 10
    return f"{number}{_ENDINGS.get(last, 'th')}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
