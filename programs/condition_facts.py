"""What conditions can ask for: the facts, what each is, and what can be asked of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

FactType = Literal["attribute", "text", "country", "kind", "number", "money", "date", "flag", "list"]
Operator = Literal[
    "is",
    "is_not",
    "one_of",
    "at_least",
    "at_most",
    "between",
    "contains",
    "has_any",
    "has_none",
    "is_known",
    "is_unknown",
]
Value = str | int | bool | tuple[str | int, ...]
"""A text, a whole number, a truth value, or several texts or numbers."""

ATTRIBUTES: Final = ("customer.attributes.", "referrer.attributes.")
"""What the facts begin with whose rest is the key of an attribute."""
ATTRIBUTE_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")

_EQUAL: Final[tuple[Operator, ...]] = ("is", "is_not")
_RANGE: Final[tuple[Operator, ...]] = ("at_least", "at_most", "between")
_KNOWN: Final[tuple[Operator, ...]] = ("is_known", "is_unknown")

OPERATORS: Final[Mapping[FactType, tuple[Operator, ...]]] = {
    "attribute": (*_EQUAL, "one_of", "contains", *_RANGE, *_KNOWN),
    "text": (*_EQUAL, "one_of", "contains", *_KNOWN),
    "country": (*_EQUAL, "one_of", *_KNOWN),
    "kind": (*_EQUAL, "one_of", *_KNOWN),
    "number": (*_EQUAL, *_RANGE, *_KNOWN),
    "money": (*_EQUAL, *_RANGE, *_KNOWN),
    "date": (*_EQUAL, *_RANGE, *_KNOWN),
    "flag": ("is",),
    "list": ("has_any", "has_none", *_KNOWN),
}
"""What can be asked of each type of fact."""

OPERATOR_WORDS: Final[Mapping[Operator, str]] = {
    "is": "is",
    "is_not": "is not",
    "one_of": "is one of",
    "at_least": "is at least",
    "at_most": "is at most",
    "between": "is between",
    "contains": "contains",
    "has_any": "has any of",
    "has_none": "has none of",
    "is_known": "is known",
    "is_unknown": "is not known",
}
"""What is asked, as it stands in a list to choose from."""

KINDS_OF_SOURCE: Final[Mapping[str, str]] = {
    "click": "a click on a link",
    "code": "a promo code",
    "token": "a referral token",
    "manual": "an assignment by hand",
    "email": "a verified e-mail address",
}
"""The kinds of contact that `source.kind` tells apart."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that can be asked for; `words` is what it is called within a sentence."""

    name: str
    type: FactType
    words: str

    @property
    def operators(self) -> tuple[Operator, ...]:
        """What can be asked of it."""
        return OPERATORS[self.type]

    @property
    def is_attribute(self) -> bool:
        """Whether it is what the workspace itself keeps of a person."""
        return self.type == "attribute"


FACTS: Final[Mapping[str, Fact]] = {
    fact.name: fact
    for fact in (
        Fact("customer.country", "country", "the customer's country"),
        Fact("customer.is_new", "flag", "the customer is new"),
        Fact("customer.purchases", "number", "the number of earlier purchases"),
        Fact("customer.revenue_minor", "money", "the revenue of earlier purchases"),
        Fact("order.amount_minor", "money", "the order's value"),
        Fact("order.quantity", "number", "the number of pieces in the order"),
        Fact("order.skus", "list", "the order's product numbers"),
        Fact("order.categories", "list", "the order's categories"),
        Fact("order.coupons", "list", "the coupon codes of the order"),
        Fact("source.channel", "text", "the channel of the referral"),
        Fact("source.kind", "kind", "the kind of contact"),
        Fact("source.utm_source", "text", "the link's utm_source"),
        Fact("source.campaign", "text", "the link's campaign"),
        Fact("referrer.country", "country", "the referrer's country"),
        Fact("referrer.enrolled_on", "date", "the day the referrer joined"),
        Fact("referrer.friends", "number", "the number of the referrer's friends who had bought"),
    )
}
"""Every fact but the attributes, by name."""

ORDER_FACTS: Final = frozenset(name for name in FACTS if name.startswith("order.")) - {"order.coupons"}
"""Facts of which nothing is known at a sign-up; a code may be used there too."""

PERSON_FACTS: Final = frozenset(
    name for name in FACTS if name.startswith(("customer.", "referrer.")) and name != "customer.is_new"
)
"""Facts about people, which need no order of theirs."""


def fact_of(name: str) -> Fact | None:
    """Return the fact by this name; None where there is none."""
    for prefix in ATTRIBUTES:
        key = name.removeprefix(prefix)
        if key != name:
            if not ATTRIBUTE_KEY.fullmatch(key):
                return None
            return Fact(name, "attribute", f"the {prefix.partition('.')[0]}'s “{key}”")
    return FACTS.get(name)
