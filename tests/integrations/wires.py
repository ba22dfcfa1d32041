"""Wires to the vendors' fakes, and payouts to send over them."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

from core.http import Policy
from integrations.providers.payouts import PayoutAccess, PayoutItem, Wire
from tests.conftest import AT
from tests.contracts.fakes import paypal, stripe, tremendous
from tests.contracts.fakes.server import Vendor

LOOPBACK = (ipaddress.IPv4Network("127.0.0.0/8"),)


def wire_to(vendor: Vendor, **changes: Any) -> Wire:
    """Return a wire that reaches this vendor on loopback and nothing else."""
    policy = Policy(allow_addresses=LOOPBACK, allow_ports=(vendor.server_port,))
    return Wire(at=AT, policy=policy, timeout=5.0, **changes)


def access_to(vendor: Vendor, **changes: Any) -> PayoutAccess:
    """Return keys that open a vendor's fake."""
    fields: dict[str, Any] = {"api_url": vendor.url, "key": "", "secret": ""}
    if isinstance(vendor, paypal.PayPal):
        fields |= {"key": paypal.CLIENT, "secret": paypal.SECRET}
    elif isinstance(vendor, stripe.Stripe):
        fields |= {"secret": stripe.KEY}
    else:
        options = {"funding_source_id": tremendous.FUNDING, "campaign_id": "CAMP1"}
        fields |= {"secret": tremendous.KEY, "options": options}
    return PayoutAccess(**(fields | changes))


def item(number: int = 1, amount_minor: int = 1234, currency: str = "USD", **changes: Any) -> PayoutItem:
    """Return a payout to the e-mail address `person<number>@example.com`."""
    recipient = changes.pop("recipient", f"person{number}@example.com")
    return PayoutItem(f"pyt_{number:04d}", amount_minor, currency, recipient, **changes)


def seconds(count: int) -> timedelta:
    """Return a wait."""
    return timedelta(seconds=count)
