"""Terms in plain sentences."""

from __future__ import annotations

from decimal import Decimal

from core.money import CURRENCIES, display
from programs.terms.promises import (
    Amount,
    FixedAmount,
    PercentageAmount,
    ProgramTerms,
    RewardRule,
    RewardSide,
)

_KIND_WORDS = {"cash": "cash", "credit": "store credit"}


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
    parts += [
        f"{amount_text(rule, tier.amount, currency)} from {tier.from_friends} friends on"
        for tier in rule.tiers
    ]
    if rule.duration_months is not None:
        parts.append(f"for {rule.duration_months} month{'' if rule.duration_months == 1 else 's'}")
    if rule.max_minor is not None:
        parts.append(f"at most {display(rule.max_minor, rule.unit(currency))} each time")
    minimum = max(rule.minimum_order_minor, minimum_order_minor)
    if minimum and rule.event != "signup":
        parts.append(f"for orders from {display(minimum, currency)}")
    return ", ".join(parts) + "."


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


def _gift(rule: RewardRule, currency: str) -> str:
    occasion = _occasion(rule)
    if rule.kind == "product" and rule.product is not None:
        return (
            f"the product “{rule.product.name}” ({rule.product.sku}){_worth(rule, currency)} for {occasion}"
        )
    if rule.kind == "discount" and rule.discount is not None:
        return f"a discount of {_amount(rule.discount, currency)}{_worth(rule, currency)} for {occasion}"
    if rule.kind == "points":
        link = "of" if isinstance(rule.amount, PercentageAmount) else "for"
        return f"{amount_text(rule, rule.amount or FixedAmount(0), currency)} {link} {occasion}"
    link = "of" if isinstance(rule.amount, PercentageAmount) else "for"
    return f"{_amount(rule.amount, currency)} {link} {occasion} as {_KIND_WORDS[rule.kind]}"


def _short(terms: ProgramTerms, side: RewardSide) -> str:
    rule = next((rule for rule in terms.rewards if rule.side == side), None)
    if rule is None:
        return ""
    if rule.kind == "product" and rule.product is not None:
        return rule.product.name
    amount = rule.discount if rule.kind == "discount" else rule.amount
    if amount is None:
        return ""
    return amount_text(rule, amount, terms.currency) + (" off" if rule.kind == "discount" else "")


def _occasion(rule: RewardRule) -> str:
    if rule.event == "signup":
        return "the sign-up"
    name = "purchase" if rule.event == "purchase" else f"“{rule.event_name}” event"
    return f"the first {name}" if rule.first_only else f"each {name}"


def _worth(rule: RewardRule, currency: str) -> str:
    return f" worth {_amount(rule.amount, currency)}" if rule.amount is not None else ""


def _amount(amount: Amount | None, unit: str) -> str:
    if isinstance(amount, PercentageAmount):
        return percent_text(amount.bps)
    return display(amount.minor if amount is not None else 0, unit)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
