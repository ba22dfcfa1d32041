"""Stored decisions decided again: as they were, and as another rule would have it. Nothing is written.

Both stream the decisions from the database, so their memory does not grow with the number of decisions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from django.db.models import QuerySet

from accounts.models import Workspace
from core.transactions import read_only
from programs.models import Program
from programs.terms import AttributionTerms
from tracking.attribution import (
    Difference,
    OtherFormat,
    check_record,
    replay,
    under_rule,
)
from tracking.models import Attribution
from tracking.rules import rule_of

AT_ONCE: Final = 1_000
"""How many decisions are in memory at a time."""
EXAMPLES: Final = 20

_Part = tuple[str, int, int]
"""A credit: participant, weight in parts per million, amount in the minor unit."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One stored decision decided again; `difference` is None unless it differs."""

    public_id: str
    outcome: Literal["same", "differs", "unreadable"]
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What one participant is credited with in one currency, as stored and under the other rule."""

    participant: str
    currency: str
    credits_before: int
    credits_after: int
    minor_before: int
    minor_after: int

    @property
    def change_minor(self) -> int:
        """How much more revenue the other rule credits; negative for less."""
        return self.minor_after - self.minor_before

    @property
    def has_changed(self) -> bool:
        """Whether the other rule credits more or less often, or with more or less."""
        return self.change_minor != 0 or self.credits_after != self.credits_before


@dataclass(frozen=True, slots=True)
class Total:
    """All credits in one currency; `moved_minor` is what goes to somebody else, or from or to nobody."""

    currency: str
    credits_before: int
    credits_after: int
    minor_before: int
    minor_after: int
    moved_minor: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What another rule would have made of a program's decisions.

    `changed` counts decisions that credit others or in other parts, `examples` are the first of them by
    public id, `unreadable` those of another record format or damaged, which are left out of everything else.
    `participants` come by currency, the largest change first.
    """

    decisions: int
    changed: int
    unreadable: int
    examples: tuple[str, ...]
    participants: tuple[Moved, ...]
    totals: tuple[Total, ...]


def stored_decisions(
    workspace: Workspace,
    *,
    program: Program | None = None,
    begins: datetime | None = None,
    ends: datetime | None = None,
) -> QuerySet[Attribution]:
    """Return decisions made from `begins` to before `ends`, oldest first."""
    rows = Attribution.objects.for_workspace(workspace).order_by("pk")
    if program is not None:
        rows = rows.filter(program=program)
    if begins is not None:
        rows = rows.filter(decided_at__gte=begins)
    if ends is not None:
        rows = rows.filter(decided_at__lt=ends)
    return rows


def replays(decisions: QuerySet[Attribution]) -> Iterator[Replayed]:
    """Decide stored decisions again from their inputs, one after another, and compare byte for byte.

    The transaction around it must last as long as the iteration.
    """
    rows = decisions.values_list("public_id", "inputs", "result", "digest", "model", "reason")
    for public_id, inputs, result, digest, model, reason in rows.iterator(chunk_size=AT_ONCE):
        try:
            difference = check_record(inputs=inputs, result=result, stored_digest=digest)
        except OtherFormat:
            yield Replayed(public_id, "unreadable")
            continue
        if difference is None:
            difference = _column_difference(result, model=model, reason=reason)
        yield Replayed(public_id, "same" if difference is None else "differs", difference)


def _column_difference(result: Mapping[str, Any], **columns: str) -> Difference | None:
    """Compare what the row says beside the record, for filters, with the record."""
    for name, stored in columns.items():
        if stored != result[name]:
            return Difference(name, repr(stored), repr(result[name]), "the row's column was changed")
    return None


def what_if(
    workspace: Workspace,
    program: Program,
    terms: AttributionTerms,
    begins: datetime | None = None,
    ends: datetime | None = None,
    *,
    tell: Callable[[int], None] = lambda done: None,
) -> WhatIf:
    """Decide a program's decisions from `begins` to before `ends` anew under other attribution terms.

    Touches, disqualifications and bonds are those stored with each decision: whom an earlier decision would
    have bound under these terms is not followed up. Amounts are credited revenue, not rewards. `tell` is
    called with the number of decisions done.
    """
    rule = rule_of(terms)
    book = _Book()
    rows = stored_decisions(workspace, program=program, begins=begins, ends=ends)
    with read_only():
        records = rows.values_list("public_id", "inputs", "result")
        for done, (public_id, inputs, result) in enumerate(records.iterator(chunk_size=AT_ONCE), start=1):
            try:
                decision = replay(under_rule(inputs, rule))
                before = _credits_of(result)
            except (AttributeError, KeyError, TypeError, ValueError):
                book.unreadable += 1
            else:
                after = [(each.participant, each.weight_ppm, each.amount_minor) for each in decision.credits]
                book.enter(public_id, inputs["currency"], before, after)
            tell(done)
    return book.closed()


def _credits_of(result: Mapping[str, Any]) -> list[_Part]:
    return [(each["participant"], each["weight_ppm"], each["amount_minor"]) for each in result["credits"]]


class _Book:
    """Adds up credits before and after: one line for each participant and currency."""

    def __init__(self) -> None:
        self.unreadable = 0
        self._decisions = 0
        self._changed = 0
        self._examples: list[str] = []
        self._lines: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._moved: dict[str, int] = defaultdict(int)

    def enter(self, public_id: str, currency: str, before: list[_Part], after: list[_Part]) -> None:
        """Add one decision's credits, as stored and as decided anew."""
        self._decisions += 1
        for offset, parts in enumerate((before, after)):
            for participant, _, amount_minor in parts:
                line = self._lines[currency, participant]
                line[offset] += 1
                line[2 + offset] += amount_minor
        self._moved[currency] += 0
        if sorted(before) != sorted(after):
            self._changed += 1
            if len(self._examples) < EXAMPLES:
                self._examples.append(public_id)
            self._moved[currency] += _moved(before, after)

    def closed(self) -> WhatIf:
        """Return the sums."""
        moved = [Moved(participant, currency, *line) for (currency, participant), line in self._lines.items()]
        return WhatIf(
            decisions=self._decisions,
            changed=self._changed,
            unreadable=self.unreadable,
            examples=tuple(self._examples),
            participants=tuple(sorted(moved, key=_largest_change_first)),
            totals=tuple(self._total(currency, moved) for currency in sorted(self._moved)),
        )

    def _total(self, currency: str, moved: list[Moved]) -> Total:
        own = [each for each in moved if each.currency == currency]
        return Total(
            currency,
            sum(each.credits_before for each in own),
            sum(each.credits_after for each in own),
            sum(each.minor_before for each in own),
            sum(each.minor_after for each in own),
            self._moved[currency],
        )


def _largest_change_first(moved: Moved) -> tuple[str, int, int, str]:
    more_often = abs(moved.credits_after - moved.credits_before)
    return moved.currency, -abs(moved.change_minor), -more_often, moved.participant


def _moved(before: list[_Part], after: list[_Part]) -> int:
    """Return how much of one conversion changes hands: what some gain, or what some lose if that is more."""
    changes: dict[str, int] = defaultdict(int)
    for participant, _, amount_minor in after:
        changes[participant] += amount_minor
    for participant, _, amount_minor in before:
        changes[participant] -= amount_minor
    gained = sum(change for change in changes.values() if change > 0)
    lost = -sum(change for change in changes.values() if change < 0)
    return max(gained, lost)
