"""Runs the rules over the facts and weighs what they find."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tracking.fraud.facts import DEFAULT_WEIGHTS, Facts, FraudSettings, Judgement, Outcome, Signal
from tracking.fraud.rules import RULES

Rule = Callable[[Facts, FraudSettings], Signal | None]

STANDING: Final = frozenset({"same_customer", "duplicate_order", "block_list"})
"""The rules that an entry of the allow list does not lift."""

# Rules that prove the same thing share one reason.
_REASONS: Final[Mapping[str, str]] = {"same_customer": "self_referral", "same_mailbox": "self_referral"}
_RANKS: Final = {rule: rank for rank, rule in enumerate(DEFAULT_WEIGHTS)}


def judge(facts: Facts, settings: FraudSettings, rules: Sequence[Rule] = RULES) -> Judgement:
    """Run the rules that are not off over the facts and weigh what they find."""
    if settings.off:
        rules = [rule for rule in rules if rule.__name__ not in settings.off]
    found = [signal for rule in rules if (signal := rule(facts, settings)) is not None]
    if not found:
        return _NOTHING
    found.sort(key=_place)
    counted = [signal for signal in found if not signal.shadow]
    outcome, reason = _weigh(counted, settings)
    if len(counted) == len(found):
        with_shadow = outcome
    else:
        with_shadow, _ = _weigh(sorted(found, key=lambda signal: _place(signal)[1:]), settings)
    score = sum(signal.weight for signal in counted)
    return Judgement(outcome, score, tuple(found), reason, with_shadow)


_NOTHING: Final = Judgement("allow", 0, (), "no_signal", "allow")


def _place(signal: Signal) -> tuple[bool, int, int, str]:
    """Put what counts first and the heaviest first; among equals a fixed order, whatever the rules' order."""
    return signal.shadow, -signal.weight, _RANKS.get(signal.rule, len(_RANKS)), signal.rule


def _weigh(signals: Sequence[Signal], settings: FraudSettings) -> tuple[Outcome, str]:
    """Return outcome and reason of signals that count, heaviest first."""
    outcome, reason = _by_weight(signals, settings)
    if outcome == "allow" or all(signal.rule != "allow_list" for signal in signals):
        return outcome, reason
    outcome, reason = _by_weight([signal for signal in signals if signal.rule in STANDING], settings)
    return (outcome, reason) if outcome != "allow" else ("allow", "allow_list")


def _by_weight(signals: Sequence[Signal], settings: FraudSettings) -> tuple[Outcome, str]:
    if not signals:
        return "allow", "no_signal"
    heaviest = signals[0]
    reason = _REASONS.get(heaviest.rule, heaviest.rule)
    if heaviest.weight >= settings.deny_at:
        return "deny", reason
    if sum(signal.weight for signal in signals) >= settings.hold_at:
        return "hold", reason
    return "allow", "below_threshold"
