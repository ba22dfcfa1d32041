"""What the pages on fraud cases say: rules, evidence and shared identifiers in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from programs.terms import FRAUD_WORDS
from tracking.fraud import Judgement, Outcome, participant_sentence

REASON_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "self_referral": ("Own purchase", "The participant and the friend are the same person."),
    **{
        str(rule): words
        for rule, words in FRAUD_WORDS.items()
        if rule not in ("same_customer", "same_mailbox")
    },
}
"""Why a case was opened, in words: a name and a sentence."""

EVIDENCE_WORDS: Final[Mapping[str, str]] = {
    "addresses": "Shared addresses",
    "agent": "Visits came from",
    "click": "Country of the click",
    "conversion": "Other conversion",
    "conversions": "Conversions within an hour",
    "customer": "Country of the customer",
    "customers": "Customers",
    "devices": "Shared devices or browsers",
    "entries": "Matching entries",
    "friends": "Other friends",
    "host": "Site",
    "kinds": "Kinds of entries",
    "limit": "Most that is no finding",
    "limit_percent": "Limit",
    "limit_seconds": "Least that is no finding",
    "pattern": "Entry",
    "patterns": "Entries",
    "payments": "Shared cards or accounts",
    "purchases": "Purchases",
    "referee": "Friend",
    "referral": "Earlier referral",
    "referrer": "Participant",
    "refunded": "Refunded",
    "seconds": "Time after the click",
    "used_by_many": "Used by many customers",
}
"""What the names of a signal's evidence mean."""

SHARED_WORDS: Final[Mapping[str, str]] = {
    "mailbox": "the same mailbox",
    "device": "the same device",
    "browser": "the same browser",
    "payment": "the same card or account",
    "postal": "the same postal address",
    "address": "the same network address",
}
"""What two customers have in common, the strongest first."""

_OUTCOMES: Final[Mapping[str, Outcome]] = {"open": "hold", "approved": "allow", "rejected": "deny"}
_UNITS: Final[Mapping[str, str]] = {"seconds": " s", "limit_seconds": " s", "limit_percent": " %"}
_VALUES: Final[Mapping[str, str]] = {"data_centre": "a data centre", "robot": "a robot"}
_PUBLIC_ID: Final = re.compile(r"\b((?:prt|cus|cnv|rfl)_[0-9a-z]+)\b")


def rule_words(rule: str) -> str:
    """Return what a rule, or the reason of a case, is called."""
    if rule in REASON_WORDS:
        return REASON_WORDS[rule][0]
    known = {str(name): words[0] for name, words in FRAUD_WORDS.items()}
    return known.get(rule) or rule.replace("_", " ").capitalize()


def reason_sentence(reason: str) -> str:
    """Return a sentence about the reason of a case of which no finding is on record."""
    return REASON_WORDS[reason][1] if reason in REASON_WORDS else f"{rule_words(reason)}."


def read_by_participant(status: str, reason: str) -> str:
    """Return what the participant reads about a case of this status."""
    outcome = _OUTCOMES[status]
    return participant_sentence(Judgement(outcome, 0, (), reason, outcome))


def evidence_words(name: str, value: str) -> tuple[str, str]:
    """Return a piece of evidence as a label and a text, in which public ids stand as they are."""
    label = EVIDENCE_WORDS.get(name) or name.replace("_", " ").capitalize()
    return label, f"{_VALUES.get(value, value)}{_UNITS.get(name, '')}"


def parts_by_id(text: str) -> list[tuple[str, bool]]:
    """Split a text at its public ids; each part with whether it is one."""
    parts = _PUBLIC_ID.split(text)
    return [(part, place % 2 == 1) for place, part in enumerate(parts) if part]
