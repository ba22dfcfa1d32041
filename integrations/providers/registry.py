"""Which providers there are, and the functions each brings for incoming webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from core.http import Response
from integrations.providers import OrderDeleted, OrderSeen, ProviderEvent, ShopAccess
from integrations.providers.issuing import Issuer
from integrations.providers.payouts import PayoutAccess
from integrations.providers.tremendous import gifts
from integrations.providers.woocommerce import events, orders, signature
from integrations.providers.woocommerce import gifts as shop_gifts

Headers = Mapping[str, str]


class OrderRequest(Protocol):
    """Gives address and headers of the request for one order; raises Gone for what is no order's key."""

    def __call__(
        self, access: ShopAccess, order_key: str, *, at: datetime, nonce: str
    ) -> tuple[str, dict[str, str]]: ...


class OrderOf(Protocol):
    """Reads the order out of a shop's answer; raises a ProviderError."""

    def __call__(self, response: Response, *, at: datetime) -> OrderSeen | OrderDeleted: ...


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider's side of the inbox, and of asking about an order; every function is pure."""

    name: str
    label: str
    verify: Callable[[Headers, bytes, str], bool]
    fingerprint: Callable[[Headers, bytes], str]
    topic: Callable[[Headers], str]
    is_ping: Callable[[Headers, bytes], bool]
    events: Callable[[str, object], tuple[ProviderEvent, ...]]
    order_request: OrderRequest
    order_of: OrderOf


PROVIDERS: Final[Mapping[str, Provider]] = {
    "woocommerce": Provider(
        name="woocommerce",
        label="WooCommerce",
        verify=signature.verify,
        fingerprint=signature.fingerprint,
        topic=signature.topic,
        is_ping=signature.is_ping,
        events=events.events,
        order_request=orders.order_request,
        order_of=orders.order_of,
    ),
}

ISSUERS: Final[Mapping[str, Issuer]] = {
    "woocommerce": Issuer(
        kinds=("discount", "product"),
        access=lambda url, key, secret, _: ShopAccess(url, key, secret),
        issue=shop_gifts.issue,
        cancel=shop_gifts.cancel,
    ),
    "tremendous": Issuer(kinds=("gift_card",), access=PayoutAccess, issue=gifts.issue, cancel=gifts.cancel),
}
"""Which providers hand over which kinds of rewards."""
