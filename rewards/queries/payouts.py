"""Reads about payouts: batches, the payouts in them, and the file a batch is paid from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet, Sum

from accounts.models import Workspace
from core.errors import Conflict
from programs.models import Customer
from rewards.bank_files import csv as csv_file
from rewards.bank_files import pain001
from rewards.bank_files.payments import Payment
from rewards.models import Account, Payout, PayoutAccount, PayoutBatch
from rewards.payability import PROVIDERS
from rewards.payout_details import as_line
from rewards.queries.destinations import opened
from rewards.queries.money import money_settings


def batches(workspace: Workspace) -> QuerySet[PayoutBatch]:
    """Return all batches with who made and approved them, newest first."""
    return (
        PayoutBatch.objects.for_workspace(workspace)
        .select_related("created_by", "approved_by")
        .order_by("-public_id")
    )


def payouts_of(batch: PayoutBatch) -> QuerySet[Payout]:
    """Return a batch's payouts with their recipients, in the order of the file."""
    return (
        Payout.objects.for_workspace(batch.workspace_id)
        .filter(batch=batch)
        .select_related("customer", "account")
        .order_by("pk")
    )


def payouts_for(customer: Customer) -> QuerySet[Payout]:
    """Return one person's payouts with their batches, newest first."""
    return (
        Payout.objects.for_workspace(customer.workspace_id)
        .filter(customer=customer)
        .select_related("batch")
        .order_by("-pk")
    )


def payouts_by_status(batch: PayoutBatch) -> dict[str, tuple[int, int]]:
    """Return how many payouts of a batch are pending, paid and failed, each with its sum in minor units."""
    rows = {
        row["status"]: (row["n"], row["total"])
        for row in payouts_of(batch)
        .order_by()
        .values("status")
        .annotate(n=Count("pk"), total=Sum("amount_minor"))
    }
    return {status: rows.get(status, (0, 0)) for status in Payout.Status.values}


def overdrawn_in(batch: PayoutBatch) -> QuerySet[Account]:
    """Return the negative payable balances of a batch's recipients: refunds that came after it was made."""
    return (
        Account.objects.for_workspace(batch.workspace_id)
        .filter(
            Q(kind=Account.Kind.PAYABLE, unit=batch.currency, balance_minor__lt=0),
            customer_id__in=payouts_of(batch).order_by().values("customer_id"),
        )
        .select_related("customer")
        .order_by("pk")
    )


def changed_accounts(batch: PayoutBatch) -> QuerySet[Payout]:
    """Return the open payouts whose account is another one, or no longer ready, since the batch was made."""
    open_ones = payouts_of(batch).filter(status__in=OPEN)
    return open_ones.exclude(account__label=F("destination"), account__status=PayoutAccount.Status.READY)


OPEN = (Payout.Status.PENDING, Payout.Status.SENT)
"""The states of a payout of which nobody knows yet what becomes of it."""


def fees_of(batch: PayoutBatch) -> int:
    """Return what was charged for a batch's payouts so far, in minor units."""
    settled = payouts_of(batch).exclude(status__in=OPEN).order_by()
    return int(settled.aggregate(total=Sum("fee_minor", default=0))["total"])


def bank_file(batch: PayoutBatch, *, at: datetime) -> Iterator[str]:
    """Return the file a batch is paid from, piece by piece, in the format of its method.

    All of its payouts stand in it but those that failed: their money is payable again, and may be in another
    batch. It has to be read in the workspace's transaction; one payment is in memory. `at` dates an ISO 20022
    file. Raises Conflict (`no_file`) for a method by which a provider sends the money, (`nothing_left`) where
    every payout failed, and what `pain001.document` raises.
    """
    if batch.method in PROVIDERS:
        raise Conflict("A provider sends this batch; there is no file to pay it from.", code="no_file")
    rows = payouts_of(batch).exclude(status=Payout.Status.FAILED)
    sums = rows.order_by().aggregate(count=Count("pk"), total=Sum("amount_minor", default=0))
    if not sums["count"]:
        raise Conflict("Every payout of this batch failed; there is nothing to pay.", code="nothing_left")
    if batch.method == PayoutBatch.Method.CSV:
        return csv_file.lines(_payments(batch, rows))
    own = money_settings(batch.workspace)
    header = pain001.Header(
        batch_id=batch.public_id,
        currency=batch.currency,
        count=sums["count"],
        total_minor=sums["total"],
        at=at.astimezone(ZoneInfo(batch.workspace.time_zone)),
        debtor=pain001.Debtor(own.debtor_name, own.debtor_iban, own.debtor_bic),
    )
    return pain001.document(header, _payments(batch, rows))


def _payments(batch: PayoutBatch, payouts: QuerySet[Payout]) -> Iterator[Payment]:
    rows = payouts.values_list(
        "public_id",
        "amount_minor",
        "customer__name",
        "customer__email",
        "account__public_id",
        "account__sealed_details",
    )
    for public_id, amount_minor, name, email, account_id, sealed in rows.iterator(chunk_size=2000):
        details = opened(sealed or "", bound_to=account_id or "")
        yield Payment(
            payout_id=public_id,
            name=details.get("holder") or name or email,
            email=email,
            account=as_line(details),
            amount_minor=amount_minor,
            currency=batch.currency,
        )
