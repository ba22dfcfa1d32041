"""Reads about payouts: what could be paid, batches, and the file a batch is paid from."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Workspace
from core.money import format_major
from core.text import spreadsheet_cell
from programs.models import Customer, Participant, ProgramVersion
from programs.terms import ProgramTerms, parse_terms
from rewards.models import Account, Payout, PayoutAccount, PayoutBatch
from rewards.queries.destinations import full_address, payout_destinations
from rewards.queries.tax import tax_refusals

CSV_COLUMNS = ("payout_id", "name", "email", "destination", "amount", "currency")


_LEFT_OUT = {
    "negative_balance": "Owes money from refunds; later rewards are netted with it.",
    "below_minimum": "Below the program's payout minimum.",
    "suspended": "Suspended in every program.",
    "no_destination": "No payout account is known.",
    "account_refused": "The payout account cannot be used.",
    "tax_details": "Tax details are missing.",
}


@dataclass(frozen=True, slots=True)
class PayableRow:
    """One person's payable balance: paid in the next batch, unless `left_out` says why not.

    `left_out` is empty, `negative_balance`, `below_minimum`, `suspended`, `no_destination`,
    `account_refused` or `tax_details`; `why` says more of the last two. `destination` is what may be shown.
    """

    customer: Customer
    amount_minor: int
    minimum_minor: int
    destination: str
    left_out: str
    account: PayoutAccount | None = None
    why: str = ""

    @property
    def sentence(self) -> str:
        """Why the person is left out, in words; empty when they are not."""
        return self.why or _LEFT_OUT.get(self.left_out, "")


def payable(
    workspace: Workspace, currency: str, *, customer_ids: Collection[int] | None = None
) -> list[PayableRow]:
    """Return everyone with a payable balance in a currency, highest first; `customer_ids` narrows it.

    The minimum is the highest of the person's programs in that currency. Nothing is paid to somebody whose
    every enrolment is suspended, nor while a program waits for tax details.
    """
    stood = (
        Account.objects.for_workspace(workspace)
        .filter(kind=Account.Kind.PAYABLE, unit=currency)
        .exclude(balance_minor=0)
        .select_related("customer")
        .order_by("-balance_minor", "pk")
    )
    if customer_ids is not None:
        stood = stood.filter(customer_id__in=customer_ids)
    accounts = list(stood)
    enrolments = _enrolments(workspace, [account.customer_id or 0 for account in accounts])
    terms = _live_terms(workspace, enrolments)
    people = [account.customer_id or 0 for account in accounts]
    destinations = payout_destinations(workspace, people)
    untaxed = tax_refusals(workspace, people)
    rows = []
    for account in accounts:
        customer = account.customer
        assert customer is not None
        mine = enrolments[customer.pk]
        promised = [terms[each.program_id] for each in mine if each.program_id in terms]
        minimum = max(
            (each.payout_minimum_minor for each in promised if each.currency == currency), default=0
        )
        active = [each for each in mine if each.status == Participant.Status.ACTIVE]
        destination = destinations.get(customer.pk)
        left_out = why = ""
        if account.balance_minor < 0:
            left_out = "negative_balance"
        elif account.balance_minor < minimum:
            left_out = "below_minimum"
        elif mine and not active:
            left_out = "suspended"
        elif destination is None:
            left_out = "no_destination"
        elif destination.refused:
            left_out, why = "account_refused", destination.refused
        elif customer.pk in untaxed:
            left_out, why = "tax_details", untaxed[customer.pk]
        rows.append(
            PayableRow(
                customer=customer,
                amount_minor=account.balance_minor,
                minimum_minor=minimum,
                destination=destination.label if destination else "",
                left_out=left_out,
                account=destination.account if destination else None,
                why=why,
            )
        )
    return rows


def _enrolments(workspace: Workspace, customer_ids: Collection[int]) -> defaultdict[int, list[Participant]]:
    found: defaultdict[int, list[Participant]] = defaultdict(list)
    rows = Participant.objects.for_workspace(workspace).filter(customer_id__in=customer_ids)
    for row in rows.select_related("program").order_by("-pk"):
        found[row.customer_id].append(row)
    return found


def _live_terms(
    workspace: Workspace, enrolments: defaultdict[int, list[Participant]]
) -> dict[int, ProgramTerms]:
    programs = {each.program for mine in enrolments.values() for each in mine}
    live = {(program.pk, program.live_version) for program in programs}
    versions = ProgramVersion.objects.for_workspace(workspace).filter(program__in=programs)
    return {
        version.program_id: parse_terms(version.terms)
        for version in versions
        if (version.program_id, version.number) in live
    }


@dataclass(frozen=True, slots=True)
class PayableTotal:
    """What could be paid in one currency: ready for the next batch, and left out of it."""

    currency: str
    ready_minor: int
    ready_count: int
    left_out_minor: int
    left_out_count: int


def payable_totals(workspace: Workspace) -> list[PayableTotal]:
    """Return each currency with payable balances, by currency."""
    currencies = (
        Account.objects.for_workspace(workspace)
        .filter(kind=Account.Kind.PAYABLE)
        .exclude(balance_minor=0)
        .values_list("unit", flat=True)
        .distinct()
        .order_by("unit")
    )
    found = []
    for currency in currencies:
        rows = payable(workspace, currency)
        ready = [row.amount_minor for row in rows if not row.left_out]
        out = [row.amount_minor for row in rows if row.left_out]
        found.append(PayableTotal(currency, sum(ready), len(ready), sum(out), len(out)))
    return found


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


def progress(batch: PayoutBatch) -> dict[str, tuple[int, int]]:
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


def batch_csv(batch: PayoutBatch) -> str:
    """Return a batch's payouts as a CSV file with a header; amounts in major units with a decimal point.

    Text that a spreadsheet would read as a formula is preceded by an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for payout in payouts_of(batch).iterator(chunk_size=2000):
        writer.writerow(
            [
                payout.public_id,
                spreadsheet_cell(payout.customer.name),
                spreadsheet_cell(payout.customer.email),
                spreadsheet_cell(full_address(payout.account)),
                format_major(payout.amount_minor, payout.currency),
                payout.currency,
            ]
        )
    return out.getvalue()
