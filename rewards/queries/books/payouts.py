"""Checks of payouts and of the batches they are in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import Count, F, Q, QuerySet, Sum, When
from django.db.models.expressions import Combinable

from accounts.models import Workspace
from rewards.models import Account, Payout, PayoutBatch
from rewards.queries.books.shapes import CHUNK, NOTHING, Difference, compared, depending, nets, not_as

_KINDS: Final = tuple(str(kind) for kind in Account.Kind.values)
_PLACES: Final = {
    Payout.Status.PENDING: Account.Kind.IN_TRANSIT,
    Payout.Status.SENT: Account.Kind.IN_TRANSIT,
    Payout.Status.PAID: Account.Kind.PAID_OUT,
}
"""Where a payout's money stands by its status; that of a failed one is payable again."""

_SETTLED: Final = (Payout.Status.PAID, Payout.Status.FAILED)


def all_payouts(workspace: Workspace) -> QuerySet[Payout]:
    """Return every payout, in no order."""
    return Payout.objects.for_workspace(workspace).order_by()


def misplaced_payouts(workspace: Workspace) -> Iterator[Difference]:
    """Find payouts whose transfers do not leave their money where their status says.

    The fee of one that is settled has left the workspace's own accounts; before, it is only expected.
    """
    found = all_payouts(workspace).annotate(**nets(*_KINDS)).filter(not_as(_expected()))
    columns = ("public_id", "status", "currency", "amount_minor", "fee_minor", "batch__public_id")
    rows = found.order_by("pk").values(*columns, *(f"in_{kind}" for kind in _KINDS))
    for row in rows.iterator(chunk_size=CHUNK):
        place = _PLACES.get(Payout.Status(row["status"]))
        amount = row["amount_minor"]
        expected = {str(Account.Kind.PAYABLE): -amount, str(place): amount} if place else {}
        stood = {kind: row[f"in_{kind}"] for kind in _KINDS}
        fee = row["fee_minor"] if row["status"] in _SETTLED else 0
        out = str(Account.Kind.PAID_OUT)
        expected |= {str(Account.Kind.FEES): -fee, out: expected.get(out, 0) + fee}
        names = {"kind": "payout", "public_id": row["public_id"], "under": row["batch__public_id"]}
        subject = f"payout {row['public_id']} ({row['status']})"
        yield from compared(subject, row["currency"], expected, stood, **names)


def _expected() -> dict[str, Combinable]:
    amount = F("amount_minor")
    on_its_way = [status for status, place in _PLACES.items() if place == Account.Kind.IN_TRANSIT]
    fee = depending(When(status__in=_SETTLED, then=F("fee_minor")))
    own = {
        Account.Kind.PAYABLE: depending(When(status__in=list(_PLACES), then=NOTHING - amount)),
        Account.Kind.IN_TRANSIT: depending(When(status__in=on_its_way, then=amount)),
        Account.Kind.PAID_OUT: depending(When(status=Payout.Status.PAID, then=amount)) + fee,
        Account.Kind.FEES: NOTHING - fee,
    }
    return {f"in_{kind}": own.get(Account.Kind(kind), NOTHING) for kind in _KINDS}


def all_batches(workspace: Workspace) -> QuerySet[PayoutBatch]:
    """Return every batch, in no order."""
    return PayoutBatch.objects.for_workspace(workspace).order_by()


def wrong_batches(workspace: Workspace) -> Iterator[Difference]:
    """Find batches whose totals are not those of their payouts: in all, paid and failed, and how many."""
    amount = "payouts__amount_minor"
    paid, failed = (Q(payouts__status=status) for status in (Payout.Status.PAID, Payout.Status.FAILED))
    added = {
        "total_minor": Sum(amount, default=0),
        "paid_minor": Sum(amount, filter=paid, default=0),
        "failed_minor": Sum(amount, filter=failed, default=0),
        "payout_count": Count("payouts"),
    }
    found = (
        all_batches(workspace)
        .annotate(**{f"added_{name}": sum_ for name, sum_ in added.items()})
        .filter(not_as({name: F(f"added_{name}") for name in added}))
        .order_by("pk")
    )
    for batch in found.iterator(chunk_size=CHUNK):
        for name in added:
            expected, kept = getattr(batch, f"added_{name}"), getattr(batch, name)
            if expected != kept:
                unit = "payouts" if name == "payout_count" else batch.currency
                subject = f"batch {batch.public_id}" + _WHICH[name]
                yield Difference(subject, unit, expected, kept, kind="payoutbatch", public_id=batch.public_id)


_WHICH: Final = {"total_minor": "", "payout_count": "", "paid_minor": " paid", "failed_minor": " failed"}
