"""What an answer to a check means, and when to ask again. Pure: no clock, no network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.money import display
from integrations.providers import OrderDeleted, OrderSeen

LIMIT: Final = timedelta(hours=72)
"""How long an answer is waited for."""

LONGEST_REASON: Final = 200
_FIRST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(hours=6)
_JITTER_SHARE: Final = 0.25
_BLANK: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer: yes, no, or None for none as yet, with a sentence for people."""

    passed: bool | None
    sentence: str


def verdict_of_callback(status: int, body: str) -> Verdict:
    """Read the answer of the workspace's own system: 200 to 204 approve, 400 rejects, the rest says nothing.

    Of a rejection's body the first 200 characters are kept, on one line.
    """
    if 200 <= status <= 204:
        return Verdict(True, f"Your system approved it (HTTP {status}).")
    if status == 400:
        said = _BLANK.sub(" ", body).strip()[:LONGEST_REASON].strip()
        return Verdict(False, f"Your system rejected it: {said}" if said else "Your system rejected it.")
    if 300 <= status < 400:
        return Verdict(None, f"Your system answered {status}; redirects are not followed.")
    return Verdict(None, f"Your system answered {status}.")


def verdict_of_order(order: OrderSeen | OrderDeleted, *, amount_minor: int, currency: str) -> Verdict:
    """Compare an order as it stands in the shop with what was told of it; `amount_minor` is its net value.

    An order that is not paid yet says nothing: it may be paid later.
    """
    if isinstance(order, OrderDeleted):
        return Verdict(False, f"Order {order.order_id} was deleted in the shop.")
    if order.state in ("cancelled", "refunded"):
        return Verdict(False, f"Order {order.number} is {order.state} in the shop.")
    if (order.base_minor, order.currency) != (amount_minor, currency):
        there, told = display(order.base_minor, order.currency), display(amount_minor, currency)
        return Verdict(False, f"Order {order.number} comes to {there} in the shop, and {told} was told.")
    if order.state == "pending":
        return Verdict(None, f"Order {order.number} is not paid yet.")
    return Verdict(True, f"Order {order.number} is paid in the shop and comes to what was told.")


def next_try(
    attempts: int, *, began_at: datetime, at: datetime, retry_after: int | None, jitter: float
) -> datetime | None:
    """Return when to ask again after `attempts` answers that said nothing, None once 72 hours have passed.

    The pause doubles from half a minute up to six hours, and `jitter` in [0, 1) lengthens it by up to a
    quarter. `retry_after`, in seconds, is honoured where it is longer. The last try is at the limit itself.
    """
    ends = began_at + LIMIT
    if at >= ends:
        return None
    pause: timedelta = min(_FIRST_PAUSE * (1 << min(max(attempts, 1) - 1, 16)), _LONGEST_PAUSE)
    wished = timedelta(seconds=min(retry_after or 0, int(LIMIT.total_seconds())))
    return min(at + max(pause * (1 + _JITTER_SHARE * jitter), wished), ends)
