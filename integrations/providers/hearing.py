"""How the messages of each provider are heard, of shops and of payout providers alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from integrations.providers.payout_registry import PAYOUT_PROVIDERS, PayoutProvider
from integrations.providers.payouts import Wire
from integrations.providers.registry import PROVIDERS, Provider

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hearer:
    """What has to be known of a message before it is stored.

    `is_signed` tells by any of the secrets that are accepted now; it raises Retry where that cannot be found
    out, for PayPal's certificate has to be fetched.
    """

    is_signed: Callable[[Headers, bytes, Sequence[str], Wire], bool]
    fingerprint: Callable[[Headers, bytes], str]
    topic: Callable[[Headers, bytes], str]
    is_ping: Callable[[Headers, bytes], bool]


def _by_shop(shop: Provider, headers: Headers, body: bytes, secrets: Sequence[str], wire: Wire) -> bool:
    return any(shop.verify(headers, body, secret) for secret in secrets)


def _by_payer(
    payer: PayoutProvider, headers: Headers, body: bytes, secrets: Sequence[str], wire: Wire
) -> bool:
    return any(payer.verify(headers, body, secret, wire) for secret in secrets)


def _shops_topic(shop: Provider, headers: Headers, body: bytes) -> str:
    return shop.topic(headers)


def _never(headers: Headers, body: bytes) -> bool:
    return False


HEARERS: Final[Mapping[str, Hearer]] = {
    **{
        name: Hearer(partial(_by_shop, shop), shop.fingerprint, partial(_shops_topic, shop), shop.is_ping)
        for name, shop in PROVIDERS.items()
    },
    **{
        name: Hearer(partial(_by_payer, payer), payer.fingerprint, payer.topic, _never)
        for name, payer in PAYOUT_PROVIDERS.items()
    },
}
