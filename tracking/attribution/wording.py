"""The sentences of a decision: plain English with public ids and UTC dates, never names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache

from tracking.attribution.facts import (
    AttributionRule,
    ConversionKind,
    Credit,
    Model,
    Touch,
    TouchKind,
    window_of,
)

KIND_WORDS: Mapping[TouchKind, str] = {
    "click": "click",
    "code": "code",
    "manual": "manual assignment",
    "token": "portal token",
    "email": "verified e-mail match",
}
MODEL_WORDS: Mapping[Model, str] = {
    "first_click": "first click",
    "last_click": "last click",
    "linear": "linear attribution",
    "time_decay": "time decay",
    "position_based": "position-based attribution",
    "custom": "custom weights",
}

_PHRASES: Mapping[str, str] = {
    "after_conversion": "came after the conversion",
    "kind_not_accepted": "is of a kind this program does not accept",
    "bound_to_other": "does not count: an earlier conversion bound this customer to another referrer",
    "not_first_click": "was not the first click",
    "not_last_click": "was not the last click",
    "zero_weight": "has no weight in this program's attribution",
    "bot": "came from a bot",
    "duplicate": "repeated an earlier touch of the same visitor",
    "own_link": "used the customer's own link or code",
    "program_paused": "came while the program was paused",
    "program_ended": "came after the program had ended",
    "program_not_live": "came before the program had been published",
    "self_referral": "is the customer's own: nobody refers themselves",
    "ineligible_segment": "is of somebody whom the program is not for",
    "preview": "was a preview of the link, made by a chat or a mail program",
    "prefetch": "was loaded ahead by a browser and not opened",
    "head": "was a machine asking whether the link is there",
    "flood": "came in a flood of requests",
    "datacentre": "came from a server, not from a person's browser",
    "no_user_agent": "came without the name of a browser",
    "block_list": "matches an entry of the block list",
    "participant_inactive": "belongs to a participant who was not active then",
    "ineligible": "did not meet the program's conditions",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a touch earned nothing: a reason code, and what follows the touch's name in a sentence."""

    reason: str
    phrase: str


@lru_cache(maxsize=256)
def loss(reason: str) -> Loss:
    """Put a reason code into words; an unknown code is read out."""
    return Loss(reason, _PHRASES.get(reason, f"was set aside: {reason.replace('_', ' ')}"))


def too_old(
    kind: TouchKind, age: timedelta, window: timedelta, event: ConversionKind, rule: AttributionRule
) -> Loss:
    """Say that a touch fell out of its window."""
    reason = "outside_code_window"
    if kind in ("click", "email"):
        own = event == "signup" and rule.signup_window is not None
        reason = "outside_signup_window" if own else "outside_click_window"
    return Loss(reason, f"is older than the {_adjective(window)} window: it came {_before(age)}")


@cache
def outranked(winning: TouchKind) -> Loss:
    """Say that a touch of another kind ranks higher."""
    return Loss(
        "lower_precedence", f"gave way to a {KIND_WORDS[winning]}, which ranks higher in this program"
    )


@cache
def overtaken(kind: TouchKind) -> Loss:
    """Say that a later claim of the same kind took everything."""
    return Loss("lower_precedence", f"gave way to a later {KIND_WORDS[kind]}")


def rejection(touch: Touch, lost: Loss) -> str:
    """Write the sentence of one rejected touch."""
    return f"The {_named(touch)} {lost.phrase}."


def headline(
    credits: Sequence[Credit],
    touches: Sequence[Touch],
    how: str,
    conversion_at: datetime,
    rule: AttributionRule,
    event: ConversionKind,
) -> str:
    """Write the sentence of a decision that credits somebody by `touches`."""
    if len(credits) > 1:
        return f"Shared by {how}: {_shares(credits)}."
    who = f"Credited to {credits[0].participant} by {how}"
    if len(touches) > 1:
        return f"{who}: all {len(touches)} touches that count are theirs."
    window = window_of(touches[0].kind, rule, event)
    inside = "" if window is None else f", inside the {_adjective(window)} window"
    age = conversion_at - touches[0].occurred_at
    return f"{who}: the {_named(touches[0])} came {_before(age)}{inside}."


def bound_headline(credits: Sequence[Credit]) -> str:
    """Write the sentence of a decision that follows a bond."""
    if len(credits) > 1:
        return f"Shared as an earlier conversion of this customer was: {_shares(credits)}."
    return f"Credited to {credits[0].participant}: an earlier conversion bound this customer to them."


def _shares(credits: Sequence[Credit]) -> str:
    return ", ".join(f"{credit.participant} {_percent(credit.weight_ppm)}" for credit in credits)


def _named(touch: Touch) -> str:
    day = touch.occurred_at
    return f"{KIND_WORDS[touch.kind]} of {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _percent(ppm: int) -> str:
    hundredths = (ppm + 50) // 100
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def _before(age: timedelta) -> str:
    """Say an age in its two largest units that are not zero."""
    hours, left = divmod(age.seconds, 3_600)
    minutes, seconds = divmod(left, 60)
    parts = []
    for number, unit in ((age.days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second")):
        if number:
            parts.append(f"{number} {unit}" if number == 1 else f"{number} {unit}s")
            if len(parts) == 2:
                break
    if parts:
        return f"{' '.join(parts)} before the conversion"
    return "less than a second before the conversion" if age else "at the moment of the conversion"


@lru_cache(maxsize=256)
def _adjective(window: timedelta) -> str:
    seconds = window // timedelta(seconds=1)
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size}-{unit}"


BOND_WORDS: Mapping[str, str] = {
    "bond_began_later": "An earlier referral is known, but it began after this happened.",
    "lifetime_over": "An earlier referral is known, but the time for which it earns was over.",
    "outside_conversion_window": "An earlier referral is known, but the first purchase came too late for it.",
    "bond_disqualified": "An earlier referral is known, but nobody of it can be credited any more.",
    "newer_touch": "An earlier referral is known; this program lets newer contacts decide before it.",
}
"""Why a bond was not followed, for a page."""
