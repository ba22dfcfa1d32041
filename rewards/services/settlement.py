"""Makes the rewards and the ledger match a conversion as it stands now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import arrays
from core.events import emit, together
from core.transactions import all_or_nothing
from programs.models import Customer
from programs.queries import terms_of
from programs.terms import ProgramTerms
from rewards.models import Reward, RewardChange
from rewards.periods import period_key
from rewards.services.allowances import Allowances, limits_on
from rewards.services.doubts import agree
from rewards.services.ledger import Movement, expense, lock_wallets, post, wallet
from rewards.services.promises import Key, key_of, promised
from rewards.services.reversal import reverse
from rewards.services.sources import Sources, sources_of
from rewards.services.steps import locked_rows, tell
from tracking.models import Conversion


@all_or_nothing
def settle_conversion(*, conversion: Conversion, at: datetime) -> list[Reward]:
    """Create the rewards a conversion's credits earn, and take back what its refunds or rejection undo.

    Repeating it, running it late, or out of order ends in the same rewards and balances. A refused promise is
    stored as denied with its reason, a doubtful one as held; only a rule about another event leaves no row.
    A refund that turned out to be wrong gives back what it had taken. The hold runs from the receipt of the
    conversion, so that an order reported late is held as long as any, and a late run gives the same date.
    Returns the conversion's rewards, oldest first.
    """
    return settle_conversions(workspace=conversion.workspace, due=[(conversion, at)])


@transaction.atomic(savepoint=False)
def settle_conversions(*, workspace: Workspace, due: Sequence[tuple[Conversion, datetime]]) -> list[Reward]:
    """Settle many conversions of a workspace as `settle_conversion` does, in one go.

    `due` gives each with the time at which its books are written. Returns their rewards, oldest first.
    """
    if not due:
        return []
    with together():
        return _settle(workspace, due)


def _settle(workspace: Workspace, due: Sequence[tuple[Conversion, datetime]]) -> list[Reward]:
    times = {conversion.pk: at for conversion, at in due}
    facts = _facts(workspace, due)
    known: defaultdict[int, list[Reward]] = defaultdict(list)
    for reward in Reward.objects.for_workspace(workspace).filter(conversion__in=facts):
        known[reward.conversion_id].append(reward)
    sources = sources_of(workspace, facts)
    # Before anything is worked out: tiers, milestones and caps depend on what others are promised just now.
    lock_wallets(
        workspace=workspace,
        owners=_owners(facts, sources)
        | {(each.customer_id, each.unit) for many in known.values() for each in many if each.amount_minor},
    )
    stood: defaultdict[int, list[Reward]] = defaultdict(list)
    pks = [reward.pk for many in known.values() for reward in many]
    for reward in locked_rows(workspace=workspace, pks=pks):
        stood[reward.conversion_id].append(reward)
    wanted: dict[int, dict[Key, Reward]] = {}
    fresh: dict[int, list[tuple[Reward, ProgramTerms]]] = {}
    milestones: set[tuple[int | None, str, str]] = set()
    for fact in facts:
        before = {key_of(reward): reward for reward in stood[fact.pk]}
        promises = promised(fact, sources, before, times[fact.pk])
        wanted[fact.pk] = {key_of(reward): reward for reward, _ in promises}
        fresh[fact.pk] = [
            (reward, terms)
            for reward, terms in promises
            if key_of(reward) not in before and _is_first(reward, milestones)
        ]
    made = _create(workspace, facts, fresh, times)
    movements = [_accrual(reward, times[reward.conversion_id]) for reward in made if _earning(reward)]
    for fact in facts:
        at, own = times[fact.pk], [reward for reward, _ in fresh[fact.pk]]
        movements += agree(fact, stood[fact.pk], wanted[fact.pk], at)
        movements += reverse(fact, stood[fact.pk] + own, wanted[fact.pk], at)
    _tell(workspace, made, times)
    # Last, because every person's movements meet in the expense accounts.
    post(workspace=workspace, movements=movements, at=max(times.values()))
    rewards = [reward for each in stood.values() for reward in each] + made
    return sorted(rewards, key=lambda reward: reward.pk)


def _facts(workspace: Workspace, due: Sequence[tuple[Conversion, datetime]]) -> list[Conversion]:
    """Lock the conversions, their customers first, as in the recording of conversions."""
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
        .filter(pk__in=[conversion.pk for conversion, _ in due])
        .order_by("pk")
    )
    for fact in facts:
        fact.workspace, fact.customer = workspace, customers[fact.customer_id]
    return facts


def _owners(facts: Sequence[Conversion], sources: Sources) -> set[tuple[int, str]]:
    """Return who may be promised something of value, in which unit."""
    owners = set()
    for fact in facts:
        for decision in sources.decisions[fact.pk]:
            terms = terms_of(decision.version)
            credits = sources.credits[decision.pk]
            for rule in terms.rewards:
                apart = rule.milestone is not None and fact.kind != Conversion.Kind.SIGNUP
                renewal = rule.event == "renewal" and fact.kind == Conversion.Kind.PURCHASE
                if not (apart or renewal or rule.event == fact.kind) or (rule.amount is None and not apart):
                    continue
                unit = rule.unit(terms.currency)
                if rule.side == "referee":
                    owners.add((fact.customer_id, unit))
                else:
                    owners |= {(credit.participant.customer_id, unit) for credit in credits}
    return owners


def _is_first(reward: Reward, seen: set[tuple[int | None, str, str]]) -> bool:
    """Tell whether a milestone is not promised by another conversion of the same group already."""
    if not reward.milestone_key:
        return True
    key = reward.participant_id, reward.rule_key, reward.milestone_key
    known = key in seen
    seen.add(key)
    return not known


def _earning(reward: Reward) -> bool:
    return reward.status != Reward.Status.DENIED and reward.amount_minor > 0


def _create(
    workspace: Workspace,
    facts: Sequence[Conversion],
    fresh: Mapping[int, Sequence[tuple[Reward, ProgramTerms]]],
    times: Mapping[int, datetime],
) -> list[Reward]:
    """Cut the new rewards to what their caps leave, and store them with their first step."""
    zone = ZoneInfo(workspace.time_zone)
    limited = [
        (reward, limits)
        for fact in facts
        for reward, terms in fresh[fact.pk]
        if terms.caps and _is_promised(reward)
        for limits in [limits_on(reward, terms, fact.occurred_at, zone)]
        if limits
    ]
    allowances = Allowances(workspace, limited)
    made = [reward for fact in facts for reward, _ in fresh[fact.pk]]
    for reward, _ in limited:
        allowances.fit(reward)
    arrays.insert(made)
    allowances.save(at=max(times.values()))
    if made:
        arrays.insert_columns(
            RewardChange,
            {
                "workspace_id": [workspace.pk] * len(made),
                "reward_id": [reward.pk for reward in made],
                "after": [reward.status for reward in made],
                "actor": [SYSTEM.label] * len(made),
                "reason": [reward.reason for reward in made],
                "amount_minor": [reward.amount_minor if _earning(reward) else 0 for reward in made],
                "at": [times[reward.conversion_id] for reward in made],
            },
        )
    return made


def _is_promised(reward: Reward) -> bool:
    """Tell whether a reward counts in its caps already: what waits for a rate does once it is known."""
    return reward.status != Reward.Status.DENIED and reward.reason != "currency_differs"


def _accrual(reward: Reward, at: datetime) -> Movement:
    return Movement(
        key=f"reward:{reward.public_id}:accrue",
        debit=expense(reward.unit),
        credit=wallet(reward.customer_id, reward.unit),
        amount_minor=reward.amount_minor,
        memo=f"Promised for {reward.conversion.public_id}",
        reward=reward,
        at=at,
    )


def _tell(workspace: Workspace, made: Sequence[Reward], times: Mapping[int, datetime]) -> None:
    for reward in made:
        at = times[reward.conversion_id]
        if reward.status not in (Reward.Status.PENDING, Reward.Status.HELD):
            continue
        tell("reward.created", reward=reward, at=at)
        if reward.milestone_key and reward.participant is not None:
            emit(
                "milestone.reached",
                at=at,
                participant=reward.participant.public_id,
                program=reward.program.public_id,
                reward=reward.public_id,
                rule=reward.rule_key,
                milestone=reward.milestone_key,
            )
    _tell_of_tiers(workspace, made, times)


def _tell_of_tiers(workspace: Workspace, made: Sequence[Reward], times: Mapping[int, datetime]) -> None:
    """Tell of the participants who reached a tier first with these rewards.

    Where the tier counts for what came before as well, the hearer settles those conversions again. Rewards
    of others that are made just now are seen, because their makers held the same wallets.
    """
    zone = ZoneInfo(workspace.time_zone)

    def place(reward: Reward) -> tuple[int, str, str, int, str]:
        rule = next(each for each in terms_of(reward.version).rewards if each.key == reward.rule_key)
        period = period_key(rule.tier_period, reward.conversion.occurred_at, zone)
        return reward.referral.participant_id, reward.rule_key, reward.side, reward.tier, period

    reached: dict[tuple[int, str, str, int, str], Reward] = {}
    for reward in made:
        # An earlier order that is settled again may be the first to see the tier: it adds to that one.
        if reward.tier and _earning(reward):
            reached.setdefault(place(reward), reward)
    if not reached:
        return
    others = (
        Reward.objects.for_workspace(workspace)
        .filter(
            referral__participant__in={key[0] for key in reached},
            rule_key__in={key[1] for key in reached},
            tier__in={key[3] for key in reached},
        )
        .exclude(pk__in=[reward.pk for reward in made])
        .exclude(status=Reward.Status.DENIED)
        .select_related("version", "conversion", "referral")
    )
    known = {place(other) for other in others}
    for key, reward in reached.items():
        if key not in known:
            emit(
                "tier.reached",
                at=times[reward.conversion_id],
                participant=reward.referral.participant.public_id,
                program=reward.program.public_id,
                rule=reward.rule_key,
                tier=reward.tier,
                conversion=reward.conversion.public_id,
            )
