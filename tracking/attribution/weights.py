"""How clicks share a conversion: exact whole numbers, one for each click in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal

from tracking.attribution.facts import AttributionRule, Touch

_DEFAULT_CHANNEL_WEIGHT = 100

# Beyond this many half-lives behind the newest click a share is below 1 in 10^19: no amount is large enough
# to show it.
_MAX_HALVINGS = 64

# exp() and ln() are correctly rounded by the decimal specification, so every machine gets the same digits.
_DECIMAL = Context(prec=28, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX)
_LN2 = _DECIMAL.ln(Decimal(2))


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight for each click, the decision's reason, and the reason of a click whose weight is zero.

    Only the proportion of weights to each other means anything.
    """

    reason: str
    weights: list[int]
    losing: str


def click_weights(clicks: Sequence[Touch], conversion_at: datetime, rule: AttributionRule) -> Weights:
    """Weigh clicks by the rule's model; at least one weight is positive. `clicks` come in order of time."""
    count = len(clicks)
    match rule.model:
        case "first_click":
            return Weights(rule.model, only(count, 0), "not_first_click")
        case "last_click":
            return Weights(rule.model, only(count, -1), "not_last_click")
        case "linear":
            weights = [1] * count
        case "time_decay":
            weights = _decayed(clicks, conversion_at, timedelta(days=rule.half_life_days))
        case "position_based":
            weights = _positioned(rule.position_weights, count)
        case _:  # custom
            weights = _custom(clicks, rule)
            if not any(weights):
                return Weights("last_click_fallback", only(count, -1), "not_last_click")
    return Weights(rule.model, weights, "zero_weight")


def only(count: int, position: int) -> list[int]:
    """Give everything to one of `count` positions; -1 is the last."""
    weights = [0] * count
    weights[position] = 1
    return weights


def _decayed(clicks: Sequence[Touch], conversion_at: datetime, half_life: timedelta) -> list[int]:
    """Compute 2^-(age / half-life) for each click, up to a common factor that makes all of them whole.

    Whole half-lives are exact powers of two; only what is left over goes through exp().
    """
    steps = [divmod(conversion_at - click.occurred_at, half_life) for click in clicks]
    newest = min(halvings for halvings, _ in steps)
    weights = []
    for halvings, rest in steps:
        if halvings - newest > _MAX_HALVINGS:
            weights.append(0)
            continue
        part = _DECIMAL.divide(_microseconds(rest), _microseconds(half_life))
        factor = _DECIMAL.exp(_DECIMAL.minus(_DECIMAL.multiply(part, _LN2)))
        # From a half to one, so none of its digits is behind the context's last decimal.
        whole = int(_DECIMAL.scaleb(factor, _DECIMAL.prec))
        weights.append(whole << (_MAX_HALVINGS - (halvings - newest)))
    return weights


def _microseconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta.resolution)


def _positioned(percentages: tuple[int, int, int], count: int) -> list[int]:
    if count <= 2:
        return [1] * count
    first, middle, last = percentages
    between = count - 2
    return [first * between, *[middle] * between, last * between]


def _custom(clicks: Sequence[Touch], rule: AttributionRule) -> list[int]:
    by_channel = dict(rule.channel_weights)
    return [
        _stretched(rule.custom_weights, position, len(clicks))
        * by_channel.get(click.channel, _DEFAULT_CHANNEL_WEIGHT)
        for position, click in enumerate(clicks)
    ]


def _stretched(points: tuple[int, ...], position: int, count: int) -> int:
    """Read the line through evenly spaced points at one of `count` evenly spaced positions.

    What is read is `count - 1` times as high, which makes it whole; for a single position it is 1.
    """
    if not points or count == 1:
        return 1
    left, rest = divmod(position * (len(points) - 1), count - 1)
    right = min(left + 1, len(points) - 1)
    return points[left] * (count - 1) + rest * (points[right] - points[left])
