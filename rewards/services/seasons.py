"""Which seasonal promotion makes a reward bigger, and by how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import Workspace
from programs.conditions import Facts
from programs.models import Promotion
from programs.promotions import Member, asked_by, promotion_for
from programs.queries import terms_of
from programs.terms import Amount, FixedAmount, PercentageAmount, RewardRule
from rewards.calculation import Boost
from rewards.services.circumstances import Circumstances, Part, Worth
from tracking.models import Attribution, Conversion


class Seasons:
    """The promotions that ran when some conversions happened, by program."""

    def __init__(
        self,
        workspace: Workspace,
        facts: Sequence[Conversion],
        decisions: Sequence[Attribution],
        circumstances: Circumstances,
    ) -> None:
        self._circumstances = circumstances
        self._promotions: defaultdict[int, list[Promotion]] = defaultdict(list)
        if not facts or not decisions:
            return
        instants = [fact.occurred_at for fact in facts]
        rows = Promotion.objects.for_workspace(workspace).filter(
            program__in={decision.program_id for decision in decisions},
            starts_at__lte=max(instants),
            ends_at__gt=min(instants),
        )
        for row in rows.order_by("pk"):
            self._promotions[row.program_id].append(row)

    def season(self, part: Part, rule: RewardRule) -> Promotion | None:
        """Return the promotion that changes what a rule gives a participant, or the friend, for an event."""
        promotions = self._promotions.get(part.decision.program_id)
        if not promotions:
            return None
        found = promotion_for(promotions, part.fact.occurred_at, self._member(part, promotions))
        if found is None or (found.multiplier_bps == 10_000 and rule.key not in found.replacements):
            return None
        return found

    def _member(self, part: Part, promotions: Sequence[Promotion]) -> Member:
        asked = asked_by(promotions)
        worth = Worth(terms_of(part.decision.version).currency, None)
        return Member(
            country=self._circumstances.referrer(part).country,
            enrolled_at=part.credit.participant.enrolled_at,
            facts=self._circumstances.facts(part, asked, worth=worth, new_customer=None)
            if asked
            else Facts(),
        )

    def boost(self, part: Part, rule: RewardRule) -> Boost | None:
        """Return how the promotion changes what the rule gives, or None."""
        season = self.season(part, rule)
        if season is None:
            return None
        document = season.replacements.get(rule.key)
        return Boost(
            name=season.name,
            multiplier_bps=season.multiplier_bps if document is None else 10_000,
            amount=None if document is None else _amount(document),
        )


def _amount(document: Mapping[str, Any]) -> Amount:
    """Read an amount that was checked when the promotion was made."""
    if document["type"] == "percentage":
        return PercentageAmount(bps=document["bps"])
    return FixedAmount(minor=document["minor"])
