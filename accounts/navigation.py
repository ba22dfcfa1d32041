"""The console's menu: what stands in it, in which order, and which permission shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from accounts.models import Member
from accounts.permissions import Permission, allows

MENU: Final[tuple[tuple[str, tuple[tuple[str, str, Permission], ...]], ...]] = (
    (
        "",
        (
            ("Overview", "overview", "view"),
            ("Funnel", "report_funnel", "view"),
        ),
    ),
    (
        "Programs",
        (
            ("Programs", "program_list", "view"),
            ("Participants", "participant_list", "view"),
            ("Customers", "customer_list", "view"),
            ("Messages", "message_list", "view"),
        ),
    ),
    (
        "Tracking",
        (
            ("Referrals", "referral_list", "view"),
            ("Conversions", "conversion_list", "view"),
            ("Clicks", "click_list", "view"),
        ),
    ),
    (
        "Money",
        (
            ("Rewards", "reward_list", "view"),
            ("Payouts", "batch_list", "view"),
            ("Ledger", "ledger", "view"),
        ),
    ),
    (
        "Connections",
        (
            ("Stores", "connection_list", "view"),
            ("Webhooks", "webhook_list", "view"),
            ("Events", "event_log", "view"),
            ("API keys", "api_key_list", "manage_developers"),
        ),
    ),
    (
        "Workspace",
        (
            ("Team", "team", "view"),
            ("Audit log", "audit_log", "view_audit"),
            ("Settings", "settings", "view"),
        ),
    ),
)
"""Groups of (label, URL name, permission); the first entry is where a workspace is entered."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the menu; `current` on the one whose part of the console is being looked at."""

    label: str
    address: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Links under one heading; the first group has none."""

    label: str
    entries: tuple[Entry, ...]


def menu(member: Member, path: str = "") -> tuple[Group, ...]:
    """Return what a member's role shows in the workspace; `path` is the address being looked at."""
    slug = member.workspace.slug
    found = [
        (
            label,
            [
                (text, reverse(name, args=[slug]))
                for text, name, needed in entries
                if allows(member.role, needed)
            ],
        )
        for label, entries in MENU
    ]
    root = reverse("overview", args=[slug])
    below = [a for _, links in found for _, a in links if a == path or (a != root and path.startswith(a))]
    here = max(below, key=len, default=None)
    return tuple(
        Group(label=label, entries=tuple(Entry(text, address, address == here) for text, address in links))
        for label, links in found
        if links
    )


def entrance(member: Member) -> str:
    """Return the address at which a member enters the workspace."""
    return menu(member)[0].entries[0].address
