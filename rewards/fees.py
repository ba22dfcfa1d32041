"""What a payout method charges for one payout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.money import percentage


@dataclass(frozen=True, slots=True)
class FeeRule:
    """A fixed part and a share in basis points, together at most `max_minor` (0: without limit).

    Amounts are in the minor unit of whatever currency is paid.
    """

    fixed_minor: int = 0
    bps: int = 0
    max_minor: int = 0

    def of(self, amount_minor: int) -> int:
        """Return the fee of one payout of this amount."""
        fee = self.fixed_minor + percentage(amount_minor, self.bps)
        return min(fee, self.max_minor) if self.max_minor else fee


USUAL: Final[Mapping[str, FeeRule]] = {
    "csv": FeeRule(),
    "pain001": FeeRule(),
    "paypal": FeeRule(bps=200, max_minor=2000),
    "stripe": FeeRule(fixed_minor=25, bps=25),
    "tremendous": FeeRule(),
}
"""What the methods usually charge; a workspace's own contract replaces it.

PayPal Payouts: 2 % of each, limited (paypal.com/webapps/mpp/merchant-fees). Stripe Connect: 0.25 % and 25 of
the minor unit for each payout (stripe.com/connect/pricing). Tremendous: cards at face value
(tremendous.com/pricing). What a bank charges is in the workspace's own contract.
"""


def fee_rule(method: str, own: Mapping[str, Any]) -> FeeRule:
    """Return the fee of a method: the workspace's own (`MoneySettings.payout_fees`), or the usual one."""
    stored = own.get(method)
    if not isinstance(stored, Mapping):
        return USUAL[method]
    return FeeRule(
        *(
            value if type(value) is int and value >= 0 else 0
            for value in (stored.get(name) for name in ("fixed_minor", "bps", "max_minor"))
        )
    )
