"""What addresses chosen by a workspace may reach."""

from __future__ import annotations

from ipaddress import ip_network

from django.conf import settings

from core.http import Policy


def outbound_policy() -> Policy:
    """Return the policy of those calls: the public internet, and what the settings open besides."""
    return Policy(
        allow_addresses=tuple(ip_network(network) for network in settings.OUTBOUND_ALLOW_NETWORKS),
        allow_ports=frozenset(settings.OUTBOUND_ALLOW_PORTS),
    )
