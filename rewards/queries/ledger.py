"""Reads about accounts and transfers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, Q, QuerySet, When

from accounts.models import Workspace
from programs.models import Customer
from rewards.models import Account, Transfer


def accounts(workspace: Workspace) -> QuerySet[Account]:
    """Return all accounts with their owners, the workspace's own first, then person by person."""
    return (
        Account.objects.for_workspace(workspace)
        .select_related("customer")
        .order_by(F("customer_id").asc(nulls_first=True), "unit", "kind", "pk")
    )


def balance(customer: Customer, kind: str, unit: str) -> int:
    """Return what stands in one of a person's accounts, in minor units; 0 where there is no account."""
    found = (
        Account.objects.for_workspace(customer.workspace_id)
        .filter(customer=customer, kind=kind, unit=unit)
        .values_list("balance_minor", flat=True)
        .first()
    )
    return found or 0


def balances_of(customer: Customer) -> QuerySet[Account]:
    """Return a person's accounts, by unit and purpose."""
    return (
        Account.objects.for_workspace(customer.workspace_id)
        .filter(customer=customer)
        .order_by("unit", "kind")
    )


def transfers_through(account: Account) -> QuerySet[Transfer]:
    """Return an account's transfers with the accounts on both sides, newest first.

    `change_minor` is by how much each changed the account.
    """
    change = Case(When(credit=account, then=F("amount_minor")), default=-F("amount_minor"))
    return (
        Transfer.objects.for_workspace(account.workspace_id)
        .filter(Q(debit=account) | Q(credit=account))
        .annotate(change_minor=change)
        .select_related("debit__customer", "credit__customer", "reward", "payout__batch")
        .order_by("-pk")
    )


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement as its owner reads it: `change_minor` is positive when the account grew.

    `reward` and `payout` are public ids, or empty.
    """

    at: datetime
    account: str
    unit: str
    change_minor: int
    memo: str
    reward: str
    payout: str


def statement(customer: Customer, *, limit: int = 200) -> list[StatementLine]:
    """Return the latest movements of a person's accounts, newest first.

    A transfer between two of the person's own accounts gives two lines, which cancel out.
    """
    mine = {account.pk: account for account in balances_of(customer)}
    transfers = (
        Transfer.objects.for_workspace(customer.workspace_id)
        .filter(Q(debit__in=list(mine)) | Q(credit__in=list(mine)))
        .select_related("reward", "payout")
        .order_by("-pk")[:limit]
    )
    lines = []
    for transfer in transfers:
        for account_id, change in (
            (transfer.credit_id, transfer.amount_minor),
            (transfer.debit_id, -transfer.amount_minor),
        ):
            if account_id in mine:
                lines.append(
                    StatementLine(
                        at=transfer.at,
                        account=mine[account_id].kind,
                        unit=transfer.unit,
                        change_minor=change,
                        memo=transfer.memo,
                        reward=transfer.reward.public_id if transfer.reward else "",
                        payout=transfer.payout.public_id if transfer.payout else "",
                    )
                )
    return lines
