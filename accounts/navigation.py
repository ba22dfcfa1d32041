"""The console's menu: what stands in it, in which order, and which permission shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from accounts.models import Member
from accounts.permissions import Permission, allows

MENU: Final[tuple[tuple[str, tuple[tuple[str, str, str, Permission], ...]], ...]] = (
    (
        "",
        (
            ("Overview", "overview", "layout-dashboard", "view"),
            ("Funnel", "report_funnel", "filter", "view"),
            ("Attribution", "report_attribution", "scale", "view"),
        ),
    ),
    (
        "Programs",
        (
            ("Programs", "program_list", "gift", "view"),
            ("Participants", "participant_list", "users", "view"),
            ("Links", "link_list", "link", "view"),
            ("Promo codes", "promo_code_list", "tag", "view"),
            ("Experiments", "experiment_list", "test-pipe", "view"),
            ("Customers", "customer_list", "address-book", "view"),
            ("Messages", "message_list", "mail", "view"),
        ),
    ),
    (
        "Tracking",
        (
            ("Referrals", "referral_list", "share", "view"),
            ("Conversions", "conversion_list", "shopping-bag", "view"),
            ("Clicks", "click_list", "click", "view"),
        ),
    ),
    (
        "Trust",
        (
            ("Fraud", "fraud_queue", "shield-search", "view"),
            ("Fraud rules", "fraud_rules", "scale", "view"),
            ("Checks", "check_list", "shield-check", "view"),
            ("Support", "appeal_list", "lifebuoy", "view"),
        ),
    ),
    (
        "Rewards",
        (
            ("Rewards", "reward_list", "award", "view"),
            ("Fulfilment", "fulfilment_list", "package", "view"),
            ("Catalogue", "catalogue_list", "gift", "view"),
            ("Redemptions", "redemption_list", "coins", "view"),
        ),
    ),
    (
        "Money",
        (
            ("Payouts", "batch_list", "wallet", "view"),
            ("Liability", "liability", "coins", "view"),
            ("Adjustments", "adjustment_list", "adjustments", "view"),
            ("Tax details", "tax_list", "file-certificate", "view"),
            ("Ledger", "ledger", "book-2", "view"),
            ("Books", "books", "scale", "view"),
            ("Exchange rates", "rate_list", "arrows-exchange", "view"),
            ("Money settings", "money_settings", "settings-dollar", "view"),
        ),
    ),
    (
        "Connections",
        (
            ("Stores", "connection_list", "building-store", "view"),
            ("Payout providers", "payout_provider_list", "wallet", "view"),
            ("Your own system", "own_system", "server", "view"),
            ("Webhooks", "webhook_list", "webhook", "view"),
            ("Events", "event_log", "activity", "view"),
            ("API keys", "api_key_list", "key", "manage_developers"),
        ),
    ),
    (
        "Workspace",
        (
            ("Team", "team", "users-group", "view"),
            ("Audit log", "audit_log", "history", "view_audit"),
            ("Settings", "settings", "settings", "view"),
        ),
    ),
)
"""Groups of (label, URL name, icon, permission); the first entry is where a workspace is entered."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the menu; `current` on the one whose part of the console is being looked at."""

    label: str
    address: str
    icon: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Links under one heading, which opens and closes; the first group has none and is always open.

    `kept`: the person has it open on every page. `open` is also the group of the page being looked at.
    """

    label: str
    entries: tuple[Entry, ...]
    key: str
    kept: bool
    open: bool


COOKIE: Final = "menu"
"""Holds the keys of the groups that a browser keeps open, joined by dots; set by the page's script."""
_KEPT_AT_FIRST: Final = "programs"


def menu(member: Member, path: str = "", kept: str | None = None) -> tuple[Group, ...]:
    """Return what a member's role shows in the workspace; `path` is the address being looked at.

    `kept` is the cookie's value. Without one only the first groups are kept open, so that the whole menu fits
    a small screen.
    """
    keys = (_KEPT_AT_FIRST if kept is None else kept).split(".")
    slug = member.workspace.slug
    found = [
        (
            label,
            [
                (text, reverse(name, args=[slug]), icon)
                for text, name, icon, needed in entries
                if allows(member.role, needed)
            ],
        )
        for label, entries in MENU
    ]
    root = reverse("overview", args=[slug])
    below = [a for _, links in found for _, a, _ in links if a == path or (a != root and path.startswith(a))]
    here = max(below, key=len, default=None)
    return tuple(
        Group(
            label=label,
            entries=tuple(Entry(text, address, icon, address == here) for text, address, icon in links),
            key=label.lower(),
            kept=label.lower() in keys,
            open=label.lower() in keys or any(address == here for _, address, _ in links),
        )
        for label, links in found
        if links
    )


def entrance(member: Member) -> str:
    """Return the address at which a member enters the workspace."""
    first = next(name for _, entries in MENU for _, name, _, needed in entries if allows(member.role, needed))
    return reverse(first, args=[member.workspace.slug])
