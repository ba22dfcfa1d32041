"""Taking rewards back as far as their order was refunded, and giving back what a wrong refund took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.services import SYSTEM
from core.money import display
from rewards.calculation import reversed_total
from rewards.models import Account, Fulfilment, Reward, RewardChange
from rewards.services.doubts import NO_RATE, is_withdrawn, promise_of
from rewards.services.ledger import Movement, Place, expense, standing, wallet
from rewards.services.promises import Key, is_undone
from rewards.services.recall import restore_fulfilments, withdraw_fulfilments
from rewards.services.steps import Step, step_counts, take_steps
from tracking.models import Conversion

_SETTLED = (Reward.Status.DENIED, Reward.Status.EXPIRED)
"""Statuses that no refund changes: nothing of the reward is left."""
_SPENDABLE = (Reward.Kind.CREDIT, Reward.Kind.POINTS)


def reverse(
    fact: Conversion, rewards: Sequence[Reward], wanted: Mapping[Key, Reward], at: datetime
) -> list[Movement]:
    """Make what is taken back of each reward match the refunds of its order; returns what moves.

    In proportion to all that was refunded so far, rounded once, so that refunds in any order and number end
    at the same sum. What has been paid, or is on its way, keeps its status: the debt shows in the balance. A
    refund that was reinstated gives back its part, and an ended reward the status it had.
    """
    due = []
    for reward in rewards:
        withdrawn = is_withdrawn(reward, wanted)
        total = _owed_back(reward, fact, withdrawn)
        gone = total == reward.amount_minor if reward.amount_minor else withdrawn or is_undone(fact)
        stays = reward.status == Reward.Status.PAID or reward.payout_id is not None
        ends = gone and not stays and reward.status not in (*_SETTLED, Reward.Status.REVERSED)
        returns = reward.status == Reward.Status.REVERSED and not gone
        if total != reward.reversed_minor or ends or returns:
            due.append((reward, total, ends, returns, withdrawn))
    if not due:
        return []
    counts = step_counts(workspace=fact.workspace, rewards=[reward for reward, *_ in due])
    movements: list[Movement] = []
    steps: list[Step] = []
    ended: list[Reward] = []
    returned: list[Reward] = []
    for reward, total, ends, returns, withdrawn in due:
        delta = total - reward.reversed_minor
        before = standing(reward)
        reward.reversed_minor = total
        after, code = reward.status, None
        if ends:
            after = Reward.Status.REVERSED
            ended.append(reward)
        elif returns:
            after, code = _returned(reward, wanted)
            returned.append(reward)
        place = _place(reward, after) if returns else before
        lapsed = min(max(delta, 0), reward.expired_minor)
        if lapsed:
            # What lapsed is taken first: its owner never had it, and owes no more than was spent.
            reward.expired_minor -= lapsed
            gone_already = Place(Account.Kind.EXPIRED, reward.unit, reward.customer_id)
            movements.append(
                _movement(fact, reward, lapsed, gone_already, f"{counts[reward.pk]}:expired", at)
            )
        if delta - lapsed:
            movements.append(_movement(fact, reward, delta - lapsed, place, f"{counts[reward.pk]}", at))
        if after == Reward.Status.REDEEMED and reward.unused_minor > 0 and reward.kind in _SPENDABLE:
            # There is something to spend again; after its time it lapses with the next run.
            after = Reward.Status.ISSUED
        steps.append(
            Step(
                reward,
                after=after,
                amount_minor=-delta,
                reason=_why(fact, withdrawn, delta),
                code=code,
                event="reward.reversed" if delta > 0 or ends else "reward.restored",
            )
        )
    take_steps(workspace=fact.workspace, steps=steps, actor=SYSTEM, at=at)
    withdraw_fulfilments(workspace=fact.workspace, rewards=ended, at=at)
    restore_fulfilments(workspace=fact.workspace, rewards=returned, at=at)
    return movements


def _owed_back(reward: Reward, fact: Conversion, withdrawn: bool) -> int:
    """Return how much of a reward the conversion's refunds, or a later judgement, take back in all."""
    if reward.status in _SETTLED:
        return reward.reversed_minor
    if withdrawn or is_undone(fact):
        return reward.amount_minor
    if reward.milestone_key:
        # A milestone is no part of the order it was reached with: it goes with all of it or not at all.
        return 0
    return reversed_total(
        reward_minor=reward.amount_minor, order_minor=fact.amount_minor, refunded_minor=fact.refunded_minor
    )


def _movement(
    fact: Conversion, reward: Reward, delta: int, place: Place, mark: str, at: datetime
) -> Movement:
    places = (place, expense(reward.unit)) if delta > 0 else (expense(reward.unit), place)
    return Movement(
        # The reward's row is held: its next step has this number once, whoever takes it.
        key=f"reward:{reward.public_id}:back:{mark}",
        debit=places[0],
        credit=places[1],
        amount_minor=abs(delta),
        memo=f"Taken back for {fact.public_id}" if delta > 0 else f"Given back for {fact.public_id}",
        reward=reward,
        at=at,
    )


def _place(reward: Reward, status: str) -> Place:
    """Name the account a reward's value stands in with a status."""
    if status in (Reward.Status.PENDING, Reward.Status.HELD):
        return wallet(reward.customer_id, reward.unit)
    return Place(reward.destination_kind, reward.unit, reward.customer_id)


def _returned(reward: Reward, wanted: Mapping[Key, Reward]) -> tuple[str, str | None]:
    """Return the status a reward comes back to, and its reason where that is another one now.

    What was on hold is so for the doubts there are now: one may have come, or been cleared, meanwhile.
    """
    before = _status_before(reward)
    now = promise_of(reward, wanted)
    on_hold = (Reward.Status.PENDING, Reward.Status.HELD)
    if before not in on_hold or reward.reason == NO_RATE or now is None or now.status not in on_hold:
        return before, None
    return now.status, now.reason


def _status_before(reward: Reward) -> str:
    """Return the status a reward had before it was taken back; approved where it was called off by that.

    A code that was withdrawn has to be given anew. What its owner kept, like a code that was used or a
    product that was sent, is given still; credit and points are there at once.
    """
    last = (
        RewardChange.objects.for_workspace(reward.workspace_id)
        .filter(reward=reward, after=Reward.Status.REVERSED)
        .exclude(before__in=("", Reward.Status.REVERSED))
        .order_by("-pk")
        .first()
    )
    before = last.before if last is not None else Reward.Status.PENDING
    if before == Reward.Status.DENIED:
        return Reward.Status.PENDING
    called_off = Fulfilment.objects.for_workspace(reward.workspace_id).filter(
        reward=reward, status=Fulfilment.Status.CANCELLED
    )
    if before in (Reward.Status.ISSUED, Reward.Status.REDEEMED) and called_off.exists():
        return Reward.Status.APPROVED
    return before


def _why(fact: Conversion, withdrawn: bool, delta: int) -> str:
    if delta < 0:
        return "What took it back was undone."
    if withdrawn and not is_undone(fact):
        return "The decision behind it was changed."
    if fact.status == Conversion.Status.REJECTED:
        return "The conversion was rejected."
    refunded = display(fact.refunded_minor, fact.currency)
    return f"{refunded} of {display(fact.amount_minor, fact.currency)} refunded."
