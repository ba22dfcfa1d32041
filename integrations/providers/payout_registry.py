"""Which payout providers there are, what each needs to be connected, and the functions it brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from integrations.providers.payouts import PayoutAccess, PayoutEvent, PayoutItem, Report, Sent, Wire
from integrations.providers.paypal import calls as paypal_calls
from integrations.providers.paypal import events as paypal_events
from integrations.providers.paypal import payouts as paypal
from integrations.providers.paypal import signature as paypal_signature
from integrations.providers.stripe import calls as stripe_calls
from integrations.providers.stripe import events as stripe_events
from integrations.providers.stripe import payouts as stripe
from integrations.providers.stripe import signature as stripe_signature
from integrations.providers.tremendous import calls as tremendous_calls
from integrations.providers.tremendous import events as tremendous_events
from integrations.providers.tremendous import payouts as tremendous
from integrations.providers.tremendous import signature as tremendous_signature

Headers = Mapping[str, str]


class Status(Protocol):
    """Returns one page of how a batch stands; raises a ProviderError."""

    def __call__(
        self,
        wire: Wire,
        access: PayoutAccess,
        *,
        batch_id: str,
        provider_batch_id: str,
        items: Sequence[PayoutItem],
        page: str = "",
    ) -> Report: ...


@dataclass(frozen=True, slots=True)
class PayoutProvider:
    """One provider's side of paying out.

    `addresses` are its API's by the name of the environment. `max_items` fit into one turn of sending, and a
    batch may be sent again for `repeatable_for`, for ever where that is None. `options` are the choices of
    its connection, name to label; of those in `one_of` one is needed. A recipient is an e-mail address, or
    an account where it `opens_accounts`.
    """

    name: str
    label: str
    addresses: Mapping[str, str]
    key_label: str
    secret_label: str
    webhook_label: str
    options: Mapping[str, str]
    required_options: tuple[str, ...]
    one_of: tuple[str, ...]
    max_items: int
    repeatable_for: timedelta | None
    opens_accounts: bool
    send: Callable[[Wire, PayoutAccess, str, Sequence[PayoutItem]], Sent]
    status: Status
    check: Callable[[Wire, PayoutAccess], str]
    verify: Callable[[Headers, bytes, str, Wire], bool]
    fingerprint: Callable[[Headers, bytes], str]
    topic: Callable[[Headers, bytes], str]
    events: Callable[[str, bytes], tuple[PayoutEvent, ...]]


PAYOUT_PROVIDERS: Final[Mapping[str, PayoutProvider]] = {
    "paypal": PayoutProvider(
        name="paypal",
        label="PayPal",
        addresses={"live": paypal_calls.LIVE, "sandbox": paypal_calls.SANDBOX},
        key_label="Client ID",
        secret_label="Client secret",  # noqa: S106
        webhook_label="Webhook ID",
        options={},
        required_options=(),
        one_of=(),
        max_items=paypal.MAX_ITEMS,
        repeatable_for=paypal.REPEATABLE_FOR,
        opens_accounts=False,
        send=paypal.send,
        status=paypal.status,
        check=paypal.check,
        verify=paypal_signature.verify,
        fingerprint=paypal_signature.fingerprint,
        topic=paypal_signature.topic,
        events=paypal_events.events,
    ),
    "stripe": PayoutProvider(
        name="stripe",
        label="Stripe",
        addresses={"live": stripe_calls.LIVE},
        key_label="",
        secret_label="Secret key",  # noqa: S106
        webhook_label="Signing secret of the webhook",
        options={},
        required_options=(),
        one_of=(),
        max_items=stripe.MAX_ITEMS,
        repeatable_for=stripe.REPEATABLE_FOR,
        opens_accounts=True,
        send=stripe.send,
        status=stripe.status,
        check=stripe.check,
        verify=stripe_signature.verify,
        fingerprint=stripe_signature.fingerprint,
        topic=stripe_signature.topic,
        events=stripe_events.events,
    ),
    "tremendous": PayoutProvider(
        name="tremendous",
        label="Tremendous",
        addresses={"live": tremendous_calls.LIVE, "sandbox": tremendous_calls.SANDBOX},
        key_label="",
        secret_label="API key",  # noqa: S106
        webhook_label="Private key of the webhook",
        options={
            tremendous.FUNDING: "Funding source",
            tremendous.CAMPAIGN: "Campaign",
            tremendous.PRODUCTS: "Products",
        },
        required_options=(tremendous.FUNDING,),
        one_of=(tremendous.CAMPAIGN, tremendous.PRODUCTS),
        max_items=tremendous.MAX_ITEMS,
        repeatable_for=tremendous.REPEATABLE_FOR,
        opens_accounts=False,
        send=tremendous.send,
        status=tremendous.status,
        check=tremendous.check,
        verify=tremendous_signature.verify,
        fingerprint=tremendous_signature.fingerprint,
        topic=tremendous_signature.topic,
        events=tremendous_events.events,
    ),
}
