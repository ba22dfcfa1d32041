"""One worked example asked for: what the rewards of these terms would come to for one friend's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.answers import parts_of
from programs.terms import ProgramTerms


@dataclass(frozen=True, slots=True)
class ExampleOrder:
    """A friend's first order of `order_minor` in the program's currency, of the referrer's n-th friend."""

    terms: ProgramTerms
    order_minor: int
    friends: int = 1


def example_of(order: ExampleOrder) -> tuple[Any, ...]:
    """Return a line for each reward as the app that pays it calculates it (`rule_key`, `calculation`)."""
    return tuple(parts_of("example", order).get("lines", ()))
