"""People's own accounts at Stripe: opened when they first ask, filled in by them on Stripe's pages."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.db import transaction

from accounts import secrets
from accounts.models import Workspace
from core.errors import Conflict, Invalid
from integrations.models import Connection, InboxItem
from integrations.payout_queries import payout_access, payout_connection_for
from integrations.providers import ProviderError, Retry
from integrations.providers.payouts import AccountSeen
from integrations.providers.stripe.accounts import account, onboarding_link, open_account
from integrations.services.orders import Outcome
from integrations.services.paying import wire
from programs.models import Customer
from rewards.models import PayoutAccount

STRIPE: Final = PayoutAccount.Method.STRIPE
LINK_SECONDS: Final = 20.0


def stripe_link(
    *,
    workspace: Workspace,
    customer: Customer,
    country: str = "",
    return_url: str,
    refresh_url: str,
    real: datetime,
    at: datetime,
) -> str:
    """Return the address where this person fills in their own account at Stripe; it opens once, for minutes.

    The first time it opens the account. `real` is real time, `at` the workspace's. Do not call it inside of a
    transaction: Stripe is asked meanwhile, and what it opened has to be kept. Raises Invalid naming
    `return_url` or `refresh_url`, and Conflict (`no_connection`, `stripe_refused`, `stripe_away`).
    """
    for name, url in (("return_url", return_url), ("refresh_url", refresh_url)):
        if urlsplit(url).scheme not in ("http", "https"):
            raise Invalid("This is no address to come back to.", param=name)
    connection = payout_connection_for(workspace, "stripe")
    if connection is None:
        raise Conflict("Stripe is not connected.", code="no_connection")
    access, line = payout_access(connection), wire(at=real, seconds=LINK_SECONDS)
    try:
        account_id = account_id_of(customer)
        if not account_id:
            # The customer's id makes it the same account again, should this process end before it is kept.
            opened = open_account(
                line, access, customer_id=customer.public_id, country=country, email=customer.email or ""
            )
            account_id = keep_account(customer=customer, seen=opened, at=at)
        return onboarding_link(line, access, account_id, return_url=return_url, refresh_url=refresh_url)
    except Retry as error:
        raise Conflict("Stripe cannot be reached now. Try again in a minute.", code="stripe_away") from error
    except ProviderError as error:
        raise Conflict(f"Stripe refuses it: {error}", code="stripe_refused") from error


def refresh_account(*, customer: Customer, real: datetime, at: datetime) -> PayoutAccount | None:
    """Ask Stripe how a person's account stands, as when they come back from its pages.

    Returns it, None before it was opened. Raises Conflict as `stripe_link` does.
    """
    account_id = account_id_of(customer)
    connection = payout_connection_for(customer.workspace_id, "stripe")
    if not account_id or connection is None:
        return None
    try:
        seen = account(wire(at=real, seconds=LINK_SECONDS), payout_access(connection), account_id)
    except ProviderError as error:
        raise Conflict("Stripe cannot be asked now. Try again in a minute.", code="stripe_away") from error
    keep_account(customer=customer, seen=seen, at=at)
    return _row(customer)


def account_id_of(customer: Customer) -> str:
    """Return a person's account at Stripe, "" before one was opened."""
    row = _row(customer)
    if row is None or not row.sealed_details:
        return ""
    details = json.loads(secrets.decrypt(row.sealed_details, bound_to=row.public_id))
    return str(details.get("account_id", ""))


@transaction.atomic
def keep_account(*, customer: Customer, seen: AccountSeen, at: datetime) -> str:
    """Keep a person's account and whether it can be paid; returns the id of the account that is kept.

    A person has one: the first stays, and what is said of any other is dropped.
    """
    made = PayoutAccount(
        workspace_id=customer.workspace_id,
        customer=customer,
        method=STRIPE,
        status=PayoutAccount.Status.INCOMPLETE,
        chosen_at=at,
        created_at=at,
    )
    PayoutAccount.objects.bulk_create([made], ignore_conflicts=True)
    row: PayoutAccount = (
        PayoutAccount.objects.for_workspace(customer.workspace_id)
        .select_for_update(no_key=True)
        .get(customer=customer, method=STRIPE)
    )
    known = account_id_of(customer)
    if known and known != seen.account_id:
        return known
    row.sealed_details = secrets.encrypt(json.dumps({"account_id": seen.account_id}), bound_to=row.public_id)
    row.label = f"{seen.account_id[:5]}…{seen.account_id[-4:]}"
    if row.status != PayoutAccount.Status.REFUSED:
        ready = PayoutAccount.Status.READY if seen.payouts_enabled else PayoutAccount.Status.INCOMPLETE
        row.status = ready
    row.save(update_fields=["sealed_details", "label", "status"])
    return seen.account_id


def note_account(*, connection: Connection, seen: AccountSeen, at: datetime) -> Outcome:
    """Note what Stripe tells about a person's account."""
    customer = (
        Customer.objects.for_workspace(connection.workspace_id)
        .filter(public_id=seen.customer_id, payout_accounts__method=STRIPE)
        .first()
        if seen.customer_id
        else None
    )
    if customer is None or account_id_of(customer) != seen.account_id:
        return Outcome(InboxItem.Outcome.IGNORED, "not_ours", "It is nobody's account here.")
    keep_account(customer=customer, seen=seen, at=at)
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
        .filter(customer=customer, method=STRIPE)
        .first()
    )
