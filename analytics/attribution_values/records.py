"""What stored decisions give to each label, as they were made and under every model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from core.money import split
from tracking import attribution
from tracking.attribution import Credit, Decision, Model

By = Literal["channel", "participant"]
MODELS: Final[tuple[Model, ...]] = get_args(Model)
ACTUAL: Final = "actual"
EVERY: Final = "every"

_OUTDONE: Final = frozenset(
    {"bound_to_other", "lower_precedence", "not_first_click", "not_last_click", "zero_weight"}
)
"""Why a touch that is right in itself earned nothing. It was met on the way all the same."""
_BOUND: Final = "bound_referrer"


@dataclass(frozen=True, slots=True)
class Part:
    """One label's part of a conversion; the label is None where no contact with any stands behind it."""

    label: str | None
    weight_ppm: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Told:
    """One decision: the labels of the touches that count, oldest first, and the parts by column.

    The columns are ACTUAL, which is the stored result, and the models; where none of them can differ, EVERY
    stands for all. In each the weights sum to 1,000,000 and the amounts to the conversion's.
    """

    journey: tuple[str, ...]
    columns: Mapping[str, tuple[Part, ...]]


def tell(inputs: Mapping[str, Any], result: Mapping[str, Any], *, by: By) -> Told:
    """Read a stored decision by channel or by participant, and decide it anew under every model.

    It must credit somebody: which touches count does not depend on the model, so then each model credits
    somebody, and otherwise none does.

    A credit by weighed touches belongs to the channels of those touches, as the model weighs them. A credit
    by an earlier conversion's bond weighs no touches: it belongs in equal parts to the channels of its
    participant's touches, and to none where there are none. A touch that was disqualified, came too late or
    lies outside of its window is no part of the journey; one that was outdone by another is.
    """
    stored = attribution.decode_decision(result)
    faulty = {each.touch_id for each in stored.rejected if each.reason not in _OUTDONE}
    counting = [touch for touch in inputs["touches"] if touch["id"] not in faulty]
    journey = tuple(touch[by] for touch in counting)
    channels = {touch["id"]: touch["channel"] for touch in counting}

    def labels(credit: Credit) -> Sequence[str | None]:
        if by == "participant":
            return [credit.participant]
        return [channels[touch] for touch in credit.touch_ids] or [None]

    def parts(decision: Decision) -> tuple[Part, ...]:
        return _parts(decision, labels)

    bond = inputs["bond"]
    named_by_any = {*journey, *(label for credit in stored.credits for label in labels(credit))}
    single = not journey or len(named_by_any) == 1 or stored.reason.endswith("_claim")
    if single and (not bond or stored.reason == _BOUND):
        # No model can tell it otherwise, so the work of deciding is saved.
        return Told(journey, {EVERY: parts(stored)})
    if by == "participant":
        plain = attribution.compare_record(inputs)
        return Told(journey, {ACTUAL: parts(stored)} | {model: parts(plain[model]) for model in MODELS})

    # Decided as if the channels were the participants, the models weigh each channel's touches.
    touches = [{**touch, "participant": touch["channel"]} for touch in inputs["touches"]]
    named = attribution.compare_record({**inputs, "touches": touches})
    plain = attribution.compare_record(inputs) if bond else named

    def channel_parts(decision: Decision) -> tuple[Part, ...]:
        if decision.reason == _BOUND:
            return parts(decision)
        return _parts(named[decision.model], lambda credit: [credit.participant])

    return Told(
        journey, {ACTUAL: channel_parts(stored)} | {model: channel_parts(plain[model]) for model in MODELS}
    )


def _parts(decision: Decision, labels: Callable[[Credit], Sequence[str | None]]) -> tuple[Part, ...]:
    """Merge a decision's credits by label; a credit with several labels is theirs in equal parts."""
    found: dict[str | None, tuple[int, int]] = {}
    for label, ppm, minor in _pieces(decision.credits, labels):
        before = found.get(label, (0, 0))
        found[label] = (before[0] + ppm, before[1] + minor)
    return tuple(Part(label, ppm, minor) for label, (ppm, minor) in found.items())


def _pieces(
    credits: Iterable[Credit], labels: Callable[[Credit], Sequence[str | None]]
) -> Iterable[tuple[str | None, int, int]]:
    for credit in credits:
        own = labels(credit)
        if len(own) == 1:
            yield own[0], credit.weight_ppm, credit.amount_minor
            continue
        equal = [1] * len(own)
        yield from zip(own, split(credit.weight_ppm, equal), split(credit.amount_minor, equal), strict=True)
