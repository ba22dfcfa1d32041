"""What stored judgements would have been under other settings, and how good each rule is.

Truth is what people found out, never what the rules said:

1. `fraud`: a person rejected the case, or rejected the conversion as fraud.
2. `fine`: a person approved the case.
3. `unknown`: everything else. That nobody objected to a conversion for long (`unopposed`) is told beside it,
   and proves nothing: fraud that no rule holds is not looked at by anybody.

For each rule, of the judgements it fired in, wherever truth is known:

- precision = fraud / (fraud + fine)
- false-positive rate = fine / (fraud + fine) = 1 - precision

The second is what a shop feels as wrong alarms (strictly the false discovery rate). The share of all honest
referrals that a rule catches needs every honest referral to be known, as in labelled data: `accuracy`. Where
nothing was judged by a person, both are None. T. Fawcett, An introduction to ROC analysis, Pattern
Recognition Letters 27, 2006, has the definitions; the bounds of small counts are in `shares`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tracking.fraud.facts import DEFAULT_WEIGHTS, FraudSettings, Judgement, Outcome
from tracking.fraud.record import RECORD_FORMAT, replay
from tracking.fraud.shares import Share, share_of

Truth = Literal["fraud", "fine", "unknown"]

OUTCOMES: Final[tuple[Outcome, ...]] = ("allow", "hold", "deny")

_FRAUD_WORDS: Final = (
    "fraud",
    "stolen",
    "chargeback",
    "fake",
    "abuse",
    "self_referral",
    "self-referral",
    "scam",
)


def reads_as_fraud(reason: str) -> bool:
    """Tell whether a person's reason for rejecting a conversion says fraud, and not a cancellation."""
    text = reason.casefold().strip()
    return text in DEFAULT_WEIGHTS or any(word in text for word in _FRAUD_WORDS)


@dataclass(frozen=True, slots=True)
class Past:
    """One stored judgement, what it came to, and what was found out later.

    Ids are public ids. The amount is what the participant is credited with, or the conversion's where they
    were credited with nothing; in minor units of `currency`, which is empty where there is none.
    """

    conversion: str
    participant: str
    inputs: Mapping[str, Any]
    outcome: Outcome
    truth: Truth = "unknown"
    unopposed: bool = False
    amount_minor: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A judgement that comes out differently, and what weighs most in it now, else what did before."""

    past: Past
    before: Outcome
    after: Outcome
    rule: str
    sentence: str


@dataclass(slots=True)
class Fates:
    """What became known of some judgements, and the money in them by currency, in minor units."""

    fraud: int = 0
    fine: int = 0
    unknown: int = 0
    unopposed: int = 0
    money: dict[str, int] = field(default_factory=dict)

    @property
    def all(self) -> int:
        """How many there are; `unopposed` ones are among the unknown."""
        return self.fraud + self.fine + self.unknown

    @property
    def false_positive_rate(self) -> Share | None:
        """Of those people judged, the share that was fine."""
        return share_of(self.fine, self.fraud + self.fine)

    def add(self, past: Past) -> None:
        """Count one more."""
        setattr(self, past.truth, getattr(self, past.truth) + 1)
        self.unopposed += past.unopposed and past.truth == "unknown"
        if past.currency and past.amount_minor:
            self.money[past.currency] = self.money.get(past.currency, 0) + past.amount_minor


@dataclass(slots=True)
class RuleFigures:
    """How one rule did: in how many judgements it fired, and what became known of those.

    `alone`: held or denied, and no other rule counted. `would_hold`: fired in the shadow, where what runs in
    the shadow would have made the outcome worse.
    """

    rule: str
    judged: int = 0
    fired: int = 0
    alone: int = 0
    would_hold: int = 0
    fraud: int = 0
    fine: int = 0
    unknown: int = 0

    @property
    def share(self) -> Share | None:
        """Of all judgements, those it fired in."""
        return share_of(self.fired, self.judged)

    @property
    def precision(self) -> Share | None:
        """Of those it fired in and people judged, the share that was fraud; None for the allow list."""
        return None if self.rule == "allow_list" else share_of(self.fraud, self.fraud + self.fine)

    @property
    def false_positive_rate(self) -> Share | None:
        """Of those it fired in and people judged, the share that was fine; None for the allow list."""
        return None if self.rule == "allow_list" else share_of(self.fine, self.fraud + self.fine)


class RuleTally:
    """Counts what each rule found, judgement by judgement, in constant memory."""

    def __init__(self) -> None:
        self._judged = 0
        self._rules = {rule: RuleFigures(rule) for rule in DEFAULT_WEIGHTS}

    def add(self, judgement: Judgement, truth: Truth) -> None:
        """Count one judgement and what is known of it."""
        self._judged += 1
        counting = [signal for signal in judgement.signals if not signal.shadow and signal.weight]
        worse = OUTCOMES.index(judgement.shadow_outcome) > OUTCOMES.index(judgement.outcome)
        for signal in judgement.signals:
            figures = self._rules.setdefault(signal.rule, RuleFigures(signal.rule))
            figures.fired += 1
            figures.would_hold += signal.shadow and worse
            setattr(figures, truth, getattr(figures, truth) + 1)
        if judgement.outcome != "allow" and len(counting) == 1:
            self._rules[counting[0].rule].alone += 1

    def add_silent(self, judgements: int) -> None:
        """Count judgements in which no rule found anything."""
        self._judged += judgements

    def figures(self) -> tuple[RuleFigures, ...]:
        """Return the figures of every rule, those that never fired among them, the heaviest rules first."""
        for figures in self._rules.values():
            figures.judged = self._judged
        return tuple(self._rules.values())


@dataclass(frozen=True, slots=True)
class BackTestResult:
    """What other settings would have made of stored judgements.

    `transitions` counts judgements by (outcome then, outcome now). `caught` were allowed and would be held or
    denied; `released` were held or denied and would be allowed. `skipped` are records of another format.
    """

    judged: int
    skipped: int
    transitions: Mapping[tuple[Outcome, Outcome], int]
    caught: Fates
    released: Fates
    rules: tuple[RuleFigures, ...]

    @property
    def changed(self) -> int:
        """How many come out differently."""
        return sum(count for (before, after), count in self.transitions.items() if before != after)

    def count(self, before: Outcome, after: Outcome) -> int:
        """Return how many went from one outcome to another."""
        return self.transitions.get((before, after), 0)


class BackTest:
    """Judges stored judgements again under `settings`, one by one; without settings, under their own."""

    def __init__(self, settings: FraudSettings | None) -> None:
        self._settings = settings
        self._skipped = 0
        self._transitions: Counter[tuple[Outcome, Outcome]] = Counter()
        self._caught, self._released = Fates(), Fates()
        self._tally = RuleTally()

    def add(self, past: Past) -> Change | None:
        """Judge one again; returns the change, if the outcome is another."""
        if past.inputs.get("format") != RECORD_FORMAT:
            self._skipped += 1
            return None
        judgement = replay(past.inputs, self._settings)
        before, after = past.outcome, judgement.outcome
        self._transitions[before, after] += 1
        self._tally.add(judgement, past.truth)
        if before == after:
            return None
        if before == "allow":
            self._caught.add(past)
        elif after == "allow":
            self._released.add(past)
        told = judgement if judgement.signals and after != "allow" else replay(past.inputs)
        heaviest = told.signals[0] if told.signals else None
        return Change(
            past,
            before,
            after,
            heaviest.rule if heaviest else "",
            heaviest.sentence if heaviest else "No rule finds anything.",
        )

    def result(self) -> BackTestResult:
        """Return the figures of all that was added."""
        return BackTestResult(
            judged=self._transitions.total(),
            skipped=self._skipped,
            transitions=dict(self._transitions),
            caught=self._caught,
            released=self._released,
            rules=self._tally.figures(),
        )
