"""What a conversion's stored decisions promise: each rule read for each credited participant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Workspace
from programs.eligibility import EligibilityFacts, eligible
from programs.queries import terms_of
from programs.terms import PercentageAmount, ProgramTerms, RewardRule
from rewards.calculation import Calculation, Progress, calculate, whole_months
from rewards.models import Reward
from tracking.case_queries import NO_DOUBTS, Doubts, doubts_of
from tracking.models import Attribution, Conversion, Credit, Referral


@dataclass(frozen=True, slots=True)
class Sources:
    """What conversions' rewards follow from: doubts and decisions by conversion, credits by decision."""

    doubts: dict[int, Doubts]
    decisions: defaultdict[int, list[Attribution]]
    credits: defaultdict[int, list[Credit]]


def sources_of(workspace: Workspace, facts: Sequence[Conversion]) -> Sources:
    """Read what the conversions' rewards follow from."""
    found = Sources(doubts_of(workspace, facts), defaultdict(list), defaultdict(list))
    credits = Credit.objects.for_workspace(workspace).filter(conversion__in=facts, weight_ppm__gt=0)
    for credit in credits.select_related("participant", "referral").order_by("pk"):
        found.credits[credit.attribution_id].append(credit)
    decisions = Attribution.objects.for_workspace(workspace).filter(pk__in=list(found.credits))
    for decision in decisions.select_related("program", "version").order_by("pk"):
        found.decisions[decision.conversion_id].append(decision)
    return found


def promised(fact: Conversion, sources: Sources, at: datetime) -> list[Reward]:
    """Return, unsaved, every reward the conversion's stored decisions give rise to."""
    doubts = sources.doubts.get(fact.pk, NO_DOUBTS)
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

    def reward(self, doubts: Doubts, at: datetime) -> list[Reward]:
        """Return the reward, unsaved; none when the rule is about another event."""
        calculation = self._calculation()
        if calculation.reason == "event_differs":
            return []
        fact, credit = self.fact, self.credits[self.position]
        status, reason, sentence = self._standing(calculation, doubts)
        # What fraud denies keeps the amount it would have had; what was never promised has none.
        doubted = reason in (*doubts.denied.values(), doubts.everybody_denied)
        promised = status != Reward.Status.DENIED or doubted
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
            progress=self._progress() if self.rule.tiers else None,
        )

    def _progress(self) -> Progress:
        """Count the participant's friends who had converted by the time of the conversion."""
        friends = (
            Referral.objects.for_workspace(self.fact.workspace_id)
            .filter(
                participant_id=self.credits[self.position].participant_id,
                converted_at__lte=self.fact.occurred_at,
            )
            .exclude(status=Referral.Status.REJECTED)
            .count()
        )
        return Progress(friends, friends)

    def _standing(self, calculation: Calculation, doubts: Doubts) -> tuple[str, str, str]:
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
        if doubts.denies(person):
            return Reward.Status.DENIED, doubts.denies(person), calculation.sentence
        if refused:
            return Reward.Status.HELD, "currency_differs", refused[0][1]
        if doubts.holds(person):
            return Reward.Status.HELD, doubts.holds(person), calculation.sentence
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
