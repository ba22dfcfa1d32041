"""Short ways to write touches and rules around one purchase."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from tracking.attribution import (
    WHOLE_PPM,
    AttributionRule,
    Bond,
    ConversionKind,
    Decision,
    Model,
    Share,
    Touch,
    TouchKind,
    decide,
)

PURCHASE_AT = datetime(2025, 11, 5, 12, 0, tzinfo=UTC)
MODELS: tuple[Model, ...] = get_args(Model)
KINDS: tuple[TouchKind, ...] = get_args(TouchKind)


def rule(model: Model = "last_click", **settings: Any) -> AttributionRule:
    defaults: dict[str, Any] = {"click_window": timedelta(days=90), "code_window": timedelta(days=30)}
    return AttributionRule(model=model, **{**defaults, **settings})


def touch(
    name: str,
    participant: str,
    *,
    before: timedelta,
    kind: TouchKind = "click",
    channel: str = "email",
    disqualified: str | None = None,
) -> Touch:
    return Touch(f"tch_{name}", f"prt_{participant}", kind, channel, PURCHASE_AT - before, disqualified)


def clicks(*days: int) -> list[Touch]:
    """One click each of prt_a, prt_b, ... so many days before the purchase."""
    return [
        touch(name, name, before=timedelta(days=day)) for name, day in zip("abcdefgh", days, strict=False)
    ]


def decided(
    touches: Sequence[Touch],
    by: AttributionRule,
    *,
    amount_minor: int = 10_000,
    bond: Bond | None = None,
    kind: ConversionKind = "purchase",
) -> Decision:
    return decide(
        conversion_at=PURCHASE_AT,
        amount_minor=amount_minor,
        currency="EUR",
        touches=touches,
        rule=by,
        bond=bond,
        kind=kind,
    )


def bond(*names: str, before: timedelta = timedelta(days=40), converted: timedelta | None = None) -> Bond:
    """Return a bond to participants in equal parts, so long before the purchase."""
    shares = tuple(Share(f"prt_{name}", WHOLE_PPM // len(names)) for name in names)
    return Bond(shares, PURCHASE_AT - before, None if converted is None else PURCHASE_AT - converted)


def amounts(decision: Decision) -> dict[str, int]:
    return {credit.participant: credit.amount_minor for credit in decision.credits}


def reasons(decision: Decision) -> dict[str, str]:
    return {rejected.touch_id: rejected.reason for rejected in decision.rejected}
