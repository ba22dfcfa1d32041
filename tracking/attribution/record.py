"""Decisions as stored records: JSON values both ways, and replay."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from tracking.attribution.canonical import rule_text
from tracking.attribution.decision import check_money, compare, decide, in_order
from tracking.attribution.facts import (
    AttributionRule,
    Bond,
    ConversionKind,
    Credit,
    Decision,
    Model,
    Rejected,
    Share,
    Touch,
    in_utc,
)

# A record replays to the same bytes, sentences included: whoever changes a rule or a wording raises this.
RECORD_FORMAT = 2


class OtherFormat(ValueError):
    """The record was written by a program that decided or worded differently, and cannot be replayed."""


def encode_inputs(
    *,
    conversion_at: datetime,
    amount_minor: int,
    currency: str,
    touches: Sequence[Touch],
    rule: AttributionRule,
    bond: Bond | None = None,
    kind: ConversionKind = "purchase",
) -> dict[str, Any]:
    """Turn the arguments of `decide` into JSON values; equal inputs in any order give equal records."""
    check_money(amount_minor, currency)
    return {
        "format": RECORD_FORMAT,
        "kind": kind,
        "conversion_at": _instant(in_utc(conversion_at, "conversion_at")),
        "amount_minor": amount_minor,
        "currency": currency,
        "touches": [_encode_touch(touch) for touch in in_order(touches)],
        "rule": encode_rule(rule),
        "bond": None if bond is None else _encode_bond(bond),
    }


def _encode_touch(touch: Touch) -> dict[str, Any]:
    return {
        "id": touch.id,
        "participant": touch.participant,
        "kind": touch.kind,
        "channel": touch.channel,
        "occurred_at": _instant(touch.occurred_at),
        "disqualified": touch.disqualified,
    }


def encode_rule(rule: AttributionRule) -> dict[str, Any]:
    """Turn a rule into JSON values, windows in seconds."""
    return {
        "model": rule.model,
        "click_window_seconds": _seconds(rule.click_window),
        "code_window_seconds": _seconds(rule.code_window),
        "signup_window_seconds": _seconds(rule.signup_window),
        "conversion_window_seconds": _seconds(rule.conversion_window),
        "lifetime_months": rule.lifetime_months,
        "binding": rule.binding,
        "half_life_days": rule.half_life_days,
        "position_weights": list(rule.position_weights),
        "custom_weights": list(rule.custom_weights),
        "channel_weights": [list(pair) for pair in sorted(rule.channel_weights)],
        "precedence": list(rule.precedence),
    }


def _encode_bond(bond: Bond) -> dict[str, Any]:
    return {
        "shares": [
            {
                "participant": share.participant,
                "weight_ppm": share.weight_ppm,
                "disqualified": share.disqualified,
            }
            for share in bond.shares
        ],
        "since": _instant(bond.since),
        "converted_at": None if bond.converted_at is None else _instant(bond.converted_at),
    }


def encode_decision(decision: Decision) -> dict[str, Any]:
    """Turn a decision into JSON values."""
    return {
        "model": decision.model,
        "credits": [
            {
                "participant": credit.participant,
                "touch_ids": list(credit.touch_ids),
                "weight_ppm": credit.weight_ppm,
                "amount_minor": credit.amount_minor,
                "confidence": credit.confidence,
            }
            for credit in decision.credits
        ],
        "rejected": [
            {
                "touch_id": rejected.touch_id,
                "participant": rejected.participant,
                "reason": rejected.reason,
                "sentence": rejected.sentence,
            }
            for rejected in decision.rejected
        ],
        "reason": decision.reason,
        "sentence": decision.sentence,
        "bond_reason": decision.bond_reason,
    }


def decode_decision(result: Mapping[str, Any]) -> Decision:
    """Read back what `encode_decision` wrote."""
    credits = tuple(Credit(**{**each, "touch_ids": tuple(each["touch_ids"])}) for each in result["credits"])
    rejected = tuple(Rejected(**each) for each in result["rejected"])
    return Decision(
        result["model"], credits, rejected, result["reason"], result["sentence"], result["bond_reason"]
    )


def replay(inputs: Mapping[str, Any]) -> Decision:
    """Decide again from stored inputs; raises OtherFormat for a record of another format."""
    return decide(**_arguments(inputs))


def compare_record(inputs: Mapping[str, Any]) -> dict[Model, Decision]:
    """Decide stored inputs under every model; raises OtherFormat for a record of another format."""
    return compare(**_arguments(inputs))


def under_rule(inputs: Mapping[str, Any], rule: AttributionRule) -> dict[str, Any]:
    """Return stored inputs with another rule in place of theirs."""
    return {**inputs, "rule": encode_rule(rule)}


def _arguments(inputs: Mapping[str, Any]) -> dict[str, Any]:
    if inputs.get("format") != RECORD_FORMAT:
        raise OtherFormat(f"format must be {RECORD_FORMAT}")
    return {
        "kind": inputs["kind"],
        "conversion_at": datetime.fromisoformat(inputs["conversion_at"]),
        "amount_minor": inputs["amount_minor"],
        "currency": inputs["currency"],
        "touches": [
            Touch(
                each["id"],
                each["participant"],
                each["kind"],
                each["channel"],
                datetime.fromisoformat(each["occurred_at"]),
                each["disqualified"],
            )
            for each in inputs["touches"]
        ],
        "rule": _decode_rule(rule_text(inputs["rule"])),
        "bond": None if inputs["bond"] is None else _decode_bond(inputs["bond"]),
    }


@lru_cache(maxsize=1_000)
def _decode_rule(text: str) -> AttributionRule:
    """Read a rule from its canonical JSON; thousands of decisions have the same."""
    stored = json.loads(text)
    return AttributionRule(
        model=stored["model"],
        click_window=timedelta(seconds=stored["click_window_seconds"]),
        code_window=_span(stored["code_window_seconds"]),
        signup_window=_span(stored["signup_window_seconds"]),
        conversion_window=_span(stored["conversion_window_seconds"]),
        lifetime_months=stored["lifetime_months"],
        binding=stored["binding"],
        half_life_days=stored["half_life_days"],
        position_weights=tuple(stored["position_weights"]),
        custom_weights=tuple(stored["custom_weights"]),
        channel_weights=tuple((channel, weight) for channel, weight in stored["channel_weights"]),
        precedence=tuple(stored["precedence"]),
    )


def _decode_bond(stored: Mapping[str, Any]) -> Bond:
    converted_at = stored["converted_at"]
    return Bond(
        shares=tuple(Share(**share) for share in stored["shares"]),
        since=datetime.fromisoformat(stored["since"]),
        converted_at=None if converted_at is None else datetime.fromisoformat(converted_at),
    )


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _seconds(value: timedelta | None) -> int | None:
    return None if value is None else value // timedelta(seconds=1)


def _instant(value: datetime) -> str:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
