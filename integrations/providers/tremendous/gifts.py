"""Gift cards by Tremendous: an order for each, under our reference, so that asking twice places one."""

from __future__ import annotations

from integrations.providers import Refused, Retry
from integrations.providers.issuing import Gift, Given
from integrations.providers.payouts import PayoutAccess, PayoutItem, Wire
from integrations.providers.tremendous.payouts import send


def issue(wire: Wire, access: PayoutAccess, gift: Gift) -> Given:
    """Place the order, or find the one that was placed before; Tremendous mails the card to its owner."""
    if not gift.email:
        raise Refused("Tremendous needs an e-mail address, and none is known.")
    item = PayoutItem(gift.reference, gift.amount_minor, gift.currency, gift.email, gift.name)
    sent = send(wire, access, gift.reference, [item])
    if sent.problem is not None:
        raise sent.problem
    if not sent.results:
        raise Retry
    (result,) = sent.results
    if result.status in ("failed", "returned"):
        raise Refused(result.failure or "Tremendous did not take the order.")
    if result.amount_minor is not None and result.amount_minor != gift.amount_minor:
        raise Refused("Tremendous has an order of another amount under our reference.")
    return Given(reference=result.reference, details={"note": "It comes to you by e-mail."})


def cancel(wire: Wire, access: PayoutAccess, gift: Gift) -> Given:
    """Leave it: what was ordered has been paid for, and is cancelled at Tremendous by a person."""
    return Given()
