"""Who can be paid by a batch, how much, and why somebody is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PAYS: Final[Mapping[str, str]] = {
    "csv": "bank",
    "pain001": "bank",
    "paypal": "paypal",
    "stripe": "stripe",
    "tremendous": "gift_card",
}
"""A batch's method -> the kind of payout account it pays."""

PROVIDERS: Final = frozenset({"paypal", "stripe", "tremendous"})
"""The methods by which a provider sends the money; of the others a person takes a file to the bank."""

METHOD_WORDS: Final[Mapping[str, str]] = {
    "bank": "a bank account",
    "paypal": "PayPal",
    "stripe": "Stripe",
    "gift_card": "gift cards",
}

REASONS: Final[Mapping[str, str]] = {
    "negative_balance": "Owes money from refunds; later rewards are netted with it.",
    "after_cutoff": "Was approved after the cutoff and waits for the next batch.",
    "below_minimum": "Below the program's payout minimum.",
    "suspended": "Suspended in every program.",
    "no_destination": "No payout account is known.",
    "account_refused": "The payout account cannot be used.",
    "other_method": "Is paid by another method.",
    "no_iban": "The bank account has no IBAN, which this file needs.",
    "tax_details": "Tax details are missing or refused.",
}
"""Why somebody is left out, by code, in the order in which they are looked for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one person: amounts in one currency's minor unit.

    `late_minor` is the part of the balance that was approved after the cutoff. `enrolled` and `active` count
    the programs they take part in, and those where they are not suspended. `pays_to` is the kind of their
    payout account, empty for none; `account_refused` and `tax_refused` say why one may not be used and what
    the tax office still wants, or are empty.
    """

    balance_minor: int
    late_minor: int = 0
    minimum_minor: int = 0
    enrolled: int = 0
    active: int = 0
    pays_to: str = ""
    has_iban: bool = True
    account_refused: str = ""
    tax_refused: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How much a person could be paid, and why not: `code` of `REASONS` and a sentence, both empty if so."""

    amount_minor: int
    code: str = ""
    sentence: str = ""


def judge(person: Standing, *, method: str) -> Verdict:
    """Say whether a batch of this method pays a person; an empty method asks whether any would.

    What was approved after the cutoff waits, but a debt always counts: the amount is the balance less the
    late part, and never more than the balance.
    """
    amount = min(person.balance_minor, person.balance_minor - max(person.late_minor, 0))
    code = _reason(person, amount, method)
    return Verdict(amount, code, _sentence(person, code) if code else "")


def _reason(person: Standing, amount: int, method: str) -> str:
    if person.balance_minor < 0:
        return "negative_balance"
    if amount <= 0:
        return "after_cutoff"
    if amount < person.minimum_minor:
        return "below_minimum"
    if person.enrolled and not person.active:
        return "suspended"
    if not person.pays_to:
        return "no_destination"
    if person.account_refused:
        return "account_refused"
    if method and PAYS[method] != person.pays_to:
        return "other_method"
    if method == "pain001" and not person.has_iban:
        return "no_iban"
    return "tax_details" if person.tax_refused else ""


def _sentence(person: Standing, code: str) -> str:
    if code == "account_refused":
        return person.account_refused
    if code == "tax_details":
        return person.tax_refused
    if code == "other_method":
        return f"Is paid by {METHOD_WORDS[person.pays_to]}."
    return REASONS[code]
