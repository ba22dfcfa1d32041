"""What each role may do and what each API scope opens. Pure tables; nothing here touches the database."""

from __future__ import annotations

from typing import Final, Literal

Permission = Literal[
    "view",
    "manage_programs",
    "manage_participants",
    "review_rewards",
    "prepare_payouts",
    "approve_payouts",
    "manage_integrations",
    "manage_developers",
    "manage_team",
    "manage_settings",
    "view_audit",
    "export",
]

_ALL: Final[frozenset[Permission]] = frozenset(
    {
        "view",
        "manage_programs",
        "manage_participants",
        "review_rewards",
        "prepare_payouts",
        "approve_payouts",
        "manage_integrations",
        "manage_developers",
        "manage_team",
        "manage_settings",
        "view_audit",
        "export",
    }
)

ROLE_PERMISSIONS: Final[dict[str, frozenset[Permission]]] = {
    "owner": _ALL,
    "admin": _ALL,
    "finance": frozenset(
        {"view", "review_rewards", "prepare_payouts", "approve_payouts", "view_audit", "export"}
    ),
    "analyst": frozenset({"view", "export"}),
    "support": frozenset({"view", "manage_participants", "review_rewards"}),
    "read_only": frozenset({"view"}),
}

Scope = Literal["track", "read", "write", "payouts", "portal"]
SECRET_SCOPES: Final[tuple[Scope, ...]] = ("track", "read", "write", "payouts", "portal")
BROWSER: Final = "track:browser"
"""What every key that anyone can read off a web page may do: send clicks and leads."""
BROWSER_SALE: Final = "track:browser_sale"
"""What such a key may do where its maker has said so: report sales, which anybody can then make up."""
PUBLISHABLE_SCOPES: Final[frozenset[str]] = frozenset({BROWSER, BROWSER_SALE})


def allows(role: str, permission: Permission) -> bool:
    """Tell whether a role carries a permission; an unknown role carries none."""
    return permission in ROLE_PERMISSIONS.get(role, frozenset())
