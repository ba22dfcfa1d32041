"""How far a participant has come towards the tiers and the milestones of the program's rewards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

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
from rewards import queries as reward_queries
from rewards.periods import period_bounds

PERIOD_WORDS: Final[dict[TierPeriod, str]] = {"lifetime": "", "year": "this year", "month": "this month"}


@dataclass(frozen=True, slots=True)
class Goal:
    """The next milestone of one reward: what it gives, and how far it is.

    `reached` says that a milestone that counts once is behind; `done` and `of` are counted alike, for a bar.
    A streak's `note` tells the longest, where it is longer than the one that goes on.
    """

    prize: str
    words: str
    done: int
    of: int
    reached: bool
    note: str = ""


def tiered_rule(terms: ProgramTerms) -> RewardRule | None:
    """Return the first of the referrer's rewards that has tiers."""
    return next((rule for rule in terms.rewards if rule.side == "referrer" and rule.tiers), None)


def tier_progress(participant: Participant, terms: ProgramTerms, rule: RewardRule, at: datetime) -> int:
    """Return what the rule's tiers count in the period that `at` lies in: friends, or net revenue."""
    span = period_bounds(rule.tier_period, at, ZoneInfo(participant.workspace.time_zone))
    if rule.tier_basis == "revenue":
        return reward_queries.revenue(participant, terms.currency, span=span).now
    return reward_queries.converted_friends(participant, span).count()


def goals_of(participant: Participant, terms: ProgramTerms, at: datetime) -> tuple[Goal, ...]:
    """Return the next milestone of each reward that has one, each way of counting read once."""
    counted: dict[MilestoneBasis, _Counted] = {}
    rules = [rule for rule in terms.rewards if rule.milestone is not None]
    given = reward_queries.milestones_given(participant) if rules else {}
    goals = []
    for rule in rules:
        milestone = rule.milestone
        assert milestone is not None
        basis, step = milestone.basis, milestone.at_least
        if basis not in counted:
            counted[basis] = _counted(participant, terms, basis, at)
        found = counted[basis]
        # A milestone that was given stays, also where a refund of something else leads below it again.
        kept = 0 if basis == "streak" and milestone.repeat else max(given.get(rule.key, ()), default=0)
        best = max(kept, found.now) if milestone.repeat else max(kept, found.now, found.best)
        reached = not milestone.repeat and best >= step
        of = (best // step + 1) * step if milestone.repeat else step
        done = of if reached else min(found.now, of)
        here = display(done, terms.currency) if basis == "revenue" else str(done)
        goals.append(
            Goal(
                prize=prize_words(rule, terms.currency),
                words=f"{here} of {progress_text(basis, of, terms.currency)}",
                done=done,
                of=of,
                reached=reached,
                note=_longest_words(found) if basis == "streak" and not reached else "",
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


@dataclass(frozen=True, slots=True)
class _Counted:
    """How far somebody is now, and the best there ever was: the two differ for months in a row only."""

    now: int
    best: int


def _counted(participant: Participant, terms: ProgramTerms, basis: MilestoneBasis, at: datetime) -> _Counted:
    if basis == "revenue":
        now = reward_queries.revenue(participant, terms.currency).now
    elif basis == "friends":
        now = reward_queries.converted_friends(participant).count()
    else:
        found = reward_queries.streaks(participant, at, ZoneInfo(participant.workspace.time_zone))
        return _Counted(found.current, found.longest)
    return _Counted(now, now)


def _longest_words(found: _Counted) -> str:
    if found.best <= found.now:
        return ""
    return f"Your longest: {found.best} month{'' if found.best == 1 else 's'} in a row"
