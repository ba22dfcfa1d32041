"""Judgements as stored records: JSON both ways, a digest, and replay."""

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, Final

from tracking.attribution import digest as digest
from tracking.fraud.facts import DEFAULT_WEIGHTS, Facts, FraudSettings, Judgement, Signal
from tracking.fraud.judgement import judge

# Raised by whoever changes a rule or a sentence: a stored judgement replays to the same bytes.
RECORD_FORMAT: Final = 2

_RULES: Final = tuple(sorted(DEFAULT_WEIGHTS))
_OPTIONAL: Final = tuple(
    (each.name, each.default) for each in fields(Facts) if each.name not in ("referrer", "referee")
)
_SETTINGS: Final = tuple(each.name for each in fields(FraudSettings) if each.init)
_NAMES: Final = ("shadow", "off", "banned_sources")


def encode_inputs(facts: Facts, settings: FraudSettings) -> dict[str, Any]:
    """Turn the arguments of `judge` into JSON values.

    Of the facts, those that are known; of the settings, all, with every weight that was in force.
    """
    known: dict[str, Any] = {"referrer": facts.referrer, "referee": facts.referee}
    for name, unknown in _OPTIONAL:
        value = getattr(facts, name)
        if value != unknown:
            known[name] = list(value) if isinstance(value, tuple) else value
    if facts.listed_as:
        known["listed_as"] = [list(entry) for entry in facts.listed_as]
    stated: dict[str, Any] = {name: getattr(settings, name) for name in _SETTINGS}
    stated |= {name: sorted(stated[name]) for name in _NAMES}
    stated["weights"] = [[rule, settings.weight(rule)] for rule in _RULES]
    return {"format": RECORD_FORMAT, "facts": known, "settings": stated}


def encode_judgement(judgement: Judgement) -> dict[str, Any]:
    """Turn a judgement into JSON values."""
    return {
        "outcome": judgement.outcome,
        "score": judgement.score,
        "signals": [
            {
                "rule": signal.rule,
                "weight": signal.weight,
                "sentence": signal.sentence,
                "evidence": [list(pair) for pair in signal.evidence],
                "shadow": signal.shadow,
            }
            for signal in judgement.signals
        ],
        "reason": judgement.reason,
        "shadow_outcome": judgement.shadow_outcome,
    }


def decode_judgement(result: Mapping[str, Any]) -> Judgement:
    """Read back what `encode_judgement` wrote."""
    signals = tuple(
        Signal(**{**each, "evidence": tuple((name, value) for name, value in each["evidence"])})
        for each in result["signals"]
    )
    return Judgement(**{**result, "signals": signals})


def replay(inputs: Mapping[str, Any], settings: FraudSettings | None = None) -> Judgement:
    """Judge again from stored inputs, by the stored settings or, for a back-test, by others.

    Raises ValueError for a record of another format.
    """
    if inputs.get("format") != RECORD_FORMAT:
        raise ValueError(f"format must be {RECORD_FORMAT}")
    if settings is None:
        settings = _settings_of(inputs["settings"])
    known = dict(inputs["facts"])
    for name in ("referee_known_as", "ring"):
        if name in known:
            known[name] = tuple(known[name])
    if "listed_as" in known:
        known["listed_as"] = tuple((which, kind, pattern) for which, kind, pattern in known["listed_as"])
    return judge(Facts(**known), settings)


def _settings_of(stated: Mapping[str, Any]) -> FraudSettings:
    # A run over many records meets the same few settings, and checking them costs more than a judgement.
    key: list[Any] = []
    for name in _SETTINGS:
        value = stated[name]
        if name == "weights":
            value = tuple(map(tuple, value))
        key.append(tuple(value) if isinstance(value, list) else value)
    return _settings(*key)


@lru_cache(maxsize=256)
def _settings(*values: Any) -> FraudSettings:
    return FraudSettings(*values)
