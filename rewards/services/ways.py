"""How far participants have come when something happens: for tiers and milestones, each read once."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet

from accounts.models import Workspace
from programs.models import Participant
from programs.terms import RewardRule
from rewards.calculation import Progress
from rewards.milestones import milestone_crossed
from rewards.models import Reward
from rewards.periods import period_bounds
from rewards.queries.reached import converted_friends, revenue, streak
from tracking.case_queries import DOUBTS
from tracking.models import Conversion, Credit, Referral


@dataclass(frozen=True, slots=True)
class Ways:
    """A participant's progress with an event in a tier's period, and the most reached in it by now."""

    progress: Progress
    standing: int


class WaysOf:
    """Reads how far participants have come, each way once; the caller holds their wallets."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._read: dict[tuple[int, str, str], Ways] = {}

    def of(
        self,
        credit: Credit,
        fact: Conversion,
        rule: RewardRule,
        currency: str,
        zone: ZoneInfo,
        share_minor: int,
    ) -> Ways:
        """Return a credited participant's progress for a rule's tiers.

        Friends count from the time they first bought; a later purchase of theirs leads no further. Revenue
        counts this event's share, whether or not it was refunded since.
        """
        key = (credit.pk, rule.tier_basis, rule.tier_period)
        if key not in self._read:
            span = period_bounds(rule.tier_period, fact.occurred_at, zone)
            if rule.tier_basis == "friends":
                self._read[key] = _friends(credit, fact, converted_friends(credit.participant, span))
            else:
                way = revenue(credit.participant, currency, span=span, until=(fact.occurred_at, fact.pk))
                self._read[key] = Ways(Progress(way.before, way.before + share_minor), way.now)
        return self._read[key]

    def milestones(
        self, credit: Credit, fact: Conversion, rule: RewardRule, currency: str, zone: ZoneInfo
    ) -> list[str]:
        """Return the keys of the milestones that are due to a participant with this conversion.

        Those between the progress before it and the progress by now, which includes what came at the same
        time, and those that were given once and taken back. None that anybody has or was denied for good.
        """
        terms = rule.milestone
        assert terms is not None
        participant = credit.participant
        if terms.basis == "streak":
            first, length = streak(participant, fact.occurred_at, zone)
            mark = f"{first}:" if terms.repeat else ""
            passed = [f"{mark}{reached}" for reached in milestone_crossed(terms, 0, length)]
        else:
            if terms.basis == "friends":
                way = _friends(credit, fact, converted_friends(participant))
                before, now = way.progress.before, way.standing
            else:
                brought = revenue(participant, currency, until=(fact.occurred_at, fact.pk))
                before, now = brought.before, brought.now
            passed = [str(reached) for reached in milestone_crossed(terms, before, now)]
            passed += [key for key in self._taken_back(participant, rule) if int(key) <= now]
        given = self.given(participant, rule)
        return [key for key in dict.fromkeys(passed) if key not in given]

    def given(self, participant: Participant, rule: RewardRule, *, but: Conversion | None = None) -> set[str]:
        """Return the milestones of a rule that a participant has or was denied for good."""
        rows = self._of_rule(participant, rule).exclude(status=Reward.Status.REVERSED)
        if but is not None:
            rows = rows.exclude(conversion=but)
        return {
            key
            for key, status, reason in rows.values_list("milestone_key", "status", "reason")
            if status != Reward.Status.DENIED or reason not in DOUBTS
        }

    def _taken_back(self, participant: Participant, rule: RewardRule) -> list[str]:
        rows = self._of_rule(participant, rule).filter(status=Reward.Status.REVERSED)
        return sorted(set(rows.values_list("milestone_key", flat=True)))

    def _of_rule(self, participant: Participant, rule: RewardRule) -> QuerySet[Reward]:
        return (
            Reward.objects.for_workspace(self._workspace)
            .filter(participant=participant, rule_key=rule.key, program_id=participant.program_id)
            .exclude(milestone_key="")
        )


def _friends(credit: Credit, fact: Conversion, friends: QuerySet[Referral]) -> Ways:
    counts = friends.aggregate(
        after=Count("pk", filter=Q(converted_at__lte=fact.occurred_at)),
        leads_on=Count("pk", filter=Q(pk=credit.referral_id, converted_at=fact.occurred_at)),
        now=Count("pk"),
    )
    after = counts["after"]
    return Ways(Progress(after - counts["leads_on"], after), counts["now"])
