"""A person's own account at Stripe: opened for them, filled in by them on Stripe's pages."""

from __future__ import annotations

import re
from typing import Any, Final

from integrations.providers import Refused
from integrations.providers.payouts import AccountSeen, PayoutAccess, Wire, flag, part, text
from integrations.providers.stripe.calls import ask, error_of

_ACCOUNT: Final = re.compile(r"acct_[A-Za-z0-9]{1,60}")


def open_account(
    wire: Wire, access: PayoutAccess, *, customer_id: str, country: str, email: str
) -> AccountSeen:
    """Open an Express account that can receive transfers; the same customer has one and no second.

    Stripe remembers the repetition for 24 hours, so keep the id at once.
    """
    fields = {
        "type": "express",
        "capabilities[transfers][requested]": "true",
        "metadata[customer_id]": customer_id,
    }
    if country:
        fields["country"] = country
    if email:
        fields["email"] = email
    answer, found = ask(wire, access, "POST", "/v1/accounts", fields, key=f"account:{customer_id}")
    if answer.status != 200:
        raise error_of(wire, answer, found)
    return account_of(found)


def account(wire: Wire, access: PayoutAccess, account_id: str) -> AccountSeen:
    """Return how an account stands."""
    answer, found = ask(wire, access, "GET", f"/v1/accounts/{_checked(account_id)}")
    if answer.status != 200:
        raise error_of(wire, answer, found)
    return account_of(found)


def onboarding_link(
    wire: Wire, access: PayoutAccess, account_id: str, *, return_url: str, refresh_url: str
) -> str:
    """Return the address of Stripe's pages for this person; it opens once and for a few minutes.

    The person comes back to `return_url`, or to `refresh_url` for another link when this one was used up.
    """
    fields = {
        "account": _checked(account_id),
        "type": "account_onboarding",
        "return_url": return_url,
        "refresh_url": refresh_url,
    }
    answer, found = ask(wire, access, "POST", "/v1/account_links", fields)
    if answer.status != 200:
        raise error_of(wire, answer, found)
    url = text(found, "url", 2000)
    if not url.startswith("https://"):
        raise Refused("Stripe's answer holds no link.")
    return url


def account_of(found: dict[str, Any]) -> AccountSeen:
    """Read an account; raises Refused for what is none.

    Whether the platform can transfer to it is said by a capability; `payouts_enabled` says only whether the
    money reaches the person's bank from there. Both are needed.
    """
    transfers = text(part(found, "capabilities"), "transfers") == "active"
    return AccountSeen(
        account_id=_checked(text(found, "id")),
        payouts_enabled=transfers and flag(found, "payouts_enabled"),
        details_submitted=flag(found, "details_submitted"),
        customer_id=text(part(found, "metadata"), "customer_id", 40),
    )


def _checked(account_id: str) -> str:
    if not _ACCOUNT.fullmatch(account_id):
        raise Refused("This is no Stripe account's id.")
    return account_id
