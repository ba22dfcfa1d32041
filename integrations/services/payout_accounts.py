"""People's own accounts at Stripe: opened when they first ask, filled in by them on Stripe's pages."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from accounts.models import Workspace
from accounts.services import SYSTEM, Actor
from core.errors import Conflict, Invalid
from integrations.models import Connection, InboxItem
from integrations.payout_queries import payout_access, payout_connection_for
from integrations.providers import ProviderError, Retry
from integrations.providers.payouts import AccountSeen
from integrations.providers.stripe.accounts import account, onboarding_link, open_account
from integrations.services.orders import Outcome
from integrations.services.paying import wire
from programs.models import Customer
from rewards import services as reward_services
from rewards.models import PayoutAccount
from rewards.queries import open_details

STRIPE: Final = PayoutAccount.Method.STRIPE
LINK_SECONDS: Final = 20.0


def stripe_link(
    *,
    workspace: Workspace,
    customer: Customer,
    country: str = "",
    return_url: str,
    refresh_url: str,
    actor: Actor,
    real: datetime,
    at: datetime,
) -> str:
    """Return the address where this person fills in their own account at Stripe; it opens once, for minutes.

    The first time it opens the account. `real` is real time, `at` the workspace's. Stripe is asked meanwhile,
    so do not call it inside of a transaction that may be undone. Raises Invalid naming `return_url` or
    `refresh_url`, what `begin_onboarding` raises, and Conflict (`no_connection`, `stripe_refused`,
    `stripe_away`).
    """
    for name, url in (("return_url", return_url), ("refresh_url", refresh_url)):
        if urlsplit(url).scheme not in ("http", "https"):
            raise Invalid("This is no address to come back to.", param=name)
    connection = payout_connection_for(workspace, "stripe")
    if connection is None:
        raise Conflict("Stripe is not connected.", code="no_connection")
    row = reward_services.begin_onboarding(customer=customer, method=STRIPE, actor=actor, at=at)
    access, line = payout_access(connection), wire(at=real, seconds=LINK_SECONDS)
    try:
        account_id = open_details(row).get("account_id", "")
        if not account_id:
            # The customer's id makes it the same account again, should this process end before it is kept.
            seen = open_account(
                line, access, customer_id=customer.public_id, country=country, email=customer.email or ""
            )
            keep_account(row=row, seen=seen)
            account_id = seen.account_id
        return onboarding_link(line, access, account_id, return_url=return_url, refresh_url=refresh_url)
    except Retry as error:
        raise Conflict("Stripe cannot be reached now. Try again in a minute.", code="stripe_away") from error
    except ProviderError as error:
        raise Conflict(f"Stripe refuses it: {error}", code="stripe_refused") from error


def refresh_account(*, customer: Customer, real: datetime) -> PayoutAccount | None:
    """Ask Stripe how a person's account stands, as when they come back from its pages.

    Returns it, None before it was opened. Raises Conflict (`stripe_away`).
    """
    row = _row(customer)
    account_id = open_details(row).get("account_id", "") if row else ""
    connection = payout_connection_for(customer.workspace_id, "stripe")
    if row is None or not account_id or connection is None:
        return None
    try:
        seen = account(wire(at=real, seconds=LINK_SECONDS), payout_access(connection), account_id)
    except ProviderError as error:
        raise Conflict("Stripe cannot be asked now. Try again in a minute.", code="stripe_away") from error
    return keep_account(row=row, seen=seen)


def keep_account(*, row: PayoutAccount, seen: AccountSeen) -> PayoutAccount:
    """Keep what Stripe says of a person's account; the same again changes nothing."""
    return reward_services.note_onboarding(
        account=row,
        details={"account_id": seen.account_id},
        label=f"{seen.account_id[:5]}…{seen.account_id[-4:]}",
        ready=seen.payouts_enabled,
        actor=SYSTEM,
    )


def note_account(*, connection: Connection, seen: AccountSeen) -> Outcome:
    """Note what Stripe tells about a person's account."""
    customer = (
        Customer.objects.for_workspace(connection.workspace_id).filter(public_id=seen.customer_id).first()
        if seen.customer_id
        else None
    )
    row = _row(customer) if customer else None
    if customer is None or row is None or open_details(row).get("account_id") != seen.account_id:
        return Outcome(InboxItem.Outcome.IGNORED, "not_ours", "It is nobody's account here.")
    keep_account(row=row, seen=seen)
    can = "can be paid" if seen.payouts_enabled else "cannot be paid yet"
    return Outcome(
        InboxItem.Outcome.APPLIED,
        "account",
        f"The person {can} through Stripe.",
        (customer.public_id,),
    )


def _row(customer: Customer) -> PayoutAccount | None:
    return (
        PayoutAccount.objects.for_workspace(customer.workspace_id)
        .select_related("workspace", "customer")
        .filter(customer=customer, method=STRIPE)
        .first()
    )
