"""Checks of the accounts and the transfers between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import Workspace
from rewards.models import Account, Transfer
from rewards.queries.books.shapes import CHUNK, Difference


@dataclass(frozen=True, slots=True)
class Sums:
    """One unit's books: how many accounts and transfers, and the sum of all balances (0 when right)."""

    unit: str
    accounts: int
    transfers: int
    moved_minor: int
    balance_minor: int


def sums(workspace: Workspace) -> list[Sums]:
    """Return each unit's totals, by unit."""
    moved: dict[str, tuple[int, int]] = {
        unit: (count, total)
        for unit, count, total in all_transfers(workspace)
        .values_list("unit")
        .annotate(count=Count("pk"), total=Sum("amount_minor"))
    }
    stood = (
        all_accounts(workspace)
        .values("unit")
        .annotate(n=Count("pk"), balance=Sum("balance_minor"))
        .order_by("unit")
    )
    return [Sums(row["unit"], row["n"], *moved.get(row["unit"], (0, 0)), row["balance"]) for row in stood]


def all_accounts(workspace: Workspace) -> QuerySet[Account]:
    """Return every account, in no order."""
    return Account.objects.for_workspace(workspace).order_by()


def all_transfers(workspace: Workspace) -> QuerySet[Transfer]:
    """Return every transfer, in no order."""
    return Transfer.objects.for_workspace(workspace).order_by()


def units(workspace: Workspace) -> QuerySet[Any]:
    """Return one row for each unit there is an account in."""
    return all_accounts(workspace).values("unit").distinct()


def unbalanced_units(workspace: Workspace) -> Iterator[Difference]:
    """Find units whose balances do not sum to zero."""
    rows = all_accounts(workspace).values_list("unit").annotate(total=Sum("balance_minor"))
    for unit, total in rows.exclude(total=0).order_by("unit"):
        yield Difference("sum of all balances", unit, 0, total)


def mixed_transfers(workspace: Workspace) -> Iterator[Difference]:
    """Find transfers that count in another unit than their accounts."""
    mixed = (
        all_transfers(workspace).exclude(Q(debit__unit=F("unit")) & Q(credit__unit=F("unit"))).order_by("pk")
    )
    rows = mixed.values_list("public_id", "unit", "amount_minor", "debit__public_id")
    for public_id, unit, amount, account in rows.iterator(chunk_size=CHUNK):
        subject = f"transfer {public_id} between other units"
        yield Difference(subject, unit, 0, amount, kind="account", public_id=account)


def repeated_transfers(workspace: Workspace) -> Iterator[Difference]:
    """Find keys under which more than one transfer stands: money that moved twice."""
    rows = all_transfers(workspace).values_list("key").annotate(n=Count("pk")).filter(n__gt=1)
    for key, times in rows.order_by("key").iterator(chunk_size=CHUNK):
        yield Difference(f"transfer under the key {key}", "times", 1, times)


def wrong_balances(workspace: Workspace) -> Iterator[Difference]:
    """Find accounts whose balance is not the sum of their transfers."""
    wrong = (
        all_accounts(workspace)
        .annotate(moved=_total(workspace, "credit") - _total(workspace, "debit"))
        .exclude(balance_minor=F("moved"))
        .order_by("pk")
    )
    rows = wrong.values_list("public_id", "kind", "unit", "moved", "balance_minor")
    for public_id, kind, unit, moved, balance in rows.iterator(chunk_size=CHUNK):
        subject = f"account {public_id} ({kind})"
        yield Difference(subject, unit, moved, balance, kind="account", public_id=public_id)


def _total(workspace: Workspace, side: str) -> Coalesce:
    moved = all_transfers(workspace).filter(**{side: OuterRef("pk")})
    # By the account, which is one: it makes of the sum a row of its own.
    added = moved.values(f"{side}_id").annotate(total=Sum("amount_minor")).values("total")
    return Coalesce(Subquery(added, output_field=BigIntegerField()), 0)
