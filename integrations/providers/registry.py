"""Which providers there are, and the functions each brings for incoming webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from integrations.providers import ProviderEvent
from integrations.providers.woocommerce import events, signature

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider's side of the inbox; every function is pure and takes raw bodies."""

    name: str
    label: str
    verify: Callable[[Headers, bytes, str], bool]
    fingerprint: Callable[[Headers, bytes], str]
    topic: Callable[[Headers], str]
    is_ping: Callable[[Headers, bytes], bool]
    events: Callable[[str, object], tuple[ProviderEvent, ...]]


PROVIDERS: Final[Mapping[str, Provider]] = {
    "woocommerce": Provider(
        name="woocommerce",
        label="WooCommerce",
        verify=signature.verify,
        fingerprint=signature.fingerprint,
        topic=signature.topic,
        is_ping=signature.is_ping,
        events=events.events,
    ),
}
