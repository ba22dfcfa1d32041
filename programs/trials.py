"""Trying conditions out beside the editor: what to type, what was typed, and which conditions hold. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from core.errors import DomainError
from core.money import parse_major
from programs.condition_facts import KINDS_OF_SOURCE, Fact, Value, fact_of
from programs.condition_words import condition_words
from programs.conditions import Facts, Group, truth
from programs.terms import ProgramTerms

PREFIX: Final = "fact:"
"""What the names of the fields begin with."""
_GIVEN: Final = ("order.amount_minor", "referrer.friends")
"""Facts that the example itself tells."""
_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class TrialField:
    """A fact to be typed: its field, what it is called, and what to choose from, nothing for a free text."""

    name: str
    label: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of the program or of a reward, and whether it holds for what was typed."""

    of: str
    words: str
    found: Literal["holds", "does not hold", "not known"]


def trial_fields(terms: ProgramTerms, typed: Mapping[str, Any]) -> list[TrialField]:
    """Return a field for each fact that the terms ask for, with what was typed in it."""
    asked = sorted({name for _, tree in _trees(terms) for name in tree.facts()} - set(_GIVEN))
    found = []
    for name in asked:
        fact = fact_of(name)
        if fact is not None:
            label = fact.words[:1].upper() + fact.words[1:]
            if fact.type == "money":
                label = f"{label} ({terms.currency})"
            elif fact.type == "list":
                label = f"{label} (with commas)"
            text = str(typed.get(PREFIX + name, ""))[:_MOST]
            found.append(TrialField(PREFIX + name, label, text, _choices(fact)))
    return found


def trial_facts(
    terms: ProgramTerms, typed: Mapping[str, Any], *, order_minor: int, friends: int
) -> Facts | None:
    """Return what was typed as facts; what cannot be read is not known. None without conditions."""
    if not _trees(terms):
        return None
    known: dict[str, Value | None] = {"order.amount_minor": order_minor, "referrer.friends": friends - 1}
    for field in trial_fields(terms, typed):
        name = field.name.removeprefix(PREFIX)
        fact = fact_of(name)
        if fact is not None and field.value.strip():
            known[name] = _read(fact, field.value.strip(), terms.currency)
    return Facts(known)


def checks(terms: ProgramTerms, facts: Facts | None) -> list[Check]:
    """Say of each condition at the top of a tree whether it holds."""
    if facts is None:
        return []
    words: dict[bool | None, Literal["holds", "does not hold", "not known"]] = {
        True: "holds",
        False: "does not hold",
        None: "not known",
    }
    found = []
    for of, tree in _trees(terms):
        parts = tree.of if tree.joint == "all" else (tree,)
        found += [
            Check(of, condition_words(part, terms.currency), words[truth(part, facts)]) for part in parts
        ]
    return found


def _trees(terms: ProgramTerms) -> list[tuple[str, Group]]:
    return list(_each_tree(terms))


def _each_tree(terms: ProgramTerms) -> Iterator[tuple[str, Group]]:
    if terms.eligibility.conditions is not None:
        yield "The program", terms.eligibility.conditions
    for number, rule in enumerate(terms.rewards, start=1):
        if rule.conditions is not None:
            yield f"Reward {number}", rule.conditions


def _choices(fact: Fact) -> tuple[tuple[str, str], ...]:
    if fact.type == "flag":
        return (("", "not known"), ("yes", "yes"), ("no", "no"))
    if fact.type == "kind":
        return (("", "not known"), *KINDS_OF_SOURCE.items())
    return ()


def _read(fact: Fact, text: str, currency: str) -> Value | None:
    if fact.type == "money":
        try:
            return parse_major(text, currency)
        except DomainError:
            return None
    if fact.type == "flag":
        return {"yes": True, "no": False}.get(text)
    if fact.type == "list":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if fact.type == "date":
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            return None
    whole = text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 16
    if fact.type == "number":
        return int(text) if whole else None
    if fact.is_attribute:
        return int(text) if whole else {"yes": True, "no": False}.get(text.lower(), text)
    return text.upper() if fact.type == "country" else text
