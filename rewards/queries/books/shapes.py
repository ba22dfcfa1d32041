"""What a check of the books is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import Combinable

from accounts.models import Workspace

CHUNK: Final = 2_000
"""So many rows that differ are read from the database at a time."""

NOTHING: Final = Value(0, output_field=BigIntegerField())
"""Zero as an amount in an expression."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not add up: what it is, its unit, what it should be and what it is.

    `kind` and `public_id` name the row it is about; both are empty where it is about a whole unit. `under` is
    the public id of the batch that a payout is in.
    """

    subject: str
    unit: str
    expected_minor: int
    found_minor: int
    kind: str = ""
    public_id: str = ""
    under: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: expected {self.expected_minor} {self.unit}, found {self.found_minor}"


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the books: a key, the sentence that holds when they are right, and how to ask it.

    `rows` are those that are checked, to be counted. `wrong` yields what differs and nothing else: the
    database compares, so that the check takes as much memory for a million rows as for ten.
    """

    key: str
    sentence: str
    rows: Callable[[Workspace], QuerySet[Any]]
    wrong: Callable[[Workspace], Iterator[Difference]]


def net(kind: str, *, through: str = "transfers", only: Q | None = None) -> Combinable:
    """Return what a row's transfers left in accounts of a kind: an aggregate over the joined transfers."""
    narrowed = only if only is not None else Q()
    into = Q(**{f"{through}__credit__kind": kind}) & narrowed
    out_of = Q(**{f"{through}__debit__kind": kind}) & narrowed
    amount = f"{through}__amount_minor"
    return Sum(amount, filter=into, default=0) - Sum(amount, filter=out_of, default=0)


def nets(*kinds: str, only: Q | None = None) -> dict[str, Combinable]:
    """Return `net` for each of these kinds, as annotations named `in_<kind>`."""
    return {f"in_{kind}": net(kind, only=only) for kind in kinds}


def depending(*whens: When, default: Any = NOTHING) -> Case:
    """Return an amount that depends on the row: the first condition that holds, else `default`."""
    # Said outright, because a difference of two big integers counts as a small one.
    return Case(*whens, default=default, output_field=BigIntegerField())


def not_as(expected: Mapping[str, Any]) -> Q:
    """Return the condition that at least one of these columns is not what it should be."""
    condition = Q()
    for column, value in expected.items():
        condition |= ~Q(**{column: value})
    return condition


def compared(
    subject: str, unit: str, expected: Mapping[str, int], found: Mapping[str, int], **names: str
) -> Iterator[Difference]:
    """Yield a difference for each place in which something else stands than should; absent is 0."""
    for place in sorted({*expected, *found}):
        should, does = expected.get(place, 0), found.get(place, 0)
        if should != does:
            yield Difference(f"{subject} in {place}", unit, should, does, **names)


def left_of(reward: str = "") -> Combinable:
    """Return what refunds have left of a reward, as an expression; `reward` is the path to it."""
    return F(f"{reward}amount_minor") - F(f"{reward}reversed_minor")
