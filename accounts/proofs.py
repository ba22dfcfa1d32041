"""Looks in the DNS for the record by which a domain's owner says which workspace may use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings

LABEL: Final = "_referral"
SECONDS: Final = 4.0
"""How long a look-up may take, however many servers are asked."""

State = Literal["found", "missing", "unknown"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What the DNS said: the record is there, or not, or nobody answered; `problem` says it in words."""

    state: State
    problem: str = ""


def record_name(host: str) -> str:
    """Return the name at which the record stands."""
    return f"{LABEL}.{host}"


def record_value(token: str) -> str:
    """Return the text that the record holds."""
    return f"referral-verification={token}"


def look_up(host: str, token: str) -> Proof:
    """Ask the DNS for a domain's TXT records; waits for `SECONDS` at most.

    The servers are those of the setting DNS_SERVERS (`address:port`), else the machine's own.
    """
    name, wanted = record_name(host), record_value(token)
    try:
        answer = _resolver().resolve(name, "TXT", lifetime=SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Proof("missing", f"There is no TXT record at {name} yet.")
    except dns.exception.DNSException:
        return Proof("unknown", f"The name servers of {host} did not answer; try again in a few minutes.")
    texts = [b"".join(row.strings).decode("utf-8", "replace").strip() for row in answer]
    if wanted in texts:
        return Proof("found")
    seen = texts[0][:80] if texts else ""
    return Proof("missing", f"The TXT record at {name} says “{seen}”, which is not the text given here.")


def _resolver() -> dns.resolver.Resolver:
    if not settings.DNS_SERVERS:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [_server(text) for text in settings.DNS_SERVERS]
    return resolver


def _server(text: str) -> dns.nameserver.Nameserver:
    address, _, port = text.rpartition(":")
    return dns.nameserver.Do53Nameserver(address or text, int(port) if address else 53)
