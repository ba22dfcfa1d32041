"""Makes the rewards and the ledger match a conversion as it stands now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import Workspace
from accounts.services import SYSTEM
from core.money import display
from core.transactions import all_or_nothing
from programs.eligibility import EligibilityFacts, eligible
from programs.models import Customer
from programs.queries import terms_of
from programs.terms import PercentageAmount, ProgramTerms, RewardRule
from rewards.calculation import Calculation, calculate, reversed_total, whole_months
from rewards.models import Reward, RewardChange
from rewards.services.ledger import Movement, expense, lock_wallets, post, standing, wallet
from rewards.services.steps import Step, locked_rows, take_steps, tell
from tracking.models import Attribution, Conversion, Credit, FraudSignal, Referral

_CLOSED = (Reward.Status.DENIED, Reward.Status.REVERSED, Reward.Status.EXPIRED)


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
    sources = _sources(workspace, facts)
    fresh: dict[int, list[Reward]] = {}
    for fact in facts:
        taken = {(reward.rule_key, reward.side, reward.referral_id) for reward in known[fact.pk]}
        fresh[fact.pk] = [
            reward
            for reward in _promised(fact, sources, times[fact.pk])
            if (reward.rule_key, reward.side, reward.referral_id) not in taken
        ]
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
        movements += _reverse(fact, standing_now[fact.pk] + fresh[fact.pk], times[fact.pk])
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


def _owed_back(reward: Reward, fact: Conversion) -> int:
    """Return how much of a reward the conversion's refunds take back in all."""
    if reward.status in _CLOSED:
        return reward.reversed_minor
    if _undone(fact):
        return reward.amount_minor
    return reversed_total(
        reward_minor=reward.amount_minor, order_minor=fact.amount_minor, refunded_minor=fact.refunded_minor
    )


def _reverse(fact: Conversion, rewards: Sequence[Reward], at: datetime) -> list[Movement]:
    movements, steps = [], []
    for reward in rewards:
        total = _owed_back(reward, fact)
        delta = total - reward.reversed_minor
        gone = total == reward.amount_minor if reward.amount_minor else _undone(fact)
        # What has been paid, or is on its way, keeps its status: the debt shows in the balance.
        stays = reward.status == Reward.Status.PAID or reward.payout_id is not None
        ends = gone and not stays and reward.status not in _CLOSED
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
                reason=_why_back(fact),
                event="reward.reversed",
            )
        )
    take_steps(workspace=fact.workspace, steps=steps, actor=SYSTEM, at=at)
    return movements


def _why_back(fact: Conversion) -> str:
    if fact.status == Conversion.Status.REJECTED:
        return "The conversion was rejected."
    refunded = display(fact.refunded_minor, fact.currency)
    return f"{refunded} of {display(fact.amount_minor, fact.currency)} refunded."


@dataclass(frozen=True, slots=True)
class _Doubts:
    """What fraud rules say about each participant's part: the heaviest rule that denies, or that holds."""

    denied: dict[int, str]
    held: dict[int, str]


@dataclass(frozen=True, slots=True)
class _Sources:
    """What conversions' rewards follow from: doubts and decisions by conversion, credits by decision."""

    doubts: defaultdict[int, _Doubts]
    decisions: defaultdict[int, list[Attribution]]
    credits: defaultdict[int, list[Credit]]


def _sources(workspace: Workspace, facts: Sequence[Conversion]) -> _Sources:
    found = _Sources(defaultdict(lambda: _Doubts({}, {})), defaultdict(list), defaultdict(list))
    signals = FraudSignal.objects.for_workspace(workspace).filter(conversion__in=facts)
    for signal in signals.order_by("-weight", "pk"):
        doubts = found.doubts[signal.conversion_id]
        if signal.outcome == "deny":
            doubts.denied.setdefault(signal.participant_id, signal.rule)
        elif signal.outcome == "hold":
            doubts.held.setdefault(signal.participant_id, signal.rule)
    credits = Credit.objects.for_workspace(workspace).filter(conversion__in=facts, weight_ppm__gt=0)
    for credit in credits.select_related("participant", "referral").order_by("pk"):
        found.credits[credit.attribution_id].append(credit)
    decisions = Attribution.objects.for_workspace(workspace).filter(pk__in=list(found.credits))
    for decision in decisions.select_related("program", "version").order_by("pk"):
        found.decisions[decision.conversion_id].append(decision)
    return found


def _promised(fact: Conversion, sources: _Sources, at: datetime) -> list[Reward]:
    """Return, unsaved, every reward the conversion's stored decisions give rise to."""
    doubts = sources.doubts[fact.pk]
    bought_before = cache(partial(_bought_before, fact))
    found = []
    for decision in sources.decisions[fact.pk]:
        terms = terms_of(decision.version)
        shares = sources.credits[decision.pk]
        for rule in terms.rewards:
            # The referee's reward hangs on the first credit, so that it is given once.
            sharers = shares if rule.side == "referrer" else shares[:1]
            for position in range(len(sharers)):
                promise = _Promise(fact, decision, terms, rule, shares, position, bought_before)
                found += promise.reward(doubts, at)
    return found


def _bought_before(fact: Conversion, at: datetime) -> bool:
    """Tell whether the conversion's customer had bought something before an instant."""
    return (
        Conversion.objects.for_workspace(fact.workspace_id)
        .filter(customer_id=fact.customer_id, kind=Conversion.Kind.PURCHASE, occurred_at__lt=at)
        .exclude(status=Conversion.Status.REJECTED)
        .exclude(pk=fact.pk)
        .exists()
    )


@dataclass(frozen=True, slots=True)
class _Promise:
    """One rule, read for one credited participant."""

    fact: Conversion
    decision: Attribution
    terms: ProgramTerms
    rule: RewardRule
    credits: list[Credit]
    position: int
    bought_before: Callable[[datetime], bool]

    def reward(self, doubts: _Doubts, at: datetime) -> list[Reward]:
        """Return the reward, unsaved; none when the rule is about another event."""
        calculation = self._calculation()
        if calculation.reason == "event_differs":
            return []
        fact, credit = self.fact, self.credits[self.position]
        status, reason, sentence = self._standing(calculation, doubts)
        # What fraud denies keeps the amount it would have had; what was never promised has none.
        promised = status != Reward.Status.DENIED or reason in doubts.denied.values()
        referrer = self.rule.side == "referrer"
        return [
            Reward(
                workspace=fact.workspace,
                program=self.decision.program,
                version=self.decision.version,
                conversion=fact,
                referral=credit.referral,
                side=self.rule.side,
                customer_id=credit.participant.customer_id if referrer else fact.customer_id,
                participant=credit.participant if referrer else None,
                rule_key=self.rule.key,
                kind=self.rule.kind,
                unit=calculation.unit,
                base_minor=calculation.base_minor,
                amount_minor=calculation.amount_minor if promised else 0,
                status=status,
                reason=reason,
                sentence=sentence,
                fulfilment=_terms_of_gift(calculation),
                available_at=fact.received_at + timedelta(days=self.terms.hold_days),
                created_at=at,
            )
        ]

    def _calculation(self) -> Calculation:
        fact, credit = self.fact, self.credits[self.position]
        start = credit.referral.converted_at or fact.occurred_at
        zone = ZoneInfo(fact.workspace.time_zone)
        return calculate(
            rule=self.rule,
            currency=self.terms.currency,
            event=fact.kind,  # type: ignore[arg-type]
            event_name=fact.event_name if fact.kind == Conversion.Kind.CUSTOM else None,
            order_minor=fact.amount_minor,
            order_currency=fact.currency or None,
            share_minor=credit.amount_minor,
            weights=[each.weight_ppm for each in self.credits],
            position=self.position,
            occurrence=fact.sequence,
            months_elapsed=whole_months(start.astimezone(zone), fact.occurred_at),
            friends=self._friends() if self.rule.tiers else 1,
        )

    def _friends(self) -> int:
        """Count the participant's friends who had converted by the time of the conversion."""
        return (
            Referral.objects.for_workspace(self.fact.workspace_id)
            .filter(
                participant_id=self.credits[self.position].participant_id,
                converted_at__lte=self.fact.occurred_at,
            )
            .exclude(status=Referral.Status.REJECTED)
            .count()
        )

    def _standing(self, calculation: Calculation, doubts: _Doubts) -> tuple[str, str, str]:
        """Return the status the reward starts in, the reason code, and the sentence for people."""
        answer = eligible(
            terms=self.terms.eligibility, currency=self.terms.currency, facts=self._eligibility_facts()
        )
        person = self.credits[self.position].participant_id
        refused: list[tuple[str, str]] = []
        if not answer.ok:
            refused.append((answer.reason, answer.sentence))
        if not calculation.earned:
            refused.append((calculation.reason, calculation.sentence))
        for reason, sentence in refused:
            if reason != "currency_differs":
                return Reward.Status.DENIED, reason, sentence
        if person in doubts.denied:
            return Reward.Status.DENIED, doubts.denied[person], calculation.sentence
        if refused:
            return Reward.Status.HELD, "currency_differs", refused[0][1]
        if person in doubts.held:
            return Reward.Status.HELD, doubts.held[person], calculation.sentence
        return Reward.Status.PENDING, "", calculation.sentence

    def _eligibility_facts(self) -> EligibilityFacts:
        fact = self.fact
        new_customer = not (
            self.terms.eligibility.new_customers_only
            and self.bought_before(self.credits[self.position].referral.started_at)
        )
        return EligibilityFacts(
            order_minor=fact.amount_minor if fact.currency else None,
            currency=fact.currency or None,
            new_customer=new_customer,
            country=fact.customer.country or None,
        )


def _terms_of_gift(calculation: Calculation) -> dict[str, Any]:
    if calculation.product is not None:
        return {"sku": calculation.product.sku, "name": calculation.product.name}
    if calculation.discount is None:
        return {}
    if isinstance(calculation.discount, PercentageAmount):
        return {"terms": {"type": "percentage", "bps": calculation.discount.bps}}
    return {
        "terms": {
            "type": "fixed",
            "amount_minor": calculation.discount.minor,
            "currency": calculation.unit,
        }
    }
