"""The overview and the funnel, read from the daily figures; drop-off reasons come from the period's facts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from ulid import ULID

from accounts.models import Workspace
from analytics.days import ONE_DAY, Period, day_start
from analytics.models import DailyFigure
from core.models import Event
from core.money import prorate
from programs.models import Program
from rewards.models import Reward, RewardChange
from tracking.models import Attribution, Click, Conversion, Credit

_COUNTS: Final = (
    "clicks",
    "clicks_not_counted",
    "visitors",
    "signups",
    "purchases",
    "customs",
    "enrolled",
    "rewards",
    "rewards_approved",
    "rewards_paid",
)
_DAILY: Final = ("clicks", "signups", "purchases", "enrolled")
"""The counts of a `Day`, in its order."""
_AMOUNTS: Final = ("revenue_minor", "refunded_minor", "reward_minor", "reversed_minor", "paid_minor")


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, exact. Of nothing there is no share."""

    part: int
    whole: int

    @property
    def percent(self) -> str | None:
        """The share in percent with one decimal, rounded half-even (`12.5`); None of nothing."""
        if not self.whole:
            return None
        tenths = prorate(self.part, 1000, self.whole)
        return f"{tenths // 10}.{tenths % 10}"

    def __str__(self) -> str:
        return "–" if self.percent is None else f"{self.percent} %"


@dataclass(frozen=True, slots=True)
class Money:
    """The amounts of one unit (a currency, or PTS) in its minor unit.

    `reward_minor` was promised, `reversed_minor` taken back and `paid_minor` paid out in the period, whenever
    the reward began.
    """

    unit: str
    revenue_minor: int = 0
    refunded_minor: int = 0
    reward_minor: int = 0
    reversed_minor: int = 0
    paid_minor: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """A period's figures. A visitor counts once for each day.

    `money` has one entry for each unit that moved.
    """

    clicks: int = 0
    clicks_not_counted: int = 0
    visitors: int = 0
    signups: int = 0
    purchases: int = 0
    customs: int = 0
    enrolled: int = 0
    rewards: int = 0
    rewards_approved: int = 0
    rewards_paid: int = 0
    money: tuple[Money, ...] = ()

    @property
    def signup_rate(self) -> Share:
        """Sign-ups out of counted clicks."""
        return Share(self.signups, self.clicks)

    @property
    def purchase_rate(self) -> Share:
        """Purchases out of sign-ups; above 100 % where people buy again, or without signing up."""
        return Share(self.purchases, self.signups)

    def of_unit(self, unit: str) -> Money:
        """Return the amounts of a unit, zero where nothing moved."""
        return next((money for money in self.money if money.unit == unit), Money(unit))


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the series; days without facts are there too, with zeros."""

    day_on: date
    clicks: int = 0
    signups: int = 0
    purchases: int = 0
    enrolled: int = 0
    money: tuple[Money, ...] = ()

    def of_unit(self, unit: str) -> Money:
        """Return the amounts of a unit, zero where nothing moved."""
        return next((money for money in self.money if money.unit == unit), Money(unit))


@dataclass(frozen=True, slots=True)
class Overview:
    """A period's totals beside those of the period of the same length before it, and the days of both."""

    period: Period
    previous: Period
    now: Totals
    before: Totals
    days: tuple[Day, ...]
    days_before: tuple[Day, ...]
    rebuilt_at: datetime | None


def overview(
    workspace: Workspace, *, first_on: date, last_on: date, program: Program | None = None
) -> Overview:
    """Return a period's figures, of one program or of the whole workspace, in one statement.

    Days are the workspace's. ValueError when `last_on` lies before `first_on`.
    """
    period = Period(first_on, last_on)
    rows = list(_figures(workspace, Period(period.previous.first_on, last_on), program))
    mine = [row for row in rows if row["day_on"] >= first_on]
    earlier = [row for row in rows if row["day_on"] < first_on]
    return Overview(
        period=period,
        previous=period.previous,
        now=_totals(mine),
        before=_totals(earlier),
        days=_series(period, mine),
        days_before=_series(period.previous, earlier),
        rebuilt_at=max((row["rebuilt_at"] for row in rows), default=None),
    )


def _figures(workspace: Workspace, period: Period, program: Program | None) -> QuerySet[Any, dict[str, Any]]:
    rows = DailyFigure.objects.for_workspace(workspace).filter(
        day_on__range=(period.first_on, period.last_on)
    )
    rows = rows.filter(program__isnull=True) if program is None else rows.filter(program=program)
    found: QuerySet[Any, dict[str, Any]] = rows.order_by().values(
        "day_on", "currency", "rebuilt_at", *_COUNTS, *_AMOUNTS
    )
    return found


def _totals(rows: Iterable[Mapping[str, Any]]) -> Totals:
    counts: defaultdict[str, int] = defaultdict(int)
    amounts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        for name in _COUNTS:
            counts[name] += row[name]
        for name in _AMOUNTS:
            amounts[row["currency"]][name] += row[name]
    return Totals(**counts, money=_moved(amounts))


def _moved(amounts: Mapping[str, Mapping[str, int]]) -> tuple[Money, ...]:
    return tuple(Money(unit, **amounts[unit]) for unit in sorted(amounts) if any(amounts[unit].values()))


def _series(period: Period, rows: Iterable[Mapping[str, Any]]) -> tuple[Day, ...]:
    counts: defaultdict[date, list[int]] = defaultdict(lambda: [0] * len(_DAILY))
    money: defaultdict[date, dict[str, dict[str, int]]] = defaultdict(dict)
    for row in rows:
        for index, name in enumerate(_DAILY):
            counts[row["day_on"]][index] += row[name]
        # One row for each unit and day.
        money[row["day_on"]][row["currency"]] = {name: row[name] for name in _AMOUNTS}
    return tuple(
        Day(day_on, clicks, signups, purchases, enrolled, _moved(money[day_on]))
        for day_on in period.dates
        for clicks, signups, purchases, enrolled in (counts[day_on],)
    )


def units_first(workspace: Workspace, *totals: Totals) -> list[str]:
    """Return the units that moved in any of these totals, the workspace's own currency first and always."""
    units = {money.unit for each in totals for money in each.money}
    return [workspace.currency, *sorted(units - {workspace.currency})]


@dataclass(frozen=True, slots=True)
class Drop:
    """How many fell away at a step for one reason (a code)."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """A period's steps from enrolment to payout, and what fell away on the way by reason, most first.

    `clicks_dropped` were not counted; `conversions_uncredited` came from a program's contacts but credited
    nobody; `conversions_rejected` were declared not to count; `rewards_denied` were refused at once or by a
    person.
    """

    period: Period
    totals: Totals
    clicks_dropped: tuple[Drop, ...]
    conversions_uncredited: tuple[Drop, ...]
    conversions_rejected: tuple[Drop, ...]
    rewards_denied: tuple[Drop, ...]


def funnel(workspace: Workspace, *, first_on: date, last_on: date, program: Program | None = None) -> Funnel:
    """Return a period's funnel, of one program or of the whole workspace.

    The steps count what happened in the period, not the fate of one group of people. ValueError when
    `last_on` lies before `first_on`.
    """
    period = Period(first_on, last_on)
    start = day_start(first_on, workspace.time_zone)
    end = day_start(last_on + ONE_DAY, workspace.time_zone)

    def within(column: str) -> Q:
        return Q(**{f"{column}__gte": start, f"{column}__lt": end})

    def of_program(column: str) -> Q:
        return Q() if program is None else Q(**{column: program.pk})

    clicks = Click.objects.for_workspace(workspace).filter(
        within("occurred_at"), of_program("program_id"), counted=False
    )
    credited = Credit.objects.for_workspace(workspace).filter(attribution_id=OuterRef("pk"))
    uncredited = (
        Attribution.objects.for_workspace(workspace)
        .filter(
            ~Exists(credited),
            within("conversion__occurred_at"),
            of_program("program_id"),
            conversion__workspace_id=workspace.pk,
        )
        .annotate(why=Coalesce(KT("result__rejected__0__reason"), F("reason"), output_field=TextField()))
    )
    rejected = Conversion.objects.for_workspace(workspace).filter(
        within("occurred_at"), status=Conversion.Status.REJECTED
    )
    if program is not None:
        decided = Attribution.objects.for_workspace(workspace).filter(program=program)
        rejected = rejected.filter(Exists(decided.filter(conversion_id=OuterRef("pk"))))
    denied = RewardChange.objects.for_workspace(workspace).filter(
        within("at"),
        of_program("reward__program_id"),
        after=Reward.Status.DENIED,
        reward__workspace_id=workspace.pk,
    )
    return Funnel(
        period=period,
        totals=_totals(_figures(workspace, period, program)),
        clicks_dropped=_drops(clicks, "reason"),
        conversions_uncredited=_drops(uncredited, "why"),
        conversions_rejected=_rejections(workspace, rejected, start),
        rewards_denied=_drops(denied, "reward__reason"),
    )


def _drops(rows: QuerySet[Any], reason: str) -> tuple[Drop, ...]:
    found = rows.order_by().values_list(reason).annotate(n=Count("pk"))
    return tuple(Drop(code, n) for code, n in sorted(found, key=lambda row: (-row[1], row[0])))


def _rejections(workspace: Workspace, rejected: QuerySet[Conversion], since: datetime) -> tuple[Drop, ...]:
    """Count rejected conversions by the reason that was given, which stands on the event."""
    gone = set(rejected.order_by().values_list("public_id", flat=True))
    if not gone:
        return ()
    # An event is made after its conversion came in; its public id carries real time, also in a sandbox.
    oldest = f"evt_{str(ULID.from_datetime(since - workspace.clock_offset)).lower()}"
    told = Event.objects.for_workspace(workspace).filter(
        public_id__gte=oldest, kind="conversion.rejected", data__conversion__in=list(gone)
    )
    reasons = Counter(told.values_list("data__reason", flat=True))
    return tuple(Drop(code, n) for code, n in sorted(reasons.items(), key=lambda row: (-row[1], row[0])))
