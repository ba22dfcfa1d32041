"""The field of a tree of conditions: its JSON document in a hidden input, which a builder on the page edits.

Without scripts the page says the conditions in words, and the form posts them back as they are.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

from django import forms

from core.money import CURRENCIES
from programs.condition_facts import FACTS, KINDS_OF_SOURCE, OPERATOR_WORDS, OPERATORS
from programs.condition_words import condition_words
from programs.terms import read_conditions
from programs.terms.reader import FieldError, Reader

LONGEST: Final = 60_000
_WHOSE: Final = {"customer": "Customer", "order": "Order", "source": "Source", "referrer": "Referrer"}


class Conditions(forms.CharField):
    """A tree of conditions as its JSON document, None for none; the terms' reader finds its faults."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.HiddenInput, **kwargs)

    def to_python(self, value: Any) -> dict[str, Any] | None:  # type: ignore[override]
        text = (super().to_python(value) or "").strip()
        if not text:
            return None
        try:
            found = json.loads(text) if len(text) <= LONGEST else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise forms.ValidationError("These conditions cannot be read.")
        return found

    def run_validators(self, value: Any) -> None:
        """Leave it to the reader of the document; those of a text look at something else."""

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def words_of(text: Any, currency: str) -> str:
    """Say a posted or stored tree in words; nothing for none and for what cannot be read."""
    try:
        document = json.loads(text) if isinstance(text, str) and text else text
    except (ValueError, RecursionError):
        return ""
    errors: list[FieldError] = []
    if not isinstance(document, dict) or currency not in CURRENCIES:
        return ""
    tree = read_conditions(Reader(document, errors))
    return "" if errors or tree is None else condition_words(tree, currency)


def fault_words(path: str, message: str) -> str:
    """Say which condition a fault is about: the path `all.1.any.0.value` is of condition 2.1."""
    numbers = [str(int(part) + 1) for part in path.split(".") if part.isascii() and part.isdigit()]
    return f"Condition {'.'.join(numbers[:3])}: {message}" if numbers else message


def builder_facts(currency: str, known: Collection[str] | None = None) -> str:
    """Return, as JSON, what the builder offers: facts with their type and words, operators, kinds, decimals.

    `known` narrows the facts; attributes are offered of whom the other facts are about.
    """
    facts = [fact for fact in FACTS.values() if known is None or fact.name in known]
    owners = [name for name in ("customer", "referrer") if any(f.name.startswith(f"{name}.") for f in facts)]
    offered = [
        {
            "name": fact.name,
            "type": fact.type,
            "words": fact.words[:1].upper() + fact.words[1:],
            "group": _WHOSE[fact.name.partition(".")[0]],
        }
        for fact in facts
    ]
    offered += [
        {
            "name": f"{owner}.attributes.",
            "type": "attribute",
            "words": f"An attribute of the {owner}",
            "group": _WHOSE[owner],
        }
        for owner in owners
    ]
    return json.dumps(
        {
            "facts": offered,
            "operators": {
                kind: [[op, OPERATOR_WORDS[op]] for op in allowed] for kind, allowed in OPERATORS.items()
            },
            "kinds": list(KINDS_OF_SOURCE.items()),
            "currency": currency,
            "decimals": CURRENCIES.get(currency, 2),
        },
        ensure_ascii=False,
    )
