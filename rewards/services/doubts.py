"""Bringing rewards in line with what is known against them now: held, denied, or taken up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from accounts.services import SYSTEM
from programs.queries import terms_of
from rewards.calculation import reversed_total
from rewards.models import Reward, RewardChange
from rewards.services.allowances import DIVISIBLE, Allowances, cut, follow, limits_on
from rewards.services.ledger import Movement, expense, wallet
from rewards.services.promises import Key, key_of
from rewards.services.steps import Step, take_steps, tell
from tracking.case_queries import DOUBTS
from tracking.models import Conversion

NO_RATE: Final = "currency_differs"
"""Why a reward is held whose order nobody can convert yet."""

_OPEN = (Reward.Status.PENDING, Reward.Status.HELD)
_ELSEWHERE: Final = "credited_elsewhere"

_OF_LINES: Final = frozenset({"no_lines", "no_items", "margin_unknown", "zero_amount"})
"""Why nothing is owed for what was bought, which a shop may edit; other promises were kept when made."""

_RATE_KNOWN = "An exchange rate is known now."
_TAKEN_UP = "The judgement behind it was changed."


def is_withdrawn(reward: Reward, wanted: Mapping[Key, Reward]) -> bool:
    """Tell whether the decisions that stand no longer promise the reward, or a judgement denies it.

    A gift that cannot be divided goes along when somebody else has the largest share now.
    What a tier added goes with the promise it was added to: a tier that was reached is kept.
    """
    now = promise_of(reward, wanted)
    return now is None or (now.status == Reward.Status.DENIED and now.reason in {*DOUBTS, _ELSEWHERE})


def promise_of(reward: Reward, wanted: Mapping[Key, Reward]) -> Reward | None:
    """Return the promise a reward is by now; of what a tier added, the one that it was added to."""
    rule, side, referral, _, milestone = key_of(reward)
    return wanted.get((rule, side, referral, 0, milestone))


def agree(
    fact: Conversion, rewards: Sequence[Reward], wanted: Mapping[Key, Reward], at: datetime
) -> list[Movement]:
    """Hold, release, deny or reopen known rewards as their promises stand now; returns what moves.

    Those that were approved meanwhile are left to be taken back. What a person denied stays denied.
    """
    movements: list[Movement] = []
    steps: list[Step] = []
    for reward in rewards:
        now = wanted.get(key_of(reward))
        if now is None and reward.step:
            now = wanted.get((*key_of(reward)[:3], 0, ""))
        if _waits_for_rate(reward) and now is not None and now.reason != NO_RATE:
            steps.append(_worked_out(fact, reward, now, movements, at, _RATE_KNOWN))
        elif reward.status in _OPEN and is_withdrawn(reward, wanted):
            steps.append(_denied(reward, now, movements, at))
        elif now is None or now.status not in _OPEN:
            continue
        elif reward.status == Reward.Status.DENIED and reward.reason == _ELSEWHERE and not _was_open(reward):
            steps.append(_worked_out(fact, reward, now, movements, at, _TAKEN_UP))
        elif reward.status == Reward.Status.DENIED and reward.reason in {*DOUBTS, _ELSEWHERE}:
            steps.append(_reopened(reward, now, movements, at))
        elif reward.status in _OPEN:
            step = _moved(reward, now)
            if step is not None:
                steps.append(step)
        if (
            reward.status in _OPEN
            and now is not None
            and (now.status in _OPEN or now.reason in _OF_LINES)
            and key_of(now) == key_of(reward)
            and (now.base_minor, now.weight_ppm) != (reward.base_minor, reward.weight_ppm)
            and NO_RATE not in (now.reason, reward.reason)
        ):
            movements += _adjusted(fact, reward, now, at)
    take_steps(workspace=fact.workspace, steps=steps, actor=SYSTEM, at=at)
    for step in steps:
        if step.reason == _TAKEN_UP:
            tell("reward.created", reward=step.reward, at=at)
    return movements


def _waits_for_rate(reward: Reward) -> bool:
    return reward.status == Reward.Status.HELD and reward.reason == NO_RATE


def _was_open(reward: Reward) -> bool:
    """Tell whether a denied reward was promised once: then it is worth what it was."""
    changes = RewardChange.objects.for_workspace(reward.workspace_id).filter(reward=reward)
    return changes.filter(after__in=_OPEN).exists()


def _worked_out(
    fact: Conversion, reward: Reward, now: Reward, movements: list[Movement], at: datetime, why: str
) -> Step:
    """Give a reward that was worth nothing yet, without a rate or as another's gift, what it is worth now."""
    stood = reward.status, reward.reason
    for name in (*_WORTH, "fulfilment"):
        setattr(reward, name, getattr(now, name))
    refused = now.status == Reward.Status.DENIED
    if not refused:
        terms = terms_of(now.version)
        reward.status, reward.reason = now.status, now.reason
        limits = limits_on(reward, terms, fact.occurred_at, ZoneInfo(fact.workspace.time_zone))
        allowances = Allowances(fact.workspace, [(reward, limits)])
        allowances.fit(reward)
        allowances.save(at=at)
        refused = reward.status == Reward.Status.DENIED
    after, code = (reward.status, reward.reason) if not refused else (Reward.Status.DENIED, now.reason)
    if refused and reward.reason == "cap_reached":
        code = reward.reason
    reward.status, reward.reason = stood
    # The gift too: which discount or product it is was not worked out before.
    reward.save(update_fields=[*_WORTH, "fulfilment"])
    if not refused and reward.amount_minor:
        movements.append(
            Movement(
                key=f"reward:{reward.public_id}:accrue",
                debit=expense(reward.unit),
                credit=wallet(reward.customer_id, reward.unit),
                amount_minor=reward.amount_minor,
                memo=f"Promised for {fact.public_id}",
                reward=reward,
                at=at,
            )
        )
    return Step(
        reward,
        after=after,
        amount_minor=0 if refused else reward.amount_minor,
        reason=why,
        code=code,
    )


_WORTH = (
    "weight_ppm",
    "base_minor",
    "amount_minor",
    "sentence",
    "tier",
    "original_minor",
    "original_currency",
    "rate",
    "rate_source",
    "rate_on",
    "reporting_minor",
    "reporting_currency",
    "reporting_rate",
    "reporting_source",
    "reporting_on",
)
"""What a reward is worth, and how that was converted."""


def _moved(reward: Reward, now: Reward) -> Step | None:
    """Return the step of a reward that is on hold, or was, for a doubt."""
    if now.status == Reward.Status.HELD and now.reason in DOUBTS:
        if (reward.status, reward.reason) == (now.status, now.reason) or reward.reason not in {"", *DOUBTS}:
            return None
        return Step(reward, after=Reward.Status.HELD, reason="A doubt has to be cleared.", code=now.reason)
    if reward.status == Reward.Status.HELD and reward.reason in DOUBTS and now.reason not in DOUBTS:
        return Step(reward, after=now.status, reason="The doubt was cleared.", code=now.reason)
    return None


def _denied(reward: Reward, now: Reward | None, movements: list[Movement], at: datetime) -> Step:
    if reward.net_minor:
        movements.append(
            Movement(
                key=f"reward:{reward.public_id}:deny:{_steps_of(reward)}",
                debit=wallet(reward.customer_id, reward.unit),
                credit=expense(reward.unit),
                amount_minor=reward.net_minor,
                memo="Denied",
                reward=reward,
                at=at,
            )
        )
    return Step(
        reward,
        after=Reward.Status.DENIED,
        amount_minor=-reward.net_minor,
        reason="Nobody is owed it after the decision was changed."
        if now is None
        else "A judgement denies it.",
        code="decided_anew" if now is None else now.reason,
        event="reward.reversed",
    )


def _reopened(reward: Reward, now: Reward, movements: list[Movement], at: datetime) -> Step:
    if reward.net_minor:
        movements.append(
            Movement(
                key=f"reward:{reward.public_id}:accrue:{_steps_of(reward)}",
                debit=expense(reward.unit),
                credit=wallet(reward.customer_id, reward.unit),
                amount_minor=reward.net_minor,
                memo="Taken up again",
                reward=reward,
                at=at,
            )
        )
    return Step(reward, after=now.status, amount_minor=reward.net_minor, reason=_TAKEN_UP, code=now.reason)


def _adjusted(fact: Conversion, reward: Reward, now: Reward, at: datetime) -> list[Movement]:
    """Make a reward that nobody has approved yet follow its share of the order, as far as its caps allow."""
    before, amount_minor = reward.net_minor, _within_caps(fact, reward, now)
    for name in _WORTH:
        setattr(reward, name, getattr(now, name))
    cut(reward, amount_minor)
    # Of a smaller reward its refunds took less; what they take of a larger one comes with the refunds.
    taken_minor = reversed_total(
        reward_minor=amount_minor, order_minor=fact.amount_minor, refunded_minor=fact.refunded_minor
    )
    reward.reversed_minor = min(reward.reversed_minor, taken_minor)
    reward.save(update_fields=[*_WORTH, "reversed_minor"])
    delta = reward.net_minor - before
    if not delta:
        return []
    follow(workspace=reward.workspace, rewards=[reward])
    places = expense(reward.unit), wallet(reward.customer_id, reward.unit)
    RewardChange.objects.create(
        workspace_id=reward.workspace_id,
        reward=reward,
        before=reward.status,
        after=reward.status,
        actor=SYSTEM.label,
        reason="The share of the order was decided anew.",
        amount_minor=delta,
        at=at,
    )
    return [
        Movement(
            key=f"reward:{reward.public_id}:adjust:{_steps_of(reward)}",
            debit=places[0] if delta > 0 else places[1],
            credit=places[1] if delta > 0 else places[0],
            amount_minor=abs(delta),
            memo="The share was decided anew",
            reward=reward,
            at=at,
        )
    ]


def _within_caps(fact: Conversion, reward: Reward, now: Reward) -> int:
    """Return what a reward may come to by its share now: it grows by what its caps leave, if at all."""
    more = now.amount_minor - reward.amount_minor
    terms = terms_of(reward.version)
    if more <= 0 or not terms.caps:
        return now.amount_minor
    limits = limits_on(reward, terms, fact.occurred_at, ZoneInfo(fact.workspace.time_zone))
    room = Allowances(fact.workspace, [(reward, limits)]).room(reward)
    if room is None or room >= more:
        return now.amount_minor
    return reward.amount_minor + (room if reward.kind in DIVISIBLE else 0)


def _steps_of(reward: Reward) -> int:
    """Count a reward's steps: part of a transfer's key, so that a second denial is not the first again."""
    return RewardChange.objects.for_workspace(reward.workspace_id).filter(reward=reward).count()
