"""What every provider speaks: four errors that decide what happens next, and our own words for its events.

A provider's folder holds the same modules as every other and imports no Django. Its `events(topic, payload)`
turns a vendor's body into the values below and never raises: what cannot be read becomes `SetAside`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

OrderState = Literal["pending", "paid", "cancelled", "refunded"]


class ProviderError(Exception):
    """A call to a provider that did not succeed."""


class Retry(ProviderError):
    """Try again, not before `after`; None leaves the wait to the caller."""

    def __init__(self, after: timedelta | None = None) -> None:
        super().__init__(f"retry after {after}" if after else "retry")
        self.after = after


@dataclass(frozen=True, slots=True)
class ShopAccess:
    """Where a shop's API is, and the keys that open it."""

    shop_url: str
    consumer_key: str
    consumer_secret: str


class Reauthorise(ProviderError):
    """The credentials are no longer accepted; a person has to connect again."""


class Refused(ProviderError):
    """The provider understood and said no; trying the same again is useless."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Gone(ProviderError):
    """The thing, or the whole account, no longer exists there."""


@dataclass(frozen=True, slots=True)
class RefundLine:
    """One refund of an order: `amount_minor` of its base, `total_minor` as the shop gave it back."""

    external_id: str
    amount_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    """What was bought: a line's net amount after discounts, for all of its quantity."""

    sku: str
    amount_minor: int
    quantity: int


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """An order as it stood at `modified_at`; an older state must not replace a newer one.

    `base_minor` is what rewards are reckoned on: merchandise after discounts, without tax, shipping and fees.
    `total_minor` is what the customer paid in all. `refunded_minor` is the refunded part of the base, and the
    figure to converge on; it equals the sum over `refunds`, except that it is the whole base once the state
    is "refunded". Coupon codes are lower-case, in the order of use. `address` and `user_agent` are those of
    the browser it was ordered from, `postal` the billing address in one spelling; they are kept as keyed
    hashes. `lines` add up to the base; there are none where one of them is below zero. Unknown texts: "".
    """

    order_id: str
    number: str
    state: OrderState
    customer_external_id: str | None
    email: str | None
    name: str
    country: str
    currency: str
    base_minor: int
    total_minor: int
    refunded_minor: int
    refunds: tuple[RefundLine, ...]
    coupon_codes: tuple[str, ...]
    click_id: str | None
    referral_code: str | None
    occurred_at: datetime
    paid_at: datetime | None
    modified_at: datetime
    address: str = ""
    user_agent: str = ""
    postal: str = ""
    lines: tuple[OrderLine, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderDeleted:
    """An order that the shop removed or threw into its bin; the provider says no more about it."""

    order_id: str


@dataclass(frozen=True, slots=True)
class CustomerSeen:
    """A customer account as it stood at `modified_at`. Unknown name, country: ""."""

    customer_external_id: str
    email: str | None
    name: str
    country: str
    occurred_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message that is understood and changes nothing."""

    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """A message that cannot be read; it is kept with its reason for a person to look at."""

    reason: str
    sentence: str


ProviderEvent = OrderSeen | OrderDeleted | CustomerSeen | Ignored | SetAside
