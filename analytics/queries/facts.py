"""Adds facts up by day, one grouped statement for each kind of fact: what the daily figures are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, Func, IntegerField, Min, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import TruncDate
from ulid import ULID

from accounts.models import Workspace
from analytics.days import Period, bounds
from core.models import Event
from programs.models import Participant, Program
from rewards.models import Reward, RewardChange
from tracking.models import Attribution, Click, Conversion, Credit, Refund

Cell = tuple[int | None, date, str]
"""Which figure: the program's key (None: the whole workspace), the day, the unit (empty: none)."""


@dataclass(frozen=True, slots=True)
class _Span:
    """The days that are added up, as Postgres is to see them."""

    workspace: Workspace
    period: Period
    starts: list[datetime]
    program: Program | None

    def within(self, column: str) -> Q:
        return Q(**{f"{column}__gte": self.starts[0], f"{column}__lt": self.starts[-1]})

    def day(self, column: str) -> Func:
        # The bounds come from one calculation, so that Postgres's own copy of the zone cannot differ from it.
        return Func(F(column), Value(self.starts), function="width_bucket", output_field=IntegerField())

    def of_program(self, column: str) -> Q:
        return Q() if self.program is None else Q(**{column: self.program.pk})


def figures(
    workspace: Workspace, period: Period, *, program: Program | None = None
) -> dict[Cell, dict[str, int]]:
    """Return every figure that is not empty: by program and for the whole workspace, day and unit.

    With `program` only that program's and the whole workspace's are returned.
    """
    span = _Span(workspace, period, bounds(period, workspace.time_zone), program)
    found: defaultdict[Cell, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    whole = _Span(workspace, period, span.starts, None)
    for each in (span, whole):
        own = each is span
        for day, program_id, unit, counts in _all(each, by_program=own):
            cell = (program_id, period.dates[day - 1], unit)
            for name, value in counts.items():
                found[cell][name] += value or 0
    return {cell: dict(counts) for cell, counts in found.items() if any(counts.values())}


_Row = tuple[int, int | None, str, dict[str, int]]


def _all(span: _Span, *, by_program: bool) -> Iterator[_Row]:
    yield from _clicks(span, by_program)
    yield from _conversions(span, by_program)
    yield from _refunds(span, by_program)
    yield from _enrolments(span, by_program)
    yield from _rewards(span, by_program)


def _grouped(rows: QuerySet[Any], by: list[str], **sums: Any) -> Iterator[dict[str, Any]]:
    yield from rows.order_by().values(*by).annotate(**sums)


def _clicks(span: _Span, by_program: bool) -> Iterator[_Row]:
    rows = (
        Click.objects.for_workspace(span.workspace)
        .filter(span.within("occurred_at"), span.of_program("program_id"))
        .annotate(day=span.day("occurred_at"))
    )
    for row in _grouped(
        rows,
        ["day", "program_id"] if by_program else ["day"],
        counted_clicks=Count("pk", filter=Q(counted=True)),
        other_clicks=Count("pk", filter=Q(counted=False)),
        people=Count("visitor_id", filter=Q(counted=True), distinct=True),
    ):
        yield (
            row["day"],
            row.get("program_id"),
            "",
            {
                "clicks": row["counted_clicks"],
                "clicks_not_counted": row["other_clicks"],
                "visitors": row["people"],
            },
        )


def _conversions(span: _Span, by_program: bool) -> Iterator[_Row]:
    """Yield the conversions somebody is credited for: in each program that credits, or once in all."""
    ws = span.workspace
    if by_program:
        rows: QuerySet[Any] = (
            Attribution.objects.for_workspace(ws)
            .filter(
                Exists(Credit.objects.for_workspace(ws).filter(attribution_id=OuterRef("pk"))),
                span.within("conversion__occurred_at"),
                span.of_program("program_id"),
                conversion__workspace_id=ws.pk,
            )
            .exclude(conversion__status=Conversion.Status.REJECTED)
            .annotate(
                day=span.day("conversion__occurred_at"),
                kind=F("conversion__kind"),
                unit=F("conversion__currency"),
                amount=F("conversion__amount_minor"),
            )
        )
    else:
        rows = (
            Conversion.objects.for_workspace(ws)
            .filter(
                Exists(Credit.objects.for_workspace(ws).filter(conversion_id=OuterRef("pk"))),
                span.within("occurred_at"),
            )
            .exclude(status=Conversion.Status.REJECTED)
            .annotate(day=span.day("occurred_at"), unit=F("currency"), amount=F("amount_minor"))
        )
    by = ["day", "kind", "unit"]
    for row in _grouped(rows, [*by, "program_id"] if by_program else by, n=Count("pk"), total=Sum("amount")):
        name = {"signup": "signups", "purchase": "purchases"}.get(row["kind"], "customs")
        # A sign-up is worth no money, so it belongs to no unit, whatever was sent with it.
        unit = "" if name == "signups" else row["unit"]
        yield row["day"], row.get("program_id"), unit, {name: row["n"]}
        if row["total"]:
            yield row["day"], row.get("program_id"), row["unit"], {"revenue_minor": row["total"]}


def _refunds(span: _Span, by_program: bool) -> Iterator[_Row]:
    """Yield what was given back on conversions that count, on the day it was given back."""
    ws = span.workspace
    if by_program:
        rows: QuerySet[Any] = (
            Attribution.objects.for_workspace(ws)
            .filter(
                Exists(Credit.objects.for_workspace(ws).filter(attribution_id=OuterRef("pk"))),
                span.within("conversion__refunds__occurred_at"),
                span.of_program("program_id"),
                conversion__workspace_id=ws.pk,
                conversion__refunds__workspace_id=ws.pk,
                conversion__refunds__reinstated_at__isnull=True,
            )
            .annotate(
                day=span.day("conversion__refunds__occurred_at"),
                amount=F("conversion__refunds__amount_minor"),
            )
        )
    else:
        rows = (
            Refund.objects.for_workspace(ws)
            .filter(
                Exists(Credit.objects.for_workspace(ws).filter(conversion_id=OuterRef("conversion_id"))),
                span.within("occurred_at"),
                conversion__workspace_id=ws.pk,
                reinstated_at__isnull=True,
            )
            .annotate(day=span.day("occurred_at"), amount=F("amount_minor"))
        )
    rows = rows.exclude(conversion__status=Conversion.Status.REJECTED).annotate(
        unit=F("conversion__currency")
    )
    by = ["day", "unit"]
    for row in _grouped(rows, [*by, "program_id"] if by_program else by, total=Sum("amount")):
        yield row["day"], row.get("program_id"), row["unit"], {"refunded_minor": row["total"]}


def _enrolments(span: _Span, by_program: bool) -> Iterator[_Row]:
    rows = (
        Participant.objects.for_workspace(span.workspace)
        .filter(span.within("enrolled_at"), span.of_program("program_id"))
        .annotate(day=span.day("enrolled_at"))
    )
    for row in _grouped(rows, ["day", "program_id"] if by_program else ["day"], n=Count("pk")):
        yield row["day"], row.get("program_id"), "", {"enrolled": row["n"]}


def _rewards(span: _Span, by_program: bool) -> Iterator[_Row]:
    """Yield what the steps of rewards moved; a promise that was refused at once has moved nothing."""
    ws = span.workspace
    rows = (
        RewardChange.objects.for_workspace(ws)
        .filter(span.within("at"), span.of_program("reward__program_id"), reward__workspace_id=ws.pk)
        .annotate(day=span.day("at"), unit=F("reward__unit"), program_id=F("reward__program_id"))
    )
    promised = Q(before="") & ~Q(after=Reward.Status.DENIED)
    approved = Q(after=Reward.Status.APPROVED, before__in=[Reward.Status.PENDING, Reward.Status.HELD])
    paid = Q(after=Reward.Status.PAID) & ~Q(before=Reward.Status.PAID)
    by = ["day", "unit"]
    for row in _grouped(
        rows,
        [*by, "program_id"] if by_program else by,
        rewards=Count("pk", filter=promised),
        reward_minor=Sum("amount_minor", filter=promised),
        rewards_approved=Count("pk", filter=approved),
        rewards_paid=Count("pk", filter=paid),
        paid_minor=Sum("amount_minor", filter=paid),
        taken_back=Sum("amount_minor", filter=Q(amount_minor__lt=0)),
    ):
        counts = {name: row[name] for name in _REWARD_FIGURES}
        counts["reversed_minor"] = -(row["taken_back"] or 0)
        yield row["day"], row.get("program_id"), row["unit"], counts


_REWARD_FIGURES = ("rewards", "reward_minor", "rewards_approved", "rewards_paid", "paid_minor")


def days_with_facts_since(workspace: Workspace, *, since: datetime | None, before: datetime) -> set[date]:
    """Return the days before an instant whose facts were stored, or changed, after `since` (real time).

    None stands for ever. Public ids carry the time at which a row was made and are indexed, so a quiet
    workspace costs next to nothing.
    """
    zone = ZoneInfo(workspace.time_zone)

    def newer(prefix: str) -> Q:
        return (
            Q() if since is None else Q(public_id__gte=f"{prefix}_{str(ULID.from_datetime(since)).lower()}")
        )

    def days(rows: QuerySet[Any], column: str) -> set[date]:
        old = rows.filter(**{f"{column}__lt": before}).order_by()
        return set(old.annotate(day=TruncDate(column, tzinfo=zone)).values_list("day", flat=True).distinct())

    rejected = Event.objects.for_workspace(workspace).filter(
        newer("evt"), kind__in=("conversion.rejected", "conversion.redecided", "conversion.reinstated")
    )
    late = Conversion.objects.for_workspace(workspace)
    undone = late.filter(public_id__in=list(rejected.values_list("data__conversion", flat=True)))
    found = days(Click.objects.for_workspace(workspace).filter(newer("clk")), "occurred_at")
    found |= days(late.filter(newer("cnv")), "occurred_at")
    found |= days(Refund.objects.for_workspace(workspace).filter(newer("rfd")), "occurred_at")
    found |= days(Participant.objects.for_workspace(workspace).filter(newer("prt")), "enrolled_at")
    found |= days(undone, "occurred_at")
    found |= days(
        Refund.objects.for_workspace(workspace).filter(conversion__in=undone.values("pk")), "occurred_at"
    )
    if since is None:
        found |= days(RewardChange.objects.for_workspace(workspace), "at")
    return found


def first_fact_on(workspace: Workspace) -> date | None:
    """Return the day of the workspace's earliest click, conversion or enrolment; None before the first."""
    found: list[datetime] = []
    for model, column in ((Click, "occurred_at"), (Conversion, "occurred_at"), (Participant, "enrolled_at")):
        earliest = model.objects.for_workspace(workspace).aggregate(at=Min(column))["at"]
        if earliest is not None:
            found.append(earliest)
    return min(found).astimezone(ZoneInfo(workspace.time_zone)).date() if found else None
