"""Makes the rewards and the ledger match a conversion as it stands now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import Workspace
from accounts.services import SYSTEM
from core.money import display
from core.transactions import all_or_nothing
from programs.models import Customer
from rewards.calculation import reversed_total
from rewards.models import Reward, RewardChange
from rewards.services.doubts import CLOSED, Key, agree, is_withdrawn, key_of
from rewards.services.ledger import Movement, expense, lock_wallets, post, standing, wallet
from rewards.services.promises import promised, sources_of
from rewards.services.steps import Step, locked_rows, take_steps, tell
from tracking.models import Conversion


@all_or_nothing
def settle_conversion(*, conversion: Conversion, at: datetime) -> list[Reward]:
    """Create the rewards a conversion's credits earn, and take back what its refunds or rejection undo.

    Repeating it, running it late, or out of order ends in the same rewards and balances. A refused promise is
    stored as denied with its reason, a doubtful one as held; only a rule about another event leaves no row.
    The hold runs from the receipt of the conversion, so that an order reported late is held as long as any,
    and a late run gives the same date. Returns the conversion's rewards, oldest first.
    """
    return settle_conversions(workspace=conversion.workspace, due=[(conversion, at)])


@transaction.atomic(savepoint=False)
def settle_conversions(*, workspace: Workspace, due: Sequence[tuple[Conversion, datetime]]) -> list[Reward]:
    """Settle many conversions of a workspace as `settle_conversion` does, in one go.

    `due` gives each with the time at which its books are written. Returns their rewards, oldest first.
    """
    times = {conversion.pk: at for conversion, at in due}
    if not times:
        return []
    # The customers first, as in the recording of conversions.
    people = {conversion.customer_id for conversion, _ in due}
    customers = {
        customer.pk: customer
        for customer in Customer.objects.for_workspace(workspace)
        .select_for_update(no_key=True)
        .filter(pk__in=people)
        .order_by("pk")
    }
    facts = list(
        Conversion.objects.for_workspace(workspace)
        .select_for_update(no_key=True)
        .filter(pk__in=times)
        .order_by("pk")
    )
    for fact in facts:
        fact.workspace, fact.customer = workspace, customers[fact.customer_id]
    known: defaultdict[int, list[Reward]] = defaultdict(list)
    for reward in Reward.objects.for_workspace(workspace).filter(conversion__in=facts):
        known[reward.conversion_id].append(reward)
    sources = sources_of(workspace, facts)
    fresh: dict[int, list[Reward]] = {}
    wanted: dict[int, dict[Key, Reward]] = {}
    for fact in facts:
        taken = {key_of(reward) for reward in known[fact.pk]}
        wanted[fact.pk] = {key_of(reward): reward for reward in promised(fact, sources, times[fact.pk])}
        fresh[fact.pk] = [reward for key, reward in wanted[fact.pk].items() if key not in taken]
    made = [reward for fact in facts for reward in fresh[fact.pk]]
    before = [reward for rewards in known.values() for reward in rewards]
    lock_wallets(
        workspace=workspace,
        owners={(reward.customer_id, reward.unit) for reward in made + before if reward.amount_minor},
    )
    movements = _create(workspace, made, times)
    standing_now: defaultdict[int, list[Reward]] = defaultdict(list)
    for reward in locked_rows(workspace=workspace, pks=[reward.pk for reward in before]):
        standing_now[reward.conversion_id].append(reward)
    for fact in facts:
        at = times[fact.pk]
        movements += agree(fact, standing_now[fact.pk], wanted[fact.pk], at)
        movements += _reverse(fact, standing_now[fact.pk] + fresh[fact.pk], wanted[fact.pk], at)
    for reward in made:
        if reward.status in (Reward.Status.PENDING, Reward.Status.HELD):
            tell("reward.created", reward=reward, at=times[reward.conversion_id])
    # Last, because every person's movements meet in the expense accounts.
    post(workspace=workspace, movements=movements, at=max(times.values()))
    rewards = [reward for stood in standing_now.values() for reward in stood] + made
    return sorted(rewards, key=lambda reward: reward.pk)


def _create(workspace: Workspace, fresh: list[Reward], times: Mapping[int, datetime]) -> list[Movement]:
    earning = [reward for reward in fresh if reward.status != Reward.Status.DENIED and reward.amount_minor]
    Reward.objects.bulk_create(fresh)
    RewardChange.objects.bulk_create(
        RewardChange(
            workspace=workspace,
            reward=reward,
            after=reward.status,
            actor=SYSTEM.label,
            reason=reward.reason,
            amount_minor=reward.amount_minor if reward in earning else 0,
            at=times[reward.conversion_id],
        )
        for reward in fresh
    )
    return [
        Movement(
            key=f"reward:{reward.public_id}:accrue",
            debit=expense(reward.unit),
            credit=wallet(reward.customer_id, reward.unit),
            amount_minor=reward.amount_minor,
            memo=f"Promised for {reward.conversion.public_id}",
            reward=reward,
            at=times[reward.conversion_id],
        )
        for reward in earning
    ]


def _undone(fact: Conversion) -> bool:
    return fact.status in (Conversion.Status.REFUNDED, Conversion.Status.REJECTED)


def _owed_back(reward: Reward, fact: Conversion, withdrawn: bool) -> int:
    """Return how much of a reward the conversion's refunds, or a later judgement, take back in all."""
    if reward.status in CLOSED:
        return reward.reversed_minor
    if withdrawn or _undone(fact):
        return reward.amount_minor
    return reversed_total(
        reward_minor=reward.amount_minor, order_minor=fact.amount_minor, refunded_minor=fact.refunded_minor
    )


def _reverse(
    fact: Conversion, rewards: Sequence[Reward], wanted: Mapping[Key, Reward], at: datetime
) -> list[Movement]:
    movements, steps = [], []
    for reward in rewards:
        withdrawn = is_withdrawn(reward, wanted)
        total = _owed_back(reward, fact, withdrawn)
        delta = total - reward.reversed_minor
        gone = total == reward.amount_minor if reward.amount_minor else withdrawn or _undone(fact)
        # What has been paid, or is on its way, keeps its status: the debt shows in the balance.
        stays = reward.status == Reward.Status.PAID or reward.payout_id is not None
        ends = gone and not stays and reward.status not in CLOSED
        if not (delta or ends):
            continue
        if delta:
            movements.append(
                Movement(
                    key=f"reward:{reward.public_id}:reverse:{total}",
                    debit=standing(reward),
                    credit=expense(reward.unit),
                    amount_minor=delta,
                    memo=f"Taken back for {fact.public_id}",
                    reward=reward,
                    at=at,
                )
            )
        if ends and reward.status == Reward.Status.ISSUED and reward.fulfilment:
            reward.fulfilment = {**reward.fulfilment, "cancelled": True}
        reward.reversed_minor = total
        steps.append(
            Step(
                reward,
                after=Reward.Status.REVERSED if ends else reward.status,
                amount_minor=-delta,
                reason=_why_back(fact, withdrawn),
                event="reward.reversed",
            )
        )
    take_steps(workspace=fact.workspace, steps=steps, actor=SYSTEM, at=at)
    return movements


def _why_back(fact: Conversion, withdrawn: bool) -> str:
    if withdrawn and not _undone(fact):
        return "The decision behind it was changed."
    if fact.status == Conversion.Status.REJECTED:
        return "The conversion was rejected."
    refunded = display(fact.refunded_minor, fact.currency)
    return f"{refunded} of {display(fact.amount_minor, fact.currency)} refunded."
