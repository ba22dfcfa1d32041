"""Where people's money goes: the account each of them chose, and the one place where details are opened."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Case, QuerySet, Value, When

from accounts import secrets
from accounts.models import Workspace
from programs.models import Customer
from rewards.models import PayoutAccount
from rewards.payout_details import as_line

_UNFINISHED = "The payout account is not set up to the end."


@dataclass(frozen=True, slots=True)
class Destination:
    """The account a person's money goes to; `label` may be shown. `refused` says why it may not be used."""

    method: str
    label: str
    account: PayoutAccount
    refused: str


def payout_destinations(workspace: Workspace, customer_ids: Collection[int]) -> dict[int, Destination]:
    """Return where each of these people's money goes, by customer key, in one query.

    That is the account chosen last. One that was never set up to the end counts only where there is no other;
    one that was refused is not passed over, because whoever refused it wants a look before money goes
    elsewhere. Who has no account is not in the answer.
    """
    unfinished = Case(When(status=PayoutAccount.Status.INCOMPLETE, then=Value(1)), default=Value(0))
    rows = (
        PayoutAccount.objects.for_workspace(workspace)
        .filter(customer_id__in=customer_ids)
        .order_by("customer_id", unfinished, "-chosen_at", "-pk")
        .distinct("customer_id")
    )
    return {
        row.customer_id: Destination(row.method, row.label, row, _refusal(row))
        for row in (rows if customer_ids else ())
    }


def destination_of(customer: Customer) -> Destination | None:
    """Return where one person's money goes; None where nothing is known."""
    return payout_destinations(customer.workspace, [customer.pk]).get(customer.pk)


def payout_accounts_of(customer: Customer) -> QuerySet[PayoutAccount]:
    """Return a person's payout accounts, the one chosen last first."""
    return (
        PayoutAccount.objects.for_workspace(customer.workspace_id)
        .filter(customer=customer)
        .order_by("-chosen_at", "-pk")
    )


def open_details(account: PayoutAccount) -> dict[str, str]:
    """Return an account's details in full: for the bank's file, a provider's call, and the person's export.

    A bank account has `holder`, `country` and `iban` or `account`; PayPal and gift cards have `email`; Stripe
    has what the connection noted. Nothing else opens them, and nobody shows or logs them.
    """
    return opened(account.sealed_details, bound_to=account.public_id)


def opened(sealed_details: str, *, bound_to: str) -> dict[str, str]:
    """Open sealed details that were read without their account, whose public id is `bound_to`."""
    if not sealed_details:
        return {}
    found: dict[str, str] = json.loads(secrets.decrypt(sealed_details, bound_to=bound_to))
    return found


def full_address(account: PayoutAccount | None) -> str:
    """Return where an account's money goes in one line, in full, for a file the bank pays from."""
    return "" if account is None else as_line(open_details(account))


def _refusal(account: PayoutAccount) -> str:
    if account.status == PayoutAccount.Status.REFUSED:
        return f"The payout account was refused: {account.note}"
    return _UNFINISHED if account.status == PayoutAccount.Status.INCOMPLETE else ""
