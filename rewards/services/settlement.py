"""Makes the rewards and the ledger match a conversion as it stands now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.services import SYSTEM
from core.money import display
from programs.eligibility import EligibilityFacts, eligible
from programs.models import Customer
from programs.terms import PercentageAmount, ProgramTerms, RewardRule, parse_terms
from rewards.calculation import Calculation, calculate, reversed_total, whole_months
from rewards.models import Reward, RewardChange
from rewards.services.ledger import Movement, expense, lock_wallets, post, standing, wallet
from rewards.services.steps import Step, locked_rows, take_steps, tell
from tracking.models import Attribution, Conversion, Credit, FraudSignal

_CLOSED = (Reward.Status.DENIED, Reward.Status.REVERSED, Reward.Status.EXPIRED)


@transaction.atomic
def settle_conversion(*, conversion: Conversion, at: datetime) -> list[Reward]:
    """Create the rewards a conversion's credits earn, and take back what its refunds or rejection undo.

    Repeating it, running it late, or out of order ends in the same rewards and balances. A refused promise is
    stored as denied with its reason, a doubtful one as held; only a rule about another event leaves no row.
    The hold runs from the receipt of the conversion, so that an order reported late is held as long as any,
    and a late run gives the same date. Returns the conversion's rewards, oldest first.
    """
    workspace = conversion.workspace
    # The customer first, as in the recording of conversions.
    Customer.objects.for_workspace(workspace).select_for_update(no_key=True).get(pk=conversion.customer_id)
    fact = (
        Conversion.objects.for_workspace(workspace)
        .select_for_update(of=("self",), no_key=True)
        .select_related("customer")
        .get(pk=conversion.pk)
    )
    known = list(Reward.objects.for_workspace(workspace).filter(conversion=fact))
    taken = {(reward.rule_key, reward.side, reward.referral_id) for reward in known}
    fresh = [
        reward
        for reward in _promised(fact, at)
        if (reward.rule_key, reward.side, reward.referral_id) not in taken
    ]
    lock_wallets(
        workspace=workspace,
        owners={(reward.customer_id, reward.unit) for reward in fresh + known if reward.amount_minor},
    )
    movements = _create(fact, fresh, at)
    rewards = locked_rows(workspace=workspace, pks=[reward.pk for reward in known]) + fresh
    movements += _reverse(fact, rewards, at)
    for reward in fresh:
        if reward.status in (Reward.Status.PENDING, Reward.Status.HELD):
            tell("reward.created", reward=reward, at=at)
    # Last, because every person's movements meet in the expense accounts.
    post(workspace=workspace, movements=movements, at=at)
    return sorted(rewards, key=lambda reward: reward.pk)


def _create(fact: Conversion, fresh: list[Reward], at: datetime) -> list[Movement]:
    earning = [reward for reward in fresh if reward.status != Reward.Status.DENIED and reward.amount_minor]
    Reward.objects.bulk_create(fresh)
    RewardChange.objects.bulk_create(
        RewardChange(
            workspace=fact.workspace,
            reward=reward,
            after=reward.status,
            actor=SYSTEM.label,
            reason=reward.reason,
            amount_minor=reward.amount_minor if reward in earning else 0,
            at=at,
        )
        for reward in fresh
    )
    return [
        Movement(
            key=f"reward:{reward.public_id}:accrue",
            debit=expense(reward.unit),
            credit=wallet(reward.customer_id, reward.unit),
            amount_minor=reward.amount_minor,
            memo=f"Promised for {fact.public_id}",
            reward=reward,
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


def _doubts(fact: Conversion) -> _Doubts:
    found = _Doubts({}, {})
    signals = FraudSignal.objects.for_workspace(fact.workspace_id).filter(conversion=fact)
    for signal in signals.order_by("-weight", "pk"):
        if signal.outcome == "deny":
            found.denied.setdefault(signal.participant_id, signal.rule)
        elif signal.outcome == "hold":
            found.held.setdefault(signal.participant_id, signal.rule)
    return found


def _promised(fact: Conversion, at: datetime) -> list[Reward]:
    """Return, unsaved, every reward the conversion's stored decisions give rise to."""
    doubts = _doubts(fact)
    shares: defaultdict[int, list[Credit]] = defaultdict(list)
    credits = Credit.objects.for_workspace(fact.workspace_id).filter(conversion=fact, weight_ppm__gt=0)
    for credit in credits.select_related("participant", "referral").order_by("pk"):
        shares[credit.attribution_id].append(credit)
    decisions = Attribution.objects.for_workspace(fact.workspace_id).filter(
        conversion=fact, pk__in=list(shares)
    )
    found = []
    for decision in decisions.select_related("program", "version").order_by("pk"):
        terms = parse_terms(decision.version.terms)
        for rule in terms.rewards:
            # The referee's reward hangs on the first credit, so that it is given once.
            sharers = shares[decision.pk] if rule.side == "referrer" else shares[decision.pk][:1]
            for position in range(len(sharers)):
                promise = _Promise(fact, decision, terms, rule, shares[decision.pk], position)
                found += promise.reward(doubts, at)
    return found


@dataclass(frozen=True, slots=True)
class _Promise:
    """One rule, read for one credited participant."""

    fact: Conversion
    decision: Attribution
    terms: ProgramTerms
    rule: RewardRule
    credits: list[Credit]
    position: int

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
        new_customer = True
        if self.terms.eligibility.new_customers_only:
            new_customer = (
                not Conversion.objects.for_workspace(fact.workspace_id)
                .filter(
                    customer_id=fact.customer_id,
                    kind=Conversion.Kind.PURCHASE,
                    occurred_at__lt=self.credits[self.position].referral.started_at,
                )
                .exclude(status=Conversion.Status.REJECTED)
                .exclude(pk=fact.pk)
                .exists()
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
