"""Gift cards by Tremendous: an order for each, under our reference, so that asking twice places one."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from integrations.providers import Gone, Refused, Retry
from integrations.providers.issuing import Gift, Given
from integrations.providers.payouts import PayoutAccess, PayoutItem, Wire, part, parts, text
from integrations.providers.tremendous.calls import ask, error_of
from integrations.providers.tremendous.payouts import find, send, state_of

_CANCELLED: Final = "The gift card was cancelled at Tremendous."


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
    """Cancel the card and say what was done, or why its owner keeps it; raises a ProviderError.

    Tremendous says which cards it still cancels: none that was redeemed, or is too old
    (developers.tremendous.com/reference/cancel-reward, help.tremendous.com "Canceling rewards").
    """
    order = find(wire, access, gift.reference)
    if order is None:
        return Given()
    reference = text(order, "id", 60)
    if state_of(order) in ("failed", "returned"):
        return Given(reference=reference, told=_CANCELLED)
    reward = (parts(order, "rewards") or [part(order, "reward")])[0]
    card = text(reward, "id", 60)
    if not card:
        return Given(reference=reference, kept="Tremendous names no card in its order.")
    answer, found = ask(wire, access, "POST", f"/api/v2/rewards/{quote(card, safe='')}/cancel")
    if 200 <= answer.status < 300:
        return Given(reference=reference, told=_CANCELLED)
    error = error_of(wire, answer, found)
    if not isinstance(error, Refused | Gone):
        raise error
    # An answer that was lost may have been a yes, and a card is cancelled once.
    again = find(wire, access, gift.reference)
    if again is not None and state_of(again) == "returned":
        return Given(reference=reference, told=_CANCELLED)
    return Given(reference=reference, kept=f"Tremendous does not cancel the card: {error}")
