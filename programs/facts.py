"""What a version's terms say beside its rewards, as pairs of label and text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.money import display
from programs.condition_words import condition_words
from programs.destinations import allowed_hosts
from programs.terms import (
    FRAUD_WORDS,
    KIND_WORDS,
    CapScope,
    FraudTerms,
    ProgramTerms,
    cap_sentence,
    diff,
    gift_name,
    headline,
    percent_text,
    reward_sentence,
)

MODELS: Final = {
    "first_click": "First click",
    "last_click": "Last click",
    "linear": "Linear: all touches alike",
    "time_decay": "Time decay: later touches more",
    "position_based": "Position based: first, middle, last",
    "custom": "Custom weights",
}
SOURCES: Final = {
    "manual": "manual",
    "code": "promo code",
    "token": "referral token",
    "click": "click",
    "email": "verified e-mail",
}


_NAMES: Final = {"rewards": "reward", "caps": "cap"}


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """One difference between two versions in words; a dash stands for nothing."""

    label: str
    before: str
    after: str


def facts(terms: ProgramTerms) -> tuple[tuple[str, str], ...]:
    """Return what holds for every reward of the program."""
    attribution, eligibility = terms.attribution, terms.eligibility
    months = attribution.lifetime_months
    minimum = eligibility.minimum_order_minor
    return (
        ("Headline", headline(terms) or "–"),
        ("Links lead to", terms.destination_url or "nowhere yet"),
        ("Allowed hosts", ", ".join(sorted(allowed_hosts(terms))) or "–"),
        ("Credit goes by", MODELS[attribution.model]),
        ("Clicks count for", hours_text(attribution.click_window_hours)),
        ("Clicks count for a sign-up for", _hours(attribution.signup_window_hours, "the same time")),
        ("Codes count for", hours_text(attribution.code_window_hours)),
        ("First purchase after the sign-up", _hours(attribution.conversion_window_hours, "any time")),
        ("Strongest source first", ", ".join(SOURCES[source] for source in attribution.precedence)),
        (
            "A friend stays with",
            "the first referrer" if attribution.first_bind_wins else "the latest referrer",
        ),
        ("A referral earns for", "ever" if months is None else f"{months} month{'' if months == 1 else 's'}"),
        ("Rewards are held for", _days(terms.hold_days)),
        ("Approval", "by a person" if terms.approval == "manual" else "by itself after the hold"),
        *_approval(terms),
        ("Orders count from", _least(minimum, terms.currency)),
        ("Customers", "new ones only" if eligibility.new_customers_only else "new and known"),
        ("Countries", ", ".join(eligibility.countries) or "all"),
        *_conditions(terms),
        ("Paid out from", _least(terms.payout_minimum_minor, terms.currency)),
        *_payment(terms),
        *(("Cap", sentence) for sentence in cap_sentences(terms)),
        *_checks(terms.fraud),
    )


def cap_sentences(terms: ProgramTerms, scope: CapScope | None = None) -> list[str]:
    """Say what each cap limits, or those of one scope; covered rewards by their gift or their key."""
    gifts = {rule.key: gift_name(rule) or rule.key for rule in terms.rewards}
    return [
        cap_sentence(cap, terms.currency, [gifts.get(key, key) for key in cap.rules])
        for cap in terms.caps
        if scope in (None, cap.scope)
    ]


def _conditions(terms: ProgramTerms) -> Iterator[tuple[str, str]]:
    """Say what must hold besides, where anything does."""
    if terms.eligibility.conditions is not None:
        yield "Only if", condition_words(terms.eligibility.conditions, terms.currency)


def _approval(terms: ProgramTerms) -> Iterator[tuple[str, str]]:
    """Say what a person approves though the program approves by itself."""
    if terms.approval == "manual":
        return
    if terms.approval_above_minor is not None:
        yield "A person approves above", display(terms.approval_above_minor, terms.currency)
    if terms.approval_score is not None:
        yield "A person approves from a fraud score of", str(terms.approval_score)
    if terms.approval_kinds:
        yield "A person approves", ", ".join(KIND_WORDS[kind] for kind in terms.approval_kinds)


def _payment(terms: ProgramTerms) -> Iterator[tuple[str, str]]:
    """Say what holds for payouts, points, rewards that expire and margins, where anything does."""
    if terms.tax_details_required:
        yield "Paid out", "once the person has given their tax details"
    if terms.redemption_minimum:
        yield "Points are redeemed from", str(terms.redemption_minimum)
    if any(rule.expiry_days is not None for rule in terms.rewards):
        days = terms.expiry_warning_days
        yield "Warning before a reward expires", _days(days) if days else "none"
    if any(rule.base == "margin" for rule in terms.rewards):
        margin = terms.assumed_margin_bps
        yield "Margin of orders without a cost", "unknown" if margin is None else percent_text(margin)


def _checks(fraud: FraudTerms) -> tuple[tuple[str, str], ...]:
    """Return what holds for suspicious referrals; rules only where some do not count."""
    rows = [("Doubts hold a reward from", f"{fraud.hold_at}, and one finding of {fraud.deny_at} refuses it")]
    for label, rules in (("Fraud rules on trial", fraud.shadow), ("Fraud rules turned off", fraud.off)):
        if rules:
            rows.append((label, ", ".join(FRAUD_WORDS[rule][0].lower() for rule in rules)))
    if fraud.verify_email:
        rows.append(("Friends confirm their e-mail", "before a reward is released"))
    if fraud.validation_url:
        rows.append(("Asked before approval", fraud.validation_url))
    if fraud.validate_orders:
        rows.append(("Orders", "confirmed by the shop"))
    return tuple(rows)


def changes(old: ProgramTerms, new: ProgramTerms) -> list[ChangeShown]:
    """Say what differs; a reward that came, went or promises something else is shown as its sentence."""
    before, after = _sentences(old), _sentences(new)
    shown: list[ChangeShown] = []
    for change in diff(old, new):
        group, _, path = change.param.partition(".")
        name = (_NAMES.get(group, ""), path.partition(".")[0])
        if change.param == "eligibility.conditions":
            row = ChangeShown("only if", _only_if(old), _only_if(new))
        elif before.get(name) != after.get(name):
            row = ChangeShown(" ".join(name), before.get(name, "–"), after.get(name, "–"))
        else:
            row = ChangeShown(
                _label(change.param),
                _value(change.param, change.before, old.currency),
                _value(change.param, change.after, new.currency),
            )
        # Several fields of a reward may differ; its sentence says them all.
        if row not in shown:
            shown.append(row)
    return shown


def _only_if(terms: ProgramTerms) -> str:
    return dict(_conditions(terms)).get("Only if", "–")


def _least(minor: int, currency: str) -> str:
    return display(minor, currency) if minor else "any amount"


def hours_text(hours: int) -> str:
    """Write a number of hours as days where they are whole ones: "90 days", "36 hours"."""
    if hours % 24:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return _days(hours // 24)


def _hours(hours: int | None, otherwise: str) -> str:
    return otherwise if hours is None else hours_text(hours)


def _days(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"


def _sentences(terms: ProgramTerms) -> dict[tuple[str, str], str]:
    minimum = terms.eligibility.minimum_order_minor
    rewards = {("reward", rule.key): reward_sentence(rule, terms.currency, minimum) for rule in terms.rewards}
    return rewards | {("cap", cap.key): cap_sentence(cap, terms.currency, cap.rules) for cap in terms.caps}


def _label(param: str) -> str:
    return param.removesuffix("_minor").removesuffix("_bps").replace(".", " › ").replace("_", " ")


def _value(param: str, value: object, currency: str) -> str:
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, int) and param.endswith("_minor"):
        return display(value, currency)
    if isinstance(value, int) and param.endswith("_bps"):
        return percent_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(entry, str | int) for entry in value):
        return ", ".join(str(entry) for entry in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
