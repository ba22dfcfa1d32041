"""Bringing rewards in line with what is known against them now: held, denied, or taken up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.services import SYSTEM
from rewards.models import Reward, RewardChange
from rewards.services.ledger import Movement, expense, wallet
from rewards.services.steps import Step, take_steps, tell
from tracking.case_queries import DOUBTS
from tracking.models import Conversion

Key = tuple[str, str, int]
"""What makes a reward the same promise: the rule, the side, the referral."""

CLOSED = (Reward.Status.DENIED, Reward.Status.REVERSED, Reward.Status.EXPIRED)
_OPEN = (Reward.Status.PENDING, Reward.Status.HELD)


def key_of(reward: Reward) -> Key:
    """Return what a conversion's reward is known by."""
    return reward.rule_key, reward.side, reward.referral_id


def is_withdrawn(reward: Reward, wanted: Mapping[Key, Reward]) -> bool:
    """Tell whether the decisions that stand no longer promise the reward, or a judgement denies it."""
    now = wanted.get(key_of(reward))
    return now is None or (now.status == Reward.Status.DENIED and now.reason in DOUBTS)


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
        if reward.status in _OPEN and is_withdrawn(reward, wanted):
            steps.append(_denied(reward, now, movements, at))
        elif now is None or now.status not in _OPEN:
            continue
        elif reward.status == Reward.Status.DENIED and reward.reason in DOUBTS:
            steps.append(_reopened(reward, now, movements, at))
        elif reward.status in _OPEN:
            step = _moved(reward, now)
            if step is not None:
                steps.append(step)
        if reward.status in _OPEN and now is not None and now.base_minor != reward.base_minor:
            movements += _adjusted(reward, now, at)
    take_steps(workspace=fact.workspace, steps=steps, actor=SYSTEM, at=at)
    for step in steps:
        if step.reason == _TAKEN_UP:
            tell("reward.created", reward=step.reward, at=at)
    return movements


_TAKEN_UP = "The judgement behind it was changed."


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


def _adjusted(reward: Reward, now: Reward, at: datetime) -> list[Movement]:
    """Make a reward that nobody has approved yet follow its share of the order."""
    delta = now.amount_minor - reward.amount_minor
    if now.amount_minor < reward.reversed_minor:
        return []
    reward.base_minor, reward.amount_minor, reward.sentence = now.base_minor, now.amount_minor, now.sentence
    reward.save(update_fields=["base_minor", "amount_minor", "sentence"])
    if not delta:
        return []
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


def _steps_of(reward: Reward) -> int:
    """Count a reward's steps: part of a transfer's key, so that a second denial is not the first again."""
    return RewardChange.objects.for_workspace(reward.workspace_id).filter(reward=reward).count()
