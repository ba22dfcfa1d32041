"""Decisions as stored records: JSON both ways, a digest, and replay."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from tracking.attribution.decision import check_money, decide, in_order
from tracking.attribution.facts import AttributionRule, Credit, Decision, Rejected, Touch, in_utc

# A record replays to the same bytes, sentences included: whoever changes a rule or a wording raises this.
RECORD_FORMAT = 1


def encode_inputs(
    *,
    conversion_at: datetime,
    amount_minor: int,
    currency: str,
    touches: Sequence[Touch],
    rule: AttributionRule,
    bound_participant: str | None = None,
) -> dict[str, Any]:
    """Turn the arguments of `decide` into JSON values; equal inputs in any order give equal records."""
    check_money(amount_minor, currency)
    return {
        "format": RECORD_FORMAT,
        "conversion_at": _instant(in_utc(conversion_at, "conversion_at")),
        "amount_minor": amount_minor,
        "currency": currency,
        "touches": [
            asdict(touch) | {"occurred_at": _instant(touch.occurred_at)} for touch in in_order(touches)
        ],
        "rule": {
            "model": rule.model,
            "click_window_seconds": _seconds(rule.click_window),
            "code_window_seconds": None if rule.code_window is None else _seconds(rule.code_window),
            "half_life_days": rule.half_life_days,
            "position_weights": list(rule.position_weights),
            "custom_weights": list(rule.custom_weights),
            "channel_weights": [list(pair) for pair in sorted(rule.channel_weights)],
            "precedence": list(rule.precedence),
        },
        "bound_participant": bound_participant,
    }


def encode_decision(decision: Decision) -> dict[str, Any]:
    """Turn a decision into JSON values."""
    return {
        "model": decision.model,
        "credits": [asdict(credit) | {"touch_ids": list(credit.touch_ids)} for credit in decision.credits],
        "rejected": [asdict(rejected) for rejected in decision.rejected],
        "reason": decision.reason,
        "sentence": decision.sentence,
    }


def decode_decision(result: Mapping[str, Any]) -> Decision:
    """Read back what `encode_decision` wrote."""
    credits = tuple(Credit(**{**each, "touch_ids": tuple(each["touch_ids"])}) for each in result["credits"])
    rejected = tuple(Rejected(**each) for each in result["rejected"])
    return Decision(result["model"], credits, rejected, result["reason"], result["sentence"])


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Write JSON with sorted keys and no spaces, in ASCII: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest(inputs: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Hash a decision record: hexadecimal SHA-256 over the canonical JSON of its inputs and result."""
    return hashlib.sha256(canonical_json({"inputs": inputs, "result": result})).hexdigest()


def replay(inputs: Mapping[str, Any]) -> Decision:
    """Decide again from stored inputs; raises ValueError for a record of another format."""
    if inputs.get("format") != RECORD_FORMAT:
        raise ValueError(f"format must be {RECORD_FORMAT}")
    stored = dict(inputs["rule"])
    click_seconds, code_seconds = stored.pop("click_window_seconds"), stored.pop("code_window_seconds")
    rule = AttributionRule(
        model=stored["model"],
        click_window=timedelta(seconds=click_seconds),
        code_window=None if code_seconds is None else timedelta(seconds=code_seconds),
        half_life_days=stored["half_life_days"],
        position_weights=tuple(stored["position_weights"]),
        custom_weights=tuple(stored["custom_weights"]),
        channel_weights=tuple((channel, weight) for channel, weight in stored["channel_weights"]),
        precedence=tuple(stored["precedence"]),
    )
    return decide(
        conversion_at=datetime.fromisoformat(inputs["conversion_at"]),
        amount_minor=inputs["amount_minor"],
        currency=inputs["currency"],
        touches=[
            Touch(**{**each, "occurred_at": datetime.fromisoformat(each["occurred_at"])})
            for each in inputs["touches"]
        ],
        rule=rule,
        bound_participant=inputs["bound_participant"],
    )


def _seconds(value: timedelta) -> int:
    return value // timedelta(seconds=1)


def _instant(value: datetime) -> str:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
