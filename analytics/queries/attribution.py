"""A period's decisions under every model side by side, and what all journeys together say. Moves no money."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final, Literal

from django.db.models import F

from accounts.models import Workspace
from analytics.attribution_values import MOST_STATES, REST, Chain, Coalitions, share_out
from analytics.attribution_values.records import ACTUAL, EVERY, MODELS, By, Part, tell
from analytics.days import ONE_DAY, Period, day_start
from analytics.queries.reports import Share
from core.money import split
from programs.models import Participant, Program
from tracking.attribution import WHOLE_PPM
from tracking.models import Attribution, Conversion, Touchpoint

MOST_DECISIONS: Final = 10_000
"""How many decisions one report reads, the latest first: each may have to be decided under six models."""
TOLD_APART: Final = MOST_STATES - 1
"""How many channels or participants have a row of their own; the others share one."""

MARKOV: Final = "markov"
SHAPLEY: Final = "shapley"
COLUMNS: Final = (ACTUAL, *MODELS, MARKOV, SHAPLEY)

_CONVERSIONS: Final = ""
"""The unit of counts, beside the currencies."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What is attributed: millionths of conversions, and amounts in minor units by currency."""

    conversions_ppm: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)

    def of(self, currency: str) -> int:
        """Return the amount in a currency; millionths of conversions for an empty one."""
        return self.amounts.get(currency, 0) if currency else self.conversions_ppm


@dataclass(frozen=True, slots=True)
class AttributionRow:
    """One channel or participant (`one`: `label` is the channel or public id), or what has no row of its own.

    `rest` stands for all channels or participants beyond the first `TOLD_APART` by touches. `none` is
    what rests on no contact: it was credited by an earlier conversion's bond, and its participant was not
    met again; by participant that is so for Markov and Shapley values only. `touches` counts the contacts
    that count, in journeys with and without a conversion.
    """

    kind: Literal["one", "rest", "none"]
    label: str
    name: str
    program: str
    touches: int
    worth: Mapping[str, Worth]

    def difference(self, column: str, currency: str = "") -> int:
        """Return how much more than was actually credited a column gives; less is negative."""
        return self.worth[column].of(currency) - self.worth[ACTUAL].of(currency)


@dataclass(frozen=True, slots=True)
class AttributionReport:
    """The columns (`COLUMNS`) over one set of decisions; each column sums to the same `total`.

    `converted` journeys ended in a conversion, `unconverted` did not. `since` is set where more decisions
    fell into the period than are read: the report begins there.
    """

    period: Period
    by: By
    converted: int
    unconverted: int
    since: datetime | None
    rows: tuple[AttributionRow, ...]
    total: Worth

    def moved(self, column: str, currency: str = "") -> Share:
        """Return the share of the total that a column gives to others than were actually credited."""
        apart = sum(abs(row.difference(column, currency)) for row in self.rows)
        return Share(apart // 2, self.total.of(currency))


def attribution_report(
    workspace: Workspace,
    *,
    first_on: date,
    last_on: date,
    by: By,
    kind: str = "",
    program: Program | None = None,
) -> AttributionReport:
    """Return what every model would have credited for a period's conversions, beside what was credited.

    - A decision belongs to the day on which its conversion happened, in the workspace's zone. Each program
      decides for itself, so a conversion that two programs decided counts once for each. `kind` narrows to
      conversions of one kind. Rejected conversions are left out, and decisions that credit nobody: no model
      finds anybody to credit where another finds none.
    - Refunds are taken off the conversion they belong to, whenever they were made and in every column alike:
      what is left of it is split in proportion to the amounts decided, by largest remainder. A conversion
      that was refunded in full still counts as one, worth nothing.
    - `actual` is the stored result, the models decide the stored record anew (`tracking.attribution`), Markov
      and Shapley values are worked out over all journeys (`analytics.attribution_values`).
    - A journey with a conversion is the touches of one decision that count. A journey without one is the
      touches in the period, other than by their own links, of a customer whom a program has no credited
      conversion of in the period. Visitors who never said who they are have no journey.

    ValueError when `last_on` lies before `first_on`.
    """
    period = Period(first_on, last_on)
    start = day_start(first_on, workspace.time_zone)
    end = day_start(last_on + ONE_DAY, workspace.time_zone)
    tally = _Tally(by)
    earliest, since = start, None
    for number, row in enumerate(_decisions(workspace, start, end, kind, program)):
        if number == MOST_DECISIONS:
            since = earliest
            break
        earliest = row["conversion__occurred_at"]
        tally.count(row)
    for labels in _unconverted(workspace, since or start, end, by, program, tally.credited):
        tally.count_unconverted(labels)
    rows = _rows(workspace, tally)
    return AttributionReport(
        period=period,
        by=by,
        converted=tally.converted,
        unconverted=tally.unconverted,
        since=since,
        rows=rows,
        total=_worth(tally.total),
    )


def _decisions(
    workspace: Workspace, start: datetime, end: datetime, kind: str, program: Program | None
) -> Iterator[Mapping[str, Any]]:
    rows = Attribution.objects.for_workspace(workspace).filter(
        conversion__workspace_id=workspace.pk,
        conversion__occurred_at__gte=start,
        conversion__occurred_at__lt=end,
    )
    rows = rows.exclude(conversion__status=Conversion.Status.REJECTED)
    if kind:
        rows = rows.filter(conversion__kind=kind)
    if program is not None:
        rows = rows.filter(program=program)
    yield from (
        rows.order_by("-conversion__occurred_at", "-pk")
        .values(
            "inputs",
            "result",
            "program_id",
            "conversion__customer_id",
            "conversion__occurred_at",
            "conversion__amount_minor",
            "conversion__refunded_minor",
        )[: MOST_DECISIONS + 1]
        .iterator(chunk_size=500)
    )


def _unconverted(
    workspace: Workspace,
    start: datetime,
    end: datetime,
    by: By,
    program: Program | None,
    credited: set[tuple[int, int]],
) -> Iterator[list[str]]:
    """Yield the labels that customers met who are not among the `credited` (customer, program)."""
    rows = Touchpoint.objects.for_workspace(workspace).filter(
        occurred_at__gte=start, occurred_at__lt=end, participant__workspace_id=workspace.pk
    )
    rows = rows.exclude(participant__customer_id=F("customer_id"))
    if program is not None:
        rows = rows.filter(program=program)
    label = "channel" if by == "channel" else "participant__public_id"
    told = (
        rows.order_by("customer_id", "program_id", "occurred_at", "public_id")
        .values_list("customer_id", "program_id", label)
        .iterator(chunk_size=2000)
    )
    for pair, touches in groupby(told, key=lambda row: (row[0], row[1])):
        if pair not in credited:
            yield [touch[2] for touch in touches]


class _Tally:
    """Adds decisions and journeys up. It grows with the labels and the decisions read, not with journeys."""

    def __init__(self, by: By) -> None:
        self.by = by
        self.chain = Chain()
        self.coalitions = Coalitions()
        self.touches: Counter[str] = Counter()
        self.sums: defaultdict[str | None, Counter[tuple[str, str]]] = defaultdict(Counter)
        self.total: Counter[str] = Counter()
        self.labelled: Counter[str] = Counter()
        self.credited: set[tuple[int, int]] = set()
        self.converted = 0
        self.unconverted = 0

    def count(self, row: Mapping[str, Any]) -> None:
        """Add one decision, unless it credits nobody."""
        inputs, result = row["inputs"], row["result"]
        if not result["credits"]:
            return
        told = tell(inputs, result, by=self.by)
        self.credited.add((row["conversion__customer_id"], row["program_id"]))
        currency, whole = inputs["currency"], row["conversion__amount_minor"]
        net = whole - row["conversion__refunded_minor"]
        worth = {_CONVERSIONS: WHOLE_PPM, **({currency: net} if whole else {})}
        for column, parts in told.columns.items():
            for part, share in zip(parts, _left(net, parts), strict=True):
                own = self.sums[part.label]
                own[column, _CONVERSIONS] += part.weight_ppm
                if whole:
                    own[column, currency] += share
        self.converted += 1
        self.total.update(worth)
        self.touches.update(told.journey)
        self.chain.add(told.journey, converted=True)
        self.coalitions.add(told.journey, worth)
        if told.journey:
            self.labelled.update(worth)
        else:
            for unit, amount in worth.items():
                for column in (MARKOV, SHAPLEY):
                    self.sums[None][column, unit] += amount

    def count_unconverted(self, labels: list[str]) -> None:
        """Add one journey that ended in nothing."""
        self.unconverted += 1
        self.touches.update(labels)
        self.chain.add(labels, converted=False)


def _left(net: int, parts: Sequence[Part]) -> Sequence[int]:
    """Split what is left of a conversion in proportion to the amounts decided."""
    decided = [part.amount_minor for part in parts]
    # Most conversions are never refunded, and exact fractions take most of a report's time.
    if sum(decided) == net:
        return decided
    return split(net, decided if any(decided) else [part.weight_ppm for part in parts])


def _rows(workspace: Workspace, tally: _Tally) -> tuple[AttributionRow, ...]:
    labels = {label for label in tally.sums if label is not None} | set(tally.touches)
    ranked = sorted(labels, key=lambda label: (-tally.touches[label], label))
    told_apart = set(ranked[:TOLD_APART])

    def place(label: str | None) -> str | None:
        return label if label is None or label in told_apart else REST

    sums: defaultdict[str | None, Counter[tuple[str, str]]] = defaultdict(Counter)
    touches: Counter[str | None] = Counter()
    for label in labels:
        touches[place(label)] += tally.touches[label]
    for key, found in tally.sums.items():
        for (column, unit), amount in found.items():
            for each in (ACTUAL, *MODELS) if column == EVERY else (column,):
                sums[place(key)][each, unit] += amount
    markov = share_out(tally.labelled, tally.chain.removal_effects(told_apart))
    for column, shares in ((MARKOV, markov), (SHAPLEY, tally.coalitions.values())):
        for label, parts in shares.items():
            sums[place(label)].update({(column, unit): amount for unit, amount in parts.items()})

    names = _names(workspace, told_apart) if tally.by == "participant" else {}
    rows = []
    for key in {*touches, *sums}:
        worth = {
            column: _worth({unit: amount for (of, unit), amount in sums[key].items() if of == column})
            for column in COLUMNS
        }
        if key is None:
            rows.append(AttributionRow("none", "", "", "", 0, worth))
        elif key == REST:
            rows.append(AttributionRow("rest", "", "", "", touches[key], worth))
        else:
            name, program = names.get(key, (key, ""))
            rows.append(AttributionRow("one", key, name, program, touches[key], worth))
    order = ("one", "rest", "none")
    rows.sort(key=lambda row: (order.index(row.kind), -row.worth[ACTUAL].conversions_ppm, row.label))
    return tuple(rows)


def _worth(sums: Mapping[str, int]) -> Worth:
    amounts = {unit: amount for unit, amount in sorted(sums.items()) if unit != _CONVERSIONS}
    return Worth(sums.get(_CONVERSIONS, 0), amounts)


def _names(workspace: Workspace, public_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the names of participants and of their programs, by public id."""
    people = Participant.objects.for_workspace(workspace).select_related("customer", "program")
    found = people.filter(public_id__in=sorted(public_ids))
    return {row.public_id: (str(row), row.program.name) for row in found}
