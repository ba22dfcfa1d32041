"""The decision itself: which touches count, whose they are, and what each participant gets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import get_args

from core.money import split
from tracking.attribution.facts import (
    MONTH,
    WHOLE_PPM,
    AttributionRule,
    Bond,
    Confidence,
    ConversionKind,
    Credit,
    Decision,
    Model,
    Rejected,
    Touch,
    in_utc,
    window_of,
)
from tracking.attribution.weights import click_weights, only
from tracking.attribution.wording import (
    KIND_WORDS,
    MODEL_WORDS,
    Loss,
    bound_headline,
    headline,
    loss,
    outranked,
    overtaken,
    rejection,
    too_old,
)

SINGLE_TOUCH = ("first_click", "last_click")

_IN_ORDER = attrgetter("occurred_at", "id")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Whom the touches that count speak for, and what became of the others."""

    reason: str
    credits: tuple[Credit, ...]
    sentence: str
    losses: dict[str, Loss]


def decide(
    *,
    conversion_at: datetime,
    amount_minor: int,
    currency: str,
    touches: Sequence[Touch],
    rule: AttributionRule,
    bond: Bond | None = None,
    kind: ConversionKind = "purchase",
) -> Decision:
    """Decide which participants a conversion is credited to.

    `amount_minor` may be zero or negative. Raises ValueError naming the field for a naive instant, a repeated
    touch id, an amount that is not an integer, or a malformed currency.
    """
    check_money(amount_minor, currency)
    conversion_at = in_utc(conversion_at, "conversion_at")
    ordered = in_order(touches)
    eligible: list[Touch] = []
    losses: dict[str, Loss] = {}
    for touch in ordered:
        fault = _fault(touch, conversion_at, rule, kind)
        if fault is None:
            eligible.append(touch)
        else:
            losses[touch.id] = fault

    bond_reason = None if bond is None else _bond_fault(bond, conversion_at, kind, eligible, rule)
    if bond is not None and bond_reason is None:
        outcome = _bound(bond, eligible, amount_minor)
    elif eligible:
        outcome = _earned(eligible, conversion_at, amount_minor, rule, kind)
    elif ordered:
        outcome = _Outcome(
            "no_eligible_touch", (), "Nobody is credited: none of the known touches counts.", {}
        )
    else:
        outcome = _Outcome("no_touch", (), "Nobody is credited: no touch is known.", {})

    losses |= outcome.losses
    rejected = tuple(
        [
            Rejected(touch.id, touch.participant, lost.reason, rejection(touch, lost))
            for touch in ordered
            if (lost := losses.get(touch.id)) is not None
        ]
    )
    return Decision(rule.model, outcome.credits, rejected, outcome.reason, outcome.sentence, bond_reason)


def compare(
    *,
    conversion_at: datetime,
    amount_minor: int,
    currency: str,
    touches: Sequence[Touch],
    rule: AttributionRule,
    bond: Bond | None = None,
    kind: ConversionKind = "purchase",
) -> dict[Model, Decision]:
    """Decide the same conversion under every model, all other settings unchanged."""
    models: tuple[Model, ...] = get_args(Model)
    return {
        model: decide(
            conversion_at=conversion_at,
            amount_minor=amount_minor,
            currency=currency,
            touches=touches,
            rule=replace(rule, model=model),
            bond=bond,
            kind=kind,
        )
        for model in models
    }


def check_money(amount_minor: object, currency: object) -> None:
    """Refuse an amount that is not an integer and a malformed currency, with the field's name.

    A stored decision must replay after its currency was withdrawn, so no list of active codes is asked.
    """
    if isinstance(amount_minor, bool) or not isinstance(amount_minor, int):
        raise ValueError("amount_minor must be an integer")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise ValueError("currency must be three capital letters")


def in_order(touches: Sequence[Touch]) -> list[Touch]:
    """Sort touches by instant, then by id; raises ValueError for a repeated id."""
    if len({touch.id for touch in touches}) != len(touches):
        raise ValueError("touches must not repeat an id")
    return sorted(touches, key=_IN_ORDER)


def _fault(touch: Touch, conversion_at: datetime, rule: AttributionRule, kind: ConversionKind) -> Loss | None:
    """Find what is wrong with a touch by itself."""
    if touch.disqualified is not None:
        return loss(touch.disqualified)
    if touch.occurred_at > conversion_at:
        return loss("after_conversion")
    if touch.kind not in rule.precedence:
        return loss("kind_not_accepted")
    window = window_of(touch.kind, rule, kind)
    age = conversion_at - touch.occurred_at
    return None if window is None or age <= window else too_old(touch.kind, age, window, kind, rule)


def _bond_fault(
    bond: Bond,
    conversion_at: datetime,
    kind: ConversionKind,
    eligible: Sequence[Touch],
    rule: AttributionRule,
) -> str | None:
    """Find why the bond does not decide."""
    if bond.since > conversion_at:
        return "bond_began_later"
    if rule.lifetime_months is not None and conversion_at - bond.since > rule.lifetime_months * MONTH:
        return "lifetime_over"
    came_first = bond.converted_at is None or bond.converted_at >= conversion_at
    late = rule.conversion_window is not None and conversion_at - bond.since > rule.conversion_window
    if late and (kind == "signup" or came_first):
        return "outside_conversion_window"
    if all(share.disqualified for share in bond.shares):
        return "bond_disqualified"
    reassigned = any(touch.kind == "manual" and touch.occurred_at > bond.since for touch in eligible)
    first = rule.binding == "first" and rule.model in SINGLE_TOUCH and not reassigned
    return None if first or not eligible else "newer_touch"


def _bound(bond: Bond, eligible: Sequence[Touch], amount_minor: int) -> _Outcome:
    shares = [share for share in bond.shares if not share.disqualified]
    own: dict[str, list[Touch]] = {share.participant: [] for share in shares}
    others: list[Touch] = []
    for touch in eligible:
        own.get(touch.participant, others).append(touch)
    weights = [share.weight_ppm for share in shares]
    parts = zip(own.items(), split(WHOLE_PPM, weights), split(amount_minor, weights), strict=True)
    credits = tuple(
        Credit(participant, tuple(touch.id for touch in touches), ppm, minor, _confidence(touches))
        for (participant, touches), ppm, minor in parts
    )
    return _Outcome(
        reason="bound_referrer",
        credits=credits,
        sentence=bound_headline(credits),
        losses={touch.id: loss("bound_to_other") for touch in others},
    )


def _earned(
    eligible: Sequence[Touch],
    conversion_at: datetime,
    amount_minor: int,
    rule: AttributionRule,
    event: ConversionKind,
) -> _Outcome:
    """Let the strongest kind present decide: clicks share by the model, others go to the latest claim."""
    kind = min((touch.kind for touch in eligible), key=rule.precedence.index)
    rivals = [touch for touch in eligible if touch.kind == kind]
    if kind == "click":
        shared = click_weights(rivals, conversion_at, rule)
        reason, weights, beaten = shared.reason, shared.weights, loss(shared.losing)
        how = MODEL_WORDS[rule.model]
        if reason == "last_click_fallback":
            how = "last click, because the custom weights leave nothing to any click"
    else:
        reason, weights, beaten = f"{kind}_claim", only(len(rivals), -1), overtaken(kind)
        how = KIND_WORDS[kind]

    weighed = list(zip(rivals, weights, strict=True))
    winners = [(touch, weight) for touch, weight in weighed if weight]
    credits = _credits(winners, amount_minor)
    return _Outcome(
        reason=reason,
        credits=credits,
        sentence=headline(credits, [touch for touch, _ in winners], how, conversion_at, rule, event),
        losses={touch.id: outranked(kind) for touch in eligible if touch.kind != kind}
        | {touch.id: beaten for touch, weight in weighed if not weight},
    )


def _credits(winners: Sequence[tuple[Touch, int]], amount_minor: int) -> tuple[Credit, ...]:
    touches: dict[str, list[Touch]] = {}
    totals: dict[str, int] = {}
    for touch, weight in winners:
        touches.setdefault(touch.participant, []).append(touch)
        totals[touch.participant] = totals.get(touch.participant, 0) + weight
    if len(totals) == 1:
        # As splitting would have it, for the most frequent case.
        own = [touch for touch, _ in winners]
        ids = tuple([touch.id for touch in own])
        return (Credit(own[0].participant, ids, WHOLE_PPM, amount_minor, _confidence(own)),)
    weights = tuple(totals.values())
    shares = zip(touches.items(), split(WHOLE_PPM, weights), split(amount_minor, weights), strict=True)
    return tuple(
        Credit(participant, tuple(touch.id for touch in own), weight_ppm, share_minor, _confidence(own))
        for (participant, own), weight_ppm, share_minor in shares
    )


def _confidence(touches: Sequence[Touch]) -> Confidence:
    """Label a credit: `inferred` without a touch of the customer's own account, `code` by codes alone, else
    `deterministic`.
    """
    kinds = {touch.kind for touch in touches}
    if kinds <= {"email"}:
        return "inferred"
    return "code" if kinds == {"code"} else "deterministic"
