"""Keyed hashes of what tells people apart: compared with each other, and never turned back."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from tracking.robots import LONGEST_AGENT, kind_of_agent


def address_hash(address: str, at: datetime) -> str:
    """Return a keyed hash of a network address that changes with the month."""
    if not address:
        return ""
    return _digest(f"{at.year:04}-{at.month:02}|{address}")


def digest_of(kind: str, value: str) -> str:
    """Return the keyed hash of an identifier of this kind; equal values of different kinds differ."""
    return _digest(f"{kind}|{value.strip()}")


@dataclass(frozen=True, slots=True)
class Traces:
    """What a caller tells of whoever signs up or buys, as it is; only hashes of it are kept.

    `payment` and `postal` are fingerprints that the shop gives, `device` its own name of the device. Of the
    user agent only the class of a program that is no person's browser is kept.
    """

    browser: str = ""
    device: str = ""
    address: str = ""
    payment: str = ""
    postal: str = ""
    user_agent: str = ""

    def digests(self, at: datetime) -> Mapping[str, str]:
        """Return the digest of each known identifier by its kind; of an agent its class, in plain words."""
        found = {
            kind: digest_of(kind, value)
            for kind, value in (
                ("browser", self.browser),
                ("device", self.device),
                ("payment", self.payment),
                ("postal", self.postal.lower()),
            )
            if value.strip()
        }
        address = _plain_address(self.address)
        if address:
            found["address"] = address_hash(address, at)
        user_agent = self.user_agent[:LONGEST_AGENT].strip()
        agent = kind_of_agent(user_agent) if user_agent else ""
        if agent:
            found["agent"] = "data_centre" if agent == "datacentre" else "robot"
        return found


def _plain_address(text: str) -> str:
    """Return an address in its shortest spelling, IPv4 inside IPv6 as IPv4; nothing for what is none."""
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _digest(message: str) -> str:
    return hmac.digest(settings.HASH_KEY.encode(), message.encode(), "sha256").hex()[:32]
