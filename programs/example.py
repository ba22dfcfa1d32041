"""One worked example asked for: what the rewards of these terms would come to for one friend's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.answers import parts_of
from programs.conditions import Facts
from programs.terms import ProgramTerms


@dataclass(frozen=True, slots=True)
class ExampleOrder:
    """A friend's order of `order_minor` in the program's currency.

    It is of the referrer's n-th friend, after the friends had spent `revenue_minor` so far. `facts` are what
    conditions ask for; None assumes that all of them hold.
    """

    terms: ProgramTerms
    order_minor: int
    friends: int = 1
    revenue_minor: int = 0
    facts: Facts | None = None


def example_of(order: ExampleOrder) -> tuple[Any, ...]:
    """Return a line for each reward as the paying app works it out: `rule_key`, `calculation`, `limits`."""
    return tuple(parts_of("example", order).get("lines", ()))
