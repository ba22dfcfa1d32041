"""Which season of a program counts for something that happened, and for whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from programs.condition_facts import PERSON_FACTS
from programs.conditions import Facts, Group, may_hold
from programs.terms import read_conditions
from programs.terms.reader import FieldError, Reader

Standing = Literal["coming", "running", "over", "stopped"]

ONE: Final = 10_000
"""The multiplier that changes nothing, in basis points."""
SMALLEST_MULTIPLIER: Final = 10_100
LARGEST_MULTIPLIER: Final = 100_000
NOTICE: Final = timedelta(days=7)
"""How long before its start a season is announced."""


class Season(Protocol):
    """What the functions below read of a promotion; `ends_at` is the first instant after it."""

    @property
    def pk(self) -> Any: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def stopped_at(self) -> datetime | None: ...
    @property
    def audience(self) -> Mapping[str, Any]: ...


AnySeason = TypeVar("AnySeason", bound=Season)


@dataclass(frozen=True, slots=True)
class Member:
    """What an audience is told apart by: a participant's country ("": unknown) and when they enrolled.

    `facts` are what its conditions ask for. Before there is an order nobody knows whose it will be: then
    `friend_known` is false, and what is asked of the customer keeps nobody out.
    """

    country: str
    enrolled_at: datetime
    facts: Facts = field(default_factory=Facts)
    friend_known: bool = True


def promotion_for(promotions: Iterable[AnySeason], at: datetime, member: Member) -> AnySeason | None:
    """Return the promotion that counts for what a participant brought about at an instant, or None.

    Of several the one that was made first counts; they are never added up. One that was stopped counts for
    what happened before.
    """
    for promotion in sorted(promotions, key=lambda each: each.pk):
        if promotion.starts_at <= at < end_of(promotion) and in_audience(promotion.audience, member):
            return promotion
    return None


def end_of(promotion: Season) -> datetime:
    """Return the first instant at which a promotion no longer counts."""
    if promotion.stopped_at is None:
        return promotion.ends_at
    return min(promotion.stopped_at, promotion.ends_at)


def standing(promotion: Season, at: datetime) -> Standing:
    """Return how a promotion stands at an instant; one that was stopped after its end is over."""
    if promotion.stopped_at is not None and promotion.stopped_at < promotion.ends_at:
        return "stopped"
    if at < promotion.starts_at:
        return "coming"
    return "running" if at < promotion.ends_at else "over"


def announced(promotions: Iterable[AnySeason], at: datetime, member: Member) -> AnySeason | None:
    """Return the next promotion that starts within a week of an instant for a participant, or None."""
    coming = [
        promotion
        for promotion in promotions
        if promotion.stopped_at is None
        and at < promotion.starts_at <= at + NOTICE
        and in_audience(promotion.audience, member)
    ]
    return min(coming, key=lambda each: (each.starts_at, each.pk), default=None)


def in_audience(audience: Mapping[str, Any], member: Member) -> bool:
    """Tell whether one belongs to an audience: {countries, enrolled_from, enrolled_until, conditions}.

    The two times are instants in ISO 8601, the second is the first one after. Empty is everybody. Where
    countries are named, somebody whose country is not known does not belong.
    """
    countries = audience.get("countries") or ()
    if countries and member.country not in countries:
        return False
    first, after = instant(audience.get("enrolled_from")), instant(audience.get("enrolled_until"))
    if first is not None and member.enrolled_at < first:
        return False
    if after is not None and member.enrolled_at >= after:
        return False
    tree = conditions_of(audience)
    if tree is None:
        return True
    asked_of_friend = frozenset(name for name in tree.facts() if name.startswith("customer."))
    return may_hold(tree, member.facts, open_facts=frozenset() if member.friend_known else asked_of_friend)


def conditions_of(audience: Mapping[str, Any], errors: list[FieldError] | None = None) -> Group | None:
    """Read an audience's conditions; what is wrong in them goes to `errors`, named from `audience.` on."""
    reader = Reader({"conditions": audience.get("conditions")}, [] if errors is None else errors, "audience.")
    return read_conditions(reader.child("conditions"), known=PERSON_FACTS)


def asked_by(promotions: Iterable[Season]) -> frozenset[str]:
    """Return the facts that the audiences of promotions ask for."""
    trees = (conditions_of(each.audience) for each in promotions)
    return frozenset(name for tree in trees if tree is not None for name in tree.facts())


def season(starts_on: date, ends_on: date, zone: str) -> tuple[datetime, datetime]:
    """Return the first instant of the first day and the first one after the last day, in UTC.

    Days are those of the zone, 23 or 25 hours long where its clocks change; where they jump over midnight
    the day starts with the jump, where midnight comes twice, with the first.
    """
    return day_start(starts_on, zone), day_start(ends_on + timedelta(days=1), zone)


def day_start(on: date, zone: str) -> datetime:
    """Return the first instant of a day in a zone, in UTC."""
    return datetime.combine(on, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def instant(text: str | None) -> datetime | None:
    """Read an instant of an audience; one without a zone is in UTC."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def months(first_on: date, many: int) -> list[tuple[date, date]]:
    """Return the first and the last day of `many` months, beginning with the one that `first_on` lies in."""
    found = []
    year, month = first_on.year, first_on.month
    for _ in range(many):
        following = (year + 1, 1) if month == 12 else (year, month + 1)
        found.append((date(year, month, 1), date(*following, 1) - timedelta(days=1)))
        year, month = following
    return found


def multiplier_text(bps: int) -> str:
    """Write a multiplier for people: 20000 is "2×", 15000 is "1.5×"."""
    text = f"{bps // ONE}.{bps % ONE:04d}".rstrip("0").rstrip(".")
    return f"{text}×"
