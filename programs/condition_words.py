"""Conditions in plain words: what they ask for, and which one was not met. Pure.

What is known of a person beyond the country stands in no sentence: sentences are kept for as long as rewards
are, and a person's attributes go when the person is erased.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from core.money import display
from programs.condition_facts import KINDS_OF_SOURCE, Fact, Value, fact_of
from programs.conditions import Condition, Facts, Group, Unmet, truth

_LONGEST: Final = 500


def condition_words(node: Condition | Group, currency: str) -> str:
    """Say what a condition or a group asks for, as it stands after "if"."""
    if isinstance(node, Condition):
        return _asked(node, currency)
    parts = [
        f"({words})" if isinstance(each, Group) and len(each.of) > 1 else words
        for each in node.of
        for words in [condition_words(each, currency)]
    ]
    if node.joint == "none":
        return f"not {_in_brackets(parts)}" if len(parts) == 1 else f"none of these holds: {'; '.join(parts)}"
    return f" {'and' if node.joint == 'all' else 'or'} ".join(parts)


def unmet_sentence(unmet: Unmet, facts: Facts, currency: str, *, who: str = "the program") -> str:
    """Say which condition was not met, and by what; `who` asks for it: "this rule", "the program"."""
    sentence = _reason(unmet.failed, facts, currency, who)
    if unmet.reason == "currency_differs":
        sentence = f"There is no exchange rate yet. {sentence}"
    return sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST - 1]}…"


def _reason(failed: Condition | Group, facts: Facts, currency: str, who: str) -> str:
    if isinstance(failed, Group):
        words = "; ".join(condition_words(each, currency) for each in failed.of)
        if failed.joint == "any":
            return f"{_capital(who)} wants one of these, and none holds: {words}."
        met = next((each for each in failed.of if truth(each, facts)), None)
        if met is None:
            return f"{_capital(who)} excludes this, and it is not known: {words}."
        return f"{_capital(condition_words(met, currency))}; {who} excludes that."
    fact = _fact(failed)
    known = facts.known.get(failed.fact)
    if fact.type == "flag":
        return _of_flag(failed, known, who)
    wanted = _wanted(failed, fact, currency)
    if known is None or truth(failed, facts) is None:
        return f"{_capital(fact.words)} {_is(fact)} not known; {who} wants {wanted}."
    if fact.is_attribute:
        return f"{_capital(fact.words)} is not what {who} wants: {wanted}."
    if isinstance(known, tuple):
        listed = ", ".join(map(str, known)) or "none"
        return f"{_capital(fact.words)}: {listed}; {who} wants {wanted}."
    return f"{_capital(fact.words)} is {_shown(known, fact, currency)}; {who} wants {wanted}."


def _of_flag(failed: Condition, known: Value | None, who: str) -> str:
    wanted = "new customers" if failed.value else "customers who had bought before"
    if known is None:
        return f"It is not known whether the customer is new; {who} wants {wanted}."
    found = "is new" if known else "had bought before the referral"
    return f"The customer {found}; {who} wants {wanted}."


def _asked(leaf: Condition, currency: str) -> str:
    fact = _fact(leaf)
    if fact.type == "flag":
        return fact.words if leaf.value else "the customer had bought before the referral"
    wanted = _wanted(leaf, fact, currency)
    if leaf.op == "contains":
        return f"{fact.words} contains “{leaf.value}”"
    if leaf.op in ("has_any", "has_none"):
        return f"{fact.words} have {wanted}"
    if leaf.op in ("is_known", "is_unknown"):
        return f"{fact.words} {_is(fact)} {'known' if leaf.op == 'is_known' else 'not known'}"
    return f"{fact.words} {_is(fact)} {wanted}"


def _wanted(leaf: Condition, fact: Fact, currency: str) -> str:
    """Say what is asked for, as it stands after "wants"."""
    many = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    values = [_shown(each, fact, currency) for each in many if each is not None]
    op = leaf.op
    if op in ("is_known", "is_unknown"):
        return "it to be known" if op == "is_known" else "it not to be known"
    if op in ("at_least", "at_most"):
        words = {"at_least": "at least", "at_most": "at most"}
        if fact.type == "date":
            words = {"at_least": "on or after", "at_most": "on or before"}
        return f"{words[op]} {values[0]}"
    if op == "between":
        return f"from {values[0]} to {values[1]}"
    if op == "contains":
        return f"one with “{values[0]}” in it"
    either = _either(values)
    if op == "has_any":
        return f"any of {either}" if len(values) > 1 else either
    if op == "has_none":
        return f"none of {either}" if len(values) > 1 else f"no {either}"
    return f"anything but {either}" if op == "is_not" else either


def _shown(value: Value, fact: Fact, currency: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return display(value, currency) if fact.type == "money" else str(value)
    if fact.type == "date":
        day = date.fromisoformat(str(value))
        return f"{day.day} {day:%B %Y}"
    if fact.type == "kind":
        return KINDS_OF_SOURCE.get(str(value), str(value))
    return str(value)


def _fact(leaf: Condition) -> Fact:
    return fact_of(leaf.fact) or Fact(leaf.fact, "text", leaf.fact)


def _is(fact: Fact) -> str:
    return "are" if fact.type == "list" else "is"


def _either(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _in_brackets(parts: Sequence[str]) -> str:
    return parts[0] if parts[0].startswith("(") else f"({parts[0]})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
