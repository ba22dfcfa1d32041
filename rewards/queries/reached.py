"""Reads about how far a participant has come: friends and revenue in a period, months in a row.

Only what stands counts: a friend with a conversion that was neither refunded in full nor rejected, and
revenue without what was refunded. Revenue in another currency is converted at the rate of its day; without
one it does not count yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from accounts.models import Workspace
from core.money import prorate
from programs.models import Participant
from programs.queries import terms_of
from rewards.exchange import Rate, convert
from rewards.milestones import Month, longest_streak, streak_until
from rewards.models import Reward
from rewards.periods import month_number, period_bounds
from rewards.queries.rates import rates_for
from tracking.models import Conversion, Credit, Referral

Span = tuple[datetime, datetime] | None
"""From an instant to before another one; None for ever."""

_STANDING = (Conversion.Status.RECORDED, Conversion.Status.PARTLY_REFUNDED)


def all_converted_friends(workspace: Workspace | int) -> QuerySet[Referral]:
    """Return the friends whom anybody brought who bought and did not give everything back."""
    bought = Conversion.objects.for_workspace(workspace).filter(
        Q(kind=Conversion.Kind.PURCHASE) | Q(kind=Conversion.Kind.CUSTOM),
        customer_id=OuterRef("customer_id"),
        status__in=_STANDING,
    )
    return (
        Referral.objects.for_workspace(workspace)
        .filter(Exists(bought), converted_at__isnull=False)
        .exclude(status=Referral.Status.REJECTED)
    )


def converted_friends(participant: Participant, span: Span = None) -> QuerySet[Referral]:
    """Return the friends a participant brought who bought and did not give everything back."""
    rows = all_converted_friends(participant.workspace_id).filter(participant=participant)
    return rows if span is None else rows.filter(converted_at__gte=span[0], converted_at__lt=span[1])


def friends_of(workspace: Workspace, participants: Collection[int]) -> dict[int, int]:
    """Count the friends of participants, as `converted_friends` does; whoever has none is left out."""
    rows = all_converted_friends(workspace).filter(participant__in=participants).order_by()
    return dict(rows.values_list("participant_id").annotate(rows=Count("pk")))


@dataclass(frozen=True, slots=True)
class Revenue:
    """What a participant's friends brought in the program's minor unit: before an event, and by now."""

    before: int
    now: int


def revenue(
    participant: Participant, currency: str, *, span: Span = None, until: tuple[datetime, int] | None = None
) -> Revenue:
    """Return a participant's credited net revenue; `until` is a conversion's time and key, which is left out.

    What was refunded in part counts by what is left of it.
    """
    rows = (
        Credit.objects.for_workspace(participant.workspace_id)
        .filter(
            participant=participant,
            weight_ppm__gt=0,
            amount_minor__gt=0,
            conversion__status__in=_STANDING,
        )
        .order_by()
    )
    if span is not None:
        rows = rows.filter(occurred_at__gte=span[0], occurred_at__lt=span[1])
    earlier = (
        Q(occurred_at__lt=until[0]) | Q(occurred_at=until[0], conversion_id__lt=until[1]) if until else Q()
    )
    plain = Q(currency=currency, conversion__refunded_minor=0)
    sums = rows.filter(plain).aggregate(now=Sum("amount_minor"), before=Sum("amount_minor", filter=earlier))
    now, before = sums["now"] or 0, sums["before"] or 0
    others = rows.exclude(plain).select_related("conversion")
    for credit, amount_minor in _converted(participant, list(others), currency):
        now += amount_minor
        if until is None or (credit.occurred_at, credit.conversion_id) < until:
            before += amount_minor
    return Revenue(before, now)


def _converted(participant: Participant, credits: list[Credit], currency: str) -> list[tuple[Credit, int]]:
    pairs = {(credit.currency, currency, credit.occurred_at.date()) for credit in credits}
    rates: Mapping[tuple[str, str, date], Rate | None] = (
        rates_for(participant.workspace, pairs) if pairs else {}
    )
    found = []
    for credit in credits:
        rate = rates[credit.currency, currency, credit.occurred_at.date()]
        fact = credit.conversion
        net = credit.amount_minor - prorate(credit.amount_minor, fact.refunded_minor, fact.amount_minor)
        if rate is not None:
            found.append((credit, convert(net, credit.currency, currency, rate)))
    return found


def streak(participant: Participant, at: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """Return the first month of the run of months with a converted friend that `at` lies in, and its length.

    Months are counted as in `month_number`; the length is 0 where the month of `at` has none.
    """
    months = _months(participant, zone)
    last = first = month_number(at, zone)
    if last not in months:
        return last, 0
    while first - 1 in months:
        first -= 1
    while last + 1 in months:
        last += 1
    return first, last - first + 1


@dataclass(frozen=True, slots=True)
class Streaks:
    """Months in a row with a converted friend: the run that goes on, and the longest there was."""

    current: int
    longest: int


def streaks(participant: Participant, at: datetime, zone: ZoneInfo) -> Streaks:
    """Return a participant's runs of months as `streak` counts them.

    A run goes on until the next month is over: one that ends with the month before that of `at` is current.
    """
    months = [_month(number) for number in _months(participant, zone)]
    here = month_number(at, zone)
    current = streak_until(months, _month(here)) or streak_until(months, _month(here - 1))
    return Streaks(current, longest_streak(months))


def _months(participant: Participant, zone: ZoneInfo) -> set[int]:
    return {
        month_number(moment, zone)
        for moment in converted_friends(participant).values_list("converted_at", flat=True)
        if moment is not None
    }


def _month(number: int) -> Month:
    return number // 12, number % 12 + 1


def milestones_given(participant: Participant) -> dict[str, list[int]]:
    """Return the milestones a participant has, by the rule's key: what was promised and not taken back."""
    rows = (
        Reward.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant, program_id=participant.program_id)
        .exclude(milestone_key="")
        .exclude(status__in=(Reward.Status.REVERSED, Reward.Status.DENIED))
    )
    found: dict[str, list[int]] = {}
    for rule, key in rows.values_list("rule_key", "milestone_key"):
        found.setdefault(rule, []).append(int(key.rpartition(":")[2]))
    return found


def conversions_below_tier(
    workspace: Workspace, *, conversion: str, participant: str, rule: str, tier: int
) -> list[Conversion]:
    """Return the conversions whose rewards a tier that was reached later adds to, in the order they came.

    None unless the rule is retroactive. `conversion` is the one the tier was reached with; the others lie in
    the same period of the rule.
    """
    rewards = Reward.objects.for_workspace(workspace).filter(
        rule_key=rule, step=0, referral__participant__public_id=participant
    )
    reached = rewards.filter(conversion__public_id=conversion).select_related("version", "conversion").first()
    if reached is None:
        return []
    terms = next((each for each in terms_of(reached.version).rewards if each.key == rule), None)
    if terms is None or terms.tier_mode != "retroactive":
        return []
    span = period_bounds(terms.tier_period, reached.conversion.occurred_at, ZoneInfo(workspace.time_zone))
    below = rewards.filter(tier__lt=tier).exclude(status=Reward.Status.DENIED)
    if span is not None:
        below = below.filter(conversion__occurred_at__gte=span[0], conversion__occurred_at__lt=span[1])
    return list(
        Conversion.objects.for_workspace(workspace).filter(pk__in=below.values("conversion")).order_by("pk")
    )
