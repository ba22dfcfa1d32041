"""What a WooCommerce shop hands over: discount codes as coupons, products as orders."""

from __future__ import annotations

from integrations.providers import ShopAccess
from integrations.providers.issuing import Gift, Given
from integrations.providers.payouts import Wire
from integrations.providers.woocommerce import coupons, products


def issue(wire: Wire, access: ShopAccess, gift: Gift) -> Given:
    """Make it, or find what was made before; raises a ProviderError."""
    make = products.issue if gift.kind == "product" else coupons.issue
    return make(wire, access, gift)


def cancel(wire: Wire, access: ShopAccess, gift: Gift) -> Given:
    """Take it back where that is still possible; raises a ProviderError."""
    call_off = products.cancel if gift.kind == "product" else coupons.cancel
    return call_off(wire, access, gift)
