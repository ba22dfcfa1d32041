"""What is owed and what became of the rest: by program, kind and unit, with the rewards behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncDate

from accounts.models import Workspace
from programs.models import Program
from programs.queries import live_terms
from rewards.forecast import Due, Range, Survival, becoming_payable, newly_promised
from rewards.models import Allowance, Reward, RewardChange

HORIZONS: Final = (30, 90)
PAST_DAYS: Final = 90
SURVIVAL_DAYS: Final = 365

_KINDS = Reward.Kind
_STATUSES = Reward.Status
_LEFT: Final = F("amount_minor") - F("reversed_minor") - F("expired_minor")
_SPENDABLE: Final = (_KINDS.CREDIT, _KINDS.POINTS)
_CASH_WAITS: Final = Q(kind=_KINDS.CASH, status__in=[_STATUSES.APPROVED, _STATUSES.ISSUED])


@dataclass(frozen=True, slots=True)
class Place:
    """One column of the report: which rewards count in it and how much of each."""

    key: str
    label: str
    owed: bool
    rows: Q
    amount: Combinable


PLACES: Final = (
    Place("on_hold", "On hold", True, Q(status=_STATUSES.PENDING), _LEFT),
    Place("held", "Held for a doubt", True, Q(status=_STATUSES.HELD), _LEFT),
    Place("payable", "Payable", True, _CASH_WAITS & Q(payout__isnull=True), _LEFT),
    Place("in_transit", "In a payout batch", True, _CASH_WAITS & Q(payout__isnull=False), _LEFT),
    Place(
        "outstanding",
        "Credit and points outstanding",
        True,
        Q(kind__in=_SPENDABLE, status__in=[_STATUSES.APPROVED, _STATUSES.ISSUED, _STATUSES.REDEEMED]),
        _LEFT - F("redeemed_minor"),
    ),
    Place("paid", "Paid", False, Q(status=_STATUSES.PAID), _LEFT),
    Place(
        "given",
        "Given",
        False,
        ~Q(kind__in=[_KINDS.CASH, *_SPENDABLE])
        & Q(status__in=[_STATUSES.APPROVED, _STATUSES.ISSUED, _STATUSES.REDEEMED]),
        _LEFT,
    ),
    Place("spent", "Spent by owners", False, Q(redeemed_minor__gt=0), F("redeemed_minor")),
    Place("expired", "Expired", False, Q(expired_minor__gt=0), F("expired_minor")),
    Place("reversed", "Taken back", False, Q(reversed_minor__gt=0), F("reversed_minor")),
)
"""The columns, what is owed first. A reward's amount is in one of them, or in parts in several."""

_BY_KEY: Final = {place.key: place for place in PLACES}


def in_place(rows: QuerySet[Reward], key: str) -> QuerySet[Reward]:
    """Narrow rewards to those that count in one column; all of them for an unknown one."""
    place = _BY_KEY.get(key)
    return rows if place is None else rows.filter(place.rows)


@dataclass(frozen=True, slots=True)
class Figure:
    """One amount of the report and the filters of the list of rewards behind it."""

    key: str
    label: str
    amount_minor: int
    count: int


@dataclass(frozen=True, slots=True)
class LiabilityRow:
    """What one program promised in one kind and unit, by where it stands; `figures` are as in `PLACES`."""

    program: Program
    kind: str
    unit: str
    figures: tuple[Figure, ...]

    @property
    def kind_label(self) -> str:
        """The kind in words."""
        return str(Reward.Kind(self.kind).label)

    @property
    def owed_minor(self) -> int:
        """What is still owed in all."""
        return sum(f.amount_minor for f in self.figures if _BY_KEY[f.key].owed)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected in one unit within some days."""

    unit: str
    days: int
    becoming_payable_minor: int
    survival: Survival
    promised: Range


@dataclass(frozen=True, slots=True)
class Cap:
    """How much of one cap is used; a limit is None where the cap has none, or is gone from the live terms."""

    allowance: Allowance
    unit: str
    limit_minor: int | None
    limit_count: int | None

    @property
    def percent(self) -> int | None:
        """The larger of the shares used, in whole percent rounded down."""
        shares = [
            100 * used // limit
            for used, limit in (
                (self.allowance.used_minor, self.limit_minor),
                (self.allowance.used_count, self.limit_count),
            )
            if limit
        ]
        return max(shares, default=None)


@dataclass(frozen=True, slots=True)
class Liability:
    """The whole report."""

    rows: tuple[LiabilityRow, ...]
    owed: tuple[tuple[str, int], ...]
    forecasts: tuple[Forecast, ...]
    caps: tuple[Cap, ...]


def liability(workspace: Workspace, *, at: datetime) -> Liability:
    """Return the report as it stands at the workspace's time."""
    rows = tuple(_rows(workspace))
    owed: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        owed[row.unit] += row.owed_minor
    return Liability(
        rows=rows,
        owed=tuple(sorted(owed.items())),
        forecasts=tuple(_forecasts(workspace, at)),
        caps=tuple(_caps(workspace)),
    )


def _rows(workspace: Workspace) -> Iterable[LiabilityRow]:
    sums: dict[str, Any] = {}
    for place in PLACES:
        sums[place.key] = Sum(place.amount, filter=place.rows, default=0)
        sums[f"{place.key}_n"] = Count("pk", filter=place.rows)
    grouped = (
        Reward.objects.for_workspace(workspace)
        .exclude(status=Reward.Status.DENIED)
        .order_by()
        .values("program_id", "kind", "unit")
        .annotate(**sums)
        .order_by("program_id", "kind", "unit")
    )
    found: list[Any] = list(grouped)
    programs = Program.objects.for_workspace(workspace).in_bulk({row["program_id"] for row in found})
    for row in found:
        figures = tuple(
            Figure(place.key, place.label, row[place.key], row[f"{place.key}_n"]) for place in PLACES
        )
        yield LiabilityRow(programs[row["program_id"]], row["kind"], row["unit"], figures)


def _forecasts(workspace: Workspace, at: datetime) -> Iterable[Forecast]:
    zone = ZoneInfo(workspace.time_zone)
    today = at.astimezone(zone).date()
    dues = _dues(workspace, zone)
    daily = _daily(workspace, zone, today)
    survivals = _survivals(workspace, at)
    for unit in sorted({*dues, *daily}):
        survival = survivals.get(unit, Survival(0, 0))
        for days in HORIZONS:
            yield Forecast(
                unit=unit,
                days=days,
                becoming_payable_minor=becoming_payable(dues.get(unit, []), survival, today=today, days=days),
                survival=survival,
                promised=newly_promised(daily.get(unit, [0] * PAST_DAYS), days=days),
            )


def _dues(workspace: Workspace, zone: ZoneInfo) -> dict[str, list[Due]]:
    rows = (
        Reward.objects.for_workspace(workspace)
        .filter(status=Reward.Status.PENDING)
        .order_by()
        .annotate(day=TruncDate("available_at", tzinfo=zone))
        .values_list("unit", "day")
        .annotate(total=Sum(_LEFT))
        .order_by("unit", "day")
    )
    found: defaultdict[str, list[Due]] = defaultdict(list)
    for unit, on, total in rows:
        found[unit].append(Due(on, total))
    return found


def _daily(workspace: Workspace, zone: ZoneInfo, today: date) -> dict[str, list[int]]:
    """Return what was promised on each of the last whole days, by unit, oldest first."""
    first = today - timedelta(days=PAST_DAYS)
    rows = (
        RewardChange.objects.for_workspace(workspace)
        .filter(before="", at__date__gte=first - timedelta(days=1))
        .order_by()
        .annotate(day=TruncDate("at", tzinfo=zone))
        .values_list("reward__unit", "day")
        .annotate(total=Sum("amount_minor"))
    )
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * PAST_DAYS)
    for unit, on, total in rows:
        if first <= on < today and total:
            found[unit][(on - first).days] += total
    return found


def _survivals(workspace: Workspace, at: datetime) -> dict[str, Survival]:
    """Return how much of what came off its hold in the last year is left, by unit."""
    rows = (
        Reward.objects.for_workspace(workspace)
        .filter(available_at__lte=at, available_at__gt=at - timedelta(days=SURVIVAL_DAYS))
        .exclude(status__in=[Reward.Status.PENDING, Reward.Status.HELD])
        .order_by()
        .values_list("unit")
        .annotate(
            promised=Sum("amount_minor"),
            kept=Sum(
                F("amount_minor") - F("reversed_minor"), filter=~Q(status=Reward.Status.DENIED), default=0
            ),
        )
    )
    return {unit: Survival(promised, kept) for unit, promised, kept in rows}


def _caps(workspace: Workspace) -> Iterable[Cap]:
    allowances = (
        Allowance.objects.for_workspace(workspace)
        .select_related("program", "participant__customer")
        .order_by("program_id", "cap_key", "-period", "-used_minor", "pk")[:200]
    )
    terms: dict[int, Any] = {}
    for allowance in allowances:
        program = allowance.program
        if program.pk not in terms:
            terms[program.pk] = live_terms(program) if program.live_version else None
        promised = terms[program.pk]
        caps = {cap.key: cap for cap in getattr(promised, "caps", ())}
        cap = caps.get(allowance.cap_key)
        yield Cap(
            allowance=allowance,
            unit=promised.currency if promised else workspace.currency,
            limit_minor=getattr(cap, "limit_minor", None),
            limit_count=getattr(cap, "limit_count", None),
        )
