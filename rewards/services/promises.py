"""What a conversion's stored decisions promise: each rule read for each credited participant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from programs.condition_words import unmet_sentence
from programs.conditions import Facts, Group, unmet
from programs.eligibility import EligibilityFacts, eligible
from programs.queries import terms_of
from programs.terms import PercentageAmount, ProgramTerms, RewardRule
from rewards.calculation import Boost, Calculation, Progress, Refusal, calculate, stack, whole_months
from rewards.exchange import convert
from rewards.models import Reward
from rewards.services.circumstances import Part, Worth
from rewards.services.sources import Order, Sources, order_of
from rewards.services.ways import Ways
from tracking.case_queries import NO_DOUBTS, Doubts
from tracking.models import Attribution, Conversion, Credit

Key = tuple[str, str, int, int, str]
"""What makes a reward the same promise: the rule, the side, the referral, the tier's step, the milestone."""


def key_of(reward: Reward) -> Key:
    """Return what a conversion's reward is known by."""
    return reward.rule_key, reward.side, reward.referral_id, reward.step, reward.milestone_key


def is_undone(fact: Conversion) -> bool:
    """Tell whether nothing is left of a conversion."""
    return fact.status in (Conversion.Status.REFUNDED, Conversion.Status.REJECTED)


def promised(
    fact: Conversion, sources: Sources, known: Mapping[Key, Reward], at: datetime
) -> list[tuple[Reward, ProgramTerms]]:
    """Return, unsaved, every reward the conversion's stored decisions give rise to, each with its terms.

    `known` are the conversion's rewards that exist already: what a tier adds later is the difference to them.
    """
    found: list[tuple[Reward, ProgramTerms]] = []
    for decision in sources.decisions[fact.pk]:
        reading = _Reading(fact, decision, terms_of(decision.version), sources, known, at)
        found += ((reward, reading.terms) for reward in reading.rewards())
    return found


@dataclass(frozen=True, slots=True)
class _Reading:
    """One program's decision about a conversion, read by the terms it was made under."""

    fact: Conversion
    decision: Attribution
    terms: ProgramTerms
    sources: Sources
    known: Mapping[Key, Reward]
    at: datetime

    @property
    def shares(self) -> list[Credit]:
        return self.sources.credits[self.decision.pk]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.fact.workspace.time_zone)

    @property
    def order(self) -> Order:
        """The order in the program's currency, by the rate that its rewards were reckoned with."""
        mine = [each for each in self.known.values() if each.program_id == self.decision.program_id]
        return order_of(self.fact, self.terms.currency, self.sources.rates, before=mine)

    def rewards(self) -> Iterator[Reward]:
        """Give what each rule promises each side: the promises, what tiers add to them, the milestones."""
        order = self.order
        for side in ("referrer", "referee"):
            rules = [rule for rule in self.terms.rewards if rule.side == side and rule.milestone is None]
            # The referee's reward hangs on the first credit, so that it is given once.
            for position in range(len(self.shares) if side == "referrer" else 1) if rules else ():
                yield from self._promises(rules, order, position)
        if self.fact.kind != Conversion.Kind.SIGNUP and not is_undone(self.fact):
            for rule in self.terms.rewards:
                if rule.milestone is not None:
                    yield from self._milestones(rule, order)

    def _promises(self, rules: Sequence[RewardRule], order: Order, position: int) -> Iterator[Reward]:
        boosts = {rule.key: self._boost(rule, position) for rule in rules}
        found = stack(
            [
                (
                    rule,
                    self._calculation(
                        rule, order, position, boosts[rule.key], tier=self._tier_of(rule, position)
                    ),
                )
                for rule in rules
            ]
        )
        for rule, calculation in zip(rules, found, strict=True):
            if calculation.reason == "event_differs":
                continue
            reward = self._reward(rule, order, position, calculation)
            yield reward
            if rule.tiers and rule.tier_mode == "retroactive" and calculation.earned:
                yield from self._added_by_tiers(rule, order, position, boosts[rule.key], reward)

    def _added_by_tiers(
        self, rule: RewardRule, order: Order, position: int, boost: Boost | None, promise: Reward
    ) -> Iterator[Reward]:
        """Give what the tiers reached since add to a promise that was made by a lower one, tier by tier."""
        made = self.known.get(key_of(promise))
        if made is None or made.status == Reward.Status.DENIED or is_undone(self.fact):
            return
        if made.reason == "currency_differs":
            # It waits for a rate, and is worked out by the tier that stands once there is one.
            return
        before = self._calculation(rule, order, position, boost, tier=made.tier)
        standing = self._ways(rule, position).standing
        for number in range(made.tier + 1, rule.tier_at(standing or 0) + 1):
            after = self._calculation(rule, order, position, boost, tier=number)
            more = after.amount_minor - before.amount_minor
            if more > 0:
                reward = self._reward(rule, order, position, after)
                reward.step, reward.amount_minor = number, more if reward.amount_minor else 0
                reward.sentence = f"{after.sentence} Tier {number} adds what is above the tier before."
                reward.reporting_minor = self._reported(reward.amount_minor, reward.unit)
                yield reward
            before = after

    def _tier_of(self, rule: RewardRule, position: int) -> int | None:
        """Return the tier a retroactive rule's promise was made by; None before it was made.

        What the tiers above add is in rewards of their own.
        """
        if rule.tier_mode != "retroactive" or not rule.tiers:
            return None
        made = self.known.get((rule.key, rule.side, self.shares[position].referral_id, 0, ""))
        return None if made is None or made.reason == "currency_differs" else made.tier

    def _milestones(self, rule: RewardRule, order: Order) -> Iterator[Reward]:
        """Give the milestones that credited participants passed with this conversion, or that hang on it."""
        assert rule.milestone is not None
        for position, credit in enumerate(self.shares):
            passed = self.sources.ways.milestones(credit, self.fact, rule, self.terms.currency, self.zone)
            mine = self._own_milestones(credit, rule)
            for key in dict.fromkeys([*passed, *mine]):
                threshold = int(key.rpartition(":")[2])
                calculation = calculate(
                    rule=rule,
                    currency=self.terms.currency,
                    event="milestone",
                    order_minor=0,
                    threshold=threshold,
                    boost=self._boost(rule, position),
                )
                if calculation.reason != "event_differs":
                    reward = self._reward(rule, order, position, calculation)
                    reward.milestone_key = key
                    yield reward

    def _own_milestones(self, credit: Credit, rule: RewardRule) -> list[str]:
        """Return the milestones that hang on this conversion, but for those given elsewhere meanwhile."""
        own = [
            reward
            for reward in self.known.values()
            if reward.rule_key == rule.key
            and reward.milestone_key
            and reward.participant_id == credit.participant_id
        ]
        if not own:
            return []
        elsewhere = self.sources.ways.given(credit.participant, rule, but=self.fact)
        return [
            each.milestone_key
            for each in own
            if each.status != Reward.Status.REVERSED or each.milestone_key not in elsewhere
        ]

    def _ways(self, rule: RewardRule, position: int) -> Ways:
        return self.sources.ways.of(
            self.shares[position], self.fact, rule, self.terms.currency, self.zone, self._share(position)
        )

    def _share(self, position: int) -> int:
        """Return this credit's part of the order in the program's currency, 0 where there is no rate."""
        order = self.order
        return order.shares(self.shares)[position] if order.currency in (None, self.terms.currency) else 0

    def _calculation(
        self,
        rule: RewardRule,
        order: Order,
        position: int,
        boost: Boost | None,
        *,
        tier: int | None = None,
    ) -> Calculation:
        """Work out what a rule owes; with `tier`, as if that tier of a retroactive rule were reached."""
        fact, credit = self.fact, self.shares[position]
        progress, standing = None, None
        if rule.tiers:
            ways = self._ways(rule, position)
            progress, standing = ways.progress, ways.standing
        if tier is not None:
            # Nothing but the tier's own threshold is looked at.
            progress, standing = Progress(0, 0), rule.tiers[tier - 1].at_least if tier else 0
        start = credit.referral.converted_at or fact.occurred_at
        return calculate(
            rule=rule,
            currency=self.terms.currency,
            event=fact.kind,  # type: ignore[arg-type]
            event_name=fact.event_name if fact.kind == Conversion.Kind.CUSTOM else None,
            order_minor=order.amount_minor,
            order_currency=order.currency,
            share_minor=order.shares(self.shares)[position],
            weights=[each.weight_ppm for each in self.shares],
            position=position,
            occurrence=fact.sequence,
            months_elapsed=whole_months(start.astimezone(self.zone), fact.occurred_at),
            lines=order.lines,
            margin_minor=order.margin_minor,
            assumed_margin_bps=self.terms.assumed_margin_bps,
            new_customer=not (rule.new_customers_only and self._bought_before(position)),
            progress=progress,
            standing=standing,
            boost=boost,
            converted=order.sentence,
            unmet=self._unmet(rule, order, position),
        )

    def _unmet(self, rule: RewardRule, order: Order, position: int) -> Refusal | None:
        """Return why a rule's own conditions do not hold for a credit, None where they do."""
        if rule.conditions is None:
            return None
        facts = self._asked_for(rule.conditions, order, position)
        failed = unmet(rule.conditions, facts)
        if failed is None:
            return None
        return failed.reason, unmet_sentence(failed, facts, self.terms.currency, who="this rule")

    def _asked_for(self, conditions: Group | None, order: Order, position: int) -> Facts:
        """Return what is known of what conditions ask for; nothing is read for none."""
        if conditions is None:
            return Facts()
        asked, currency = conditions.facts(), self.terms.currency
        same = order.currency == currency
        return self.sources.circumstances.facts(
            self._part(position),
            asked,
            worth=Worth(
                currency,
                order.amount_minor if same else None,
                waits=order.currency is not None and not same,
            ),
            new_customer=not self._bought_before(position) if "customer.is_new" in asked else None,
        )

    def _part(self, position: int) -> Part:
        return Part(self.fact, self.decision, self.shares[position])

    def _boost(self, rule: RewardRule, position: int) -> Boost | None:
        return self.sources.seasons.boost(self._part(position), rule)

    def _bought_before(self, position: int) -> bool:
        return self.sources.bought_before(self.fact, self.shares[position].referral.started_at)

    def _reward(self, rule: RewardRule, order: Order, position: int, calculation: Calculation) -> Reward:
        fact, credit = self.fact, self.shares[position]
        doubts = self.sources.doubts.get(fact.pk, NO_DOUBTS)
        status, reason, sentence = self._standing(calculation, doubts, order, position)
        # What fraud denies keeps the amount it would have had; what was never promised has none.
        doubted = reason in (*doubts.denied.values(), doubts.everybody_denied)
        amount_minor = calculation.amount_minor if status != Reward.Status.DENIED or doubted else 0
        referrer = rule.side == "referrer"
        season = self.sources.seasons.season(self._part(position), rule)
        reward = Reward(
            workspace=fact.workspace,
            program=self.decision.program,
            version=self.decision.version,
            conversion=fact,
            referral=credit.referral,
            side=rule.side,
            customer_id=credit.participant.customer_id if referrer else fact.customer_id,
            participant=credit.participant if referrer else None,
            rule_key=rule.key,
            tier=calculation.tier,
            kind=rule.kind,
            # The friend's and a milestone have no parts.
            weight_ppm=credit.weight_ppm if referrer and rule.milestone is None else 1_000_000,
            unit=calculation.unit,
            base_minor=calculation.base_minor,
            amount_minor=amount_minor,
            status=status,
            reason=reason,
            sentence=sentence,
            score=self.sources.scores.get((fact.pk, credit.participant_id), 0),
            fulfilment=_terms_of_gift(calculation),
            promotion=season,
            available_at=fact.received_at + timedelta(days=self.terms.hold_days),
            created_at=self.at,
        )
        if order.rate is not None:
            reward.original_minor = fact.amount_minor
            reward.original_currency = fact.currency
            reward.rate, reward.rate_source = order.rate.stored, order.rate.source
            reward.rate_on = order.rate.on
        self._report(reward)
        return reward

    def _report(self, reward: Reward) -> None:
        """Write a reward's amount in the workspace's currency beside it, with the rate."""
        reward.reporting_minor = self._reported(reward.amount_minor, reward.unit)
        if reward.reporting_minor is None:
            return
        reward.reporting_currency = self.fact.workspace.currency
        rate = self.sources.reporting_rate(self.fact, reward.unit)
        if rate is not None and reward.unit != reward.reporting_currency:
            reward.reporting_rate, reward.reporting_source = rate.stored, rate.source
            reward.reporting_on = rate.on

    def _reported(self, amount_minor: int, unit: str) -> int | None:
        rate = self.sources.reporting_rate(self.fact, unit)
        return None if rate is None else convert(amount_minor, unit, self.fact.workspace.currency, rate)

    def _standing(
        self, calculation: Calculation, doubts: Doubts, order: Order, position: int
    ) -> tuple[str, str, str]:
        """Return the status the reward starts in, the reason code, and the sentence for people."""
        answer = eligible(
            terms=self.terms.eligibility,
            currency=self.terms.currency,
            facts=self._eligibility_facts(order, position),
        )
        person = self.shares[position].participant_id
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

    def _eligibility_facts(self, order: Order, position: int) -> EligibilityFacts:
        new_customer = not (self.terms.eligibility.new_customers_only and self._bought_before(position))
        return EligibilityFacts(
            order_minor=order.amount_minor if order.currency else None,
            currency=order.currency,
            new_customer=new_customer,
            country=self.fact.customer.country or None,
            others=self._asked_for(self.terms.eligibility.conditions, order, position),
        )


def _terms_of_gift(calculation: Calculation) -> dict[str, Any]:
    if calculation.product is not None:
        return {"sku": calculation.product.sku, "name": calculation.product.name}
    if calculation.custom is not None:
        return {"name": calculation.custom.name}
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
