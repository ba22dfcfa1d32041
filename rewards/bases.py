"""What a percentage of an order is taken of: its revenue or its margin, all of it or the lines that count.

Pure: frozen values in and out; no Django and no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.money import percentage
from programs.terms import RewardRule

BaseReason = Literal["no_lines", "no_items", "margin_unknown"]

BASE_SENTENCES: dict[BaseReason, str] = {
    "no_lines": "The order does not say what was bought; the reward is for some products only.",
    "no_items": "Nothing that was bought counts for this reward.",
    "margin_unknown": "The order does not say what it cost; the reward is a part of the margin.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order; `amount_minor` is its net value and `cost_minor` what it cost, where known."""

    sku: str
    category: str
    amount_minor: int
    cost_minor: int | None = None


def counted_lines(rule: RewardRule, lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines that a rule is for."""
    if rule.items is None:
        return lines
    return [line for line in lines if rule.items.counts(line.sku, line.category)]


def lines_refusal(rule: RewardRule, lines: Sequence[Line]) -> BaseReason | None:
    """Say why an order with these lines earns nothing by a rule, if so."""
    if rule.items is None:
        return None
    if not lines:
        return "no_lines"
    return None if counted_lines(rule, lines) else "no_items"


def base_of_order(
    rule: RewardRule,
    lines: Sequence[Line],
    order_minor: int,
    margin_minor: int | None,
    assumed_margin_bps: int | None,
) -> int | None:
    """Return what a rule's percentage is taken of, before it is shared: from 0 to the order's value.

    None where the rule asks for the margin and neither the order, its lines nor an assumption tell it. A line
    that does not say its cost has the assumed margin.
    """
    counted = counted_lines(rule, lines)
    if rule.base == "revenue":
        found = order_minor if rule.items is None else sum(line.amount_minor for line in counted)
    elif rule.items is None and margin_minor is not None:
        found = margin_minor
    elif not counted:
        if assumed_margin_bps is None:
            return None
        found = percentage(order_minor, assumed_margin_bps)
    else:
        margins = [_margin(line, assumed_margin_bps) for line in counted]
        known = [margin for margin in margins if margin is not None]
        if len(known) < len(margins):
            return None
        found = sum(known)
    return max(0, min(found, order_minor))


def _margin(line: Line, assumed_margin_bps: int | None) -> int | None:
    if line.cost_minor is not None:
        return line.amount_minor - line.cost_minor
    return None if assumed_margin_bps is None else percentage(line.amount_minor, assumed_margin_bps)
