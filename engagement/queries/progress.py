"""How far a participant has come towards the tiers and the milestones of the program's rewards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet, Sum

from core.money import display
from programs.models import Participant
from programs.terms import (
    KIND_WORDS,
    MONEY_KINDS,
    MilestoneBasis,
    ProgramTerms,
    RewardRule,
    TierPeriod,
    amount_text,
    gift_name,
    progress_text,
)
from rewards.milestones import longest_streak
from tracking.models import Conversion, Credit, Referral

PERIOD_WORDS: Final[dict[TierPeriod, str]] = {"lifetime": "", "year": "this year", "month": "this month"}


@dataclass(frozen=True, slots=True)
class Goal:
    """The next milestone of one reward: what it gives, and how far it is.

    `reached` says that a milestone that counts once is behind; `done` and `of` are counted alike, for a bar.
    """

    prize: str
    words: str
    done: int
    of: int
    reached: bool


def tiered_rule(terms: ProgramTerms) -> RewardRule | None:
    """Return the first of the referrer's rewards that has tiers."""
    return next((rule for rule in terms.rewards if rule.side == "referrer" and rule.tiers), None)


def tier_progress(participant: Participant, terms: ProgramTerms, rule: RewardRule, at: datetime) -> int:
    """Return the friends who converted, or what they spent, in the tier period that `at` lies in."""
    since = _start(rule.tier_period, at, ZoneInfo(participant.workspace.time_zone))
    if rule.tier_basis == "revenue":
        return _revenue(participant, terms.currency, since)
    rows = _converted(participant)
    return (rows if since is None else rows.filter(converted_at__gte=since)).count()


def goals_of(participant: Participant, terms: ProgramTerms) -> tuple[Goal, ...]:
    """Return the next milestone of each reward that has one, at most a query for each way of counting."""
    counted: dict[MilestoneBasis, int] = {}
    goals = []
    for rule in terms.rewards:
        milestone = rule.milestone
        if milestone is None:
            continue
        basis = milestone.basis
        if basis not in counted:
            counted[basis] = _counted(participant, terms, basis)
        done, step = counted[basis], milestone.at_least
        of = (done // step + 1) * step if milestone.repeat else step
        here = display(min(done, of), terms.currency) if basis == "revenue" else str(min(done, of))
        goals.append(
            Goal(
                prize=prize_words(rule, terms.currency),
                words=f"{here} of {progress_text(basis, of, terms.currency)}",
                done=min(done, of),
                of=of,
                reached=done >= of,
            )
        )
    return tuple(goals)


def prize_words(rule: RewardRule, currency: str) -> str:
    """Say what a reward gives in a few words: "€50.00 as store credit", "a dinner"."""
    if name := gift_name(rule):
        return name
    if rule.discount is not None:
        return f"{amount_text(rule, rule.discount, currency)} off"
    text = "" if rule.amount is None else amount_text(rule, rule.amount, currency)
    return f"{text} as {KIND_WORDS[rule.kind]}" if rule.kind in MONEY_KINDS else text


def _counted(participant: Participant, terms: ProgramTerms, basis: MilestoneBasis) -> int:
    if basis == "revenue":
        return _revenue(participant, terms.currency, None)
    rows = _converted(participant)
    if basis == "friends":
        return rows.count()
    zone = ZoneInfo(participant.workspace.time_zone)
    moments = (at.astimezone(zone) for at in rows.values_list("converted_at", flat=True) if at is not None)
    return longest_streak((moment.year, moment.month) for moment in moments)


def _converted(participant: Participant) -> QuerySet[Referral]:
    rows: QuerySet[Referral] = Referral.objects.for_workspace(participant.workspace_id)
    return rows.filter(participant=participant, converted_at__isnull=False).exclude(
        status=Referral.Status.REJECTED
    )


def _revenue(participant: Participant, currency: str, since: datetime | None) -> int:
    """Return what the participant was credited with, in the program's currency."""
    rows = Credit.objects.for_workspace(participant.workspace_id).filter(
        participant=participant, currency=currency
    )
    if since is not None:
        rows = rows.filter(occurred_at__gte=since)
    found = rows.exclude(conversion__status=Conversion.Status.REJECTED).aggregate(sum=Sum("amount_minor"))
    return int(found["sum"] or 0)


def _start(period: TierPeriod, at: datetime, zone: ZoneInfo) -> datetime | None:
    if period == "lifetime":
        return None
    local = at.astimezone(zone)
    month = 1 if period == "year" else local.month
    return local.replace(month=month, day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
