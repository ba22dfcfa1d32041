"""How much a rule pays where its amount can be divided, with a sentence how it came about.

Pure: frozen values in and out; no Django and no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.money import Weight, display, prorate, split
from programs.terms import (
    Amount,
    FixedAmount,
    MilestoneBasis,
    PercentageAmount,
    RewardRule,
    percent_text,
    progress_text,
    times_text,
)
from rewards.tiers import TierPart

_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Boost:
    """What a seasonal promotion makes of a reward: another `amount`, and that times `multiplier_bps`."""

    name: str
    multiplier_bps: int = _WHOLE
    amount: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What a rule whose amount can be divided pays the credit at `position` of `weights`."""

    rule: RewardRule
    currency: str
    weights: Sequence[Weight]
    position: int
    boost: Boost | None
    parts: Sequence[TierPart]

    @property
    def takes_percentage(self) -> bool:
        """Whether any part of the base is paid by a percentage."""
        return any(isinstance(self._amount_of(part), PercentageAmount) for part in self.parts)

    @property
    def tier(self) -> int:
        """The number of the highest tier it is paid by; 0 for none."""
        return 0 if self.boost is not None and self.boost.amount is not None else self.parts[-1].tier

    def amount(self, threshold: int | None = None) -> tuple[int, str]:
        """Return the amount, rounded once, in the rule's unit, and a sentence how it came about.

        `threshold` is the milestone that was passed, where it is for one.
        """
        unit = self.rule.unit(self.currency)
        amount_minor, sentence = (
            self._percentages(unit) if self.takes_percentage else self._fixed(unit, threshold)
        )
        if self.tier:
            at_least = self.rule.tiers[self.tier - 1].at_least
            sentence += f", by the tier from {self._progress(at_least, self.rule.tier_basis)} on"
        if self.rule.max_minor is not None:
            limit_minor = split(self.rule.max_minor, self.weights)[self.position]
            if amount_minor > limit_minor:
                amount_minor = limit_minor
                sentence += f", limited to {display(limit_minor, unit)}"
        return amount_minor, f"{sentence}."

    def _amount_of(self, part: TierPart) -> Amount | None:
        if self.boost is not None and self.boost.amount is not None:
            return self.boost.amount
        return self.rule.amount_of_tier(part.tier)

    def _percentages(self, unit: str) -> tuple[int, str]:
        rates = [
            (amount.bps, part.base_minor)
            for part in self.parts
            if isinstance(amount := self._amount_of(part), PercentageAmount)
        ]
        if len({bps for bps, _ in rates}) == 1:
            rates = [(rates[0][0], sum(base for _, base in rates))]
        total = sum(bps * base for bps, base in rates)
        amount_minor = prorate(total, self._multiplier, _WHOLE * _WHOLE)
        what = "the margin of " if self.rule.base == "margin" else ""
        terms = [f"{percent_text(bps)} of {what}{display(base, self.currency)}" for bps, base in rates]
        boosted = f"{self._boosted}," if self._boosted else ""
        return amount_minor, f"{' and '.join(terms)}{boosted} is {display(amount_minor, unit)}"

    def _fixed(self, unit: str, threshold: int | None) -> tuple[int, str]:
        amount = self._amount_of(self.parts[-1])
        promised_minor = amount.minor if isinstance(amount, FixedAmount) else 0
        whole_minor = prorate(promised_minor, self._multiplier, _WHOLE)
        amount_minor = split(whole_minor, self.weights)[self.position]
        sentence = f"A fixed {display(promised_minor, unit)}"
        if self.rule.milestone is not None and threshold is not None:
            sentence += f" for {self._progress(threshold, self.rule.milestone.basis)}"
        sentence += self._boosted
        if whole_minor != promised_minor:
            sentence += f", is {display(whole_minor, unit)}"
        if amount_minor != whole_minor:
            sentence += f", of which this credit earns {display(amount_minor, unit)}"
        return amount_minor, sentence

    @property
    def _multiplier(self) -> int:
        return self.boost.multiplier_bps if self.boost is not None else _WHOLE

    @property
    def _boosted(self) -> str:
        if self.boost is None:
            return ""
        times = "" if self._multiplier == _WHOLE else f"times {times_text(self._multiplier)} "
        return f", {times}by “{self.boost.name}”"

    def _progress(self, count: int, basis: MilestoneBasis) -> str:
        return progress_text(basis, count, self.currency)


def boosted_discount(discount: Amount, boost: Boost) -> Amount:
    """Return what a promotion makes of a discount: never more than the whole price."""
    amount = discount if boost.amount is None else boost.amount
    if isinstance(amount, PercentageAmount):
        return PercentageAmount(min(prorate(amount.bps, boost.multiplier_bps, _WHOLE), _WHOLE))
    return FixedAmount(prorate(amount.minor, boost.multiplier_bps, _WHOLE))
