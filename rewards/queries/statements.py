"""A person's statement: every movement of their accounts in some days, with the balances before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum

from core.errors import Invalid
from programs.models import Customer
from rewards.models import Account, Transfer

MOST_LINES: Final = 10_000
"""So many lines a statement has at most; a longer one has to be asked for in parts."""
LONGEST_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of an account: by how much it changed, and what stood there afterwards."""

    at: datetime
    transfer: str
    memo: str
    change_minor: int
    balance_minor: int
    reward: str
    payout: str


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """One account's part of a statement.

    `later_minor` is what moved after the period. The balance kept beside the transfers, `kept_minor`, has to
    be the closing balance with it; where it is not, something is wrong with the books.
    """

    public_id: str
    kind: str
    unit: str
    opening_minor: int
    entries: tuple[Entry, ...]
    later_minor: int
    kept_minor: int

    @property
    def label(self) -> str:
        """What the account is for, in words."""
        return str(Account.Kind(self.kind).label)

    @property
    def closing_minor(self) -> int:
        """What stood in the account at the end of the period."""
        return self.entries[-1].balance_minor if self.entries else self.opening_minor

    @property
    def difference_minor(self) -> int:
        """By how much the balance that is kept differs from the movements; 0 when the books are right."""
        return self.kept_minor - self.closing_minor - self.later_minor


@dataclass(frozen=True, slots=True)
class Statement:
    """A person's accounts over some days of the workspace's time zone, the first and the last included."""

    customer: Customer
    first_on: date
    last_on: date
    zone: str
    accounts: tuple[AccountStatement, ...]

    @property
    def faults(self) -> tuple[AccountStatement, ...]:
        """The accounts whose balance is not what their movements come to."""
        return tuple(account for account in self.accounts if account.difference_minor)

    def content(self) -> list[list[Any]]:
        """Return what the statement says in figures, without names: what its digest is made of."""
        return [
            [
                account.kind,
                account.unit,
                account.opening_minor,
                [[entry.transfer, entry.at.isoformat(), entry.change_minor] for entry in account.entries],
                account.closing_minor,
            ]
            for account in self.accounts
        ]


def statement_for(customer: Customer, *, first_on: date, last_on: date) -> Statement:
    """Return a person's statement; accounts in which nothing stood or moved are left out.

    Raises Invalid naming `from` for days in the wrong order, more than a year, or too many lines.
    """
    if first_on > last_on:
        raise Invalid("The first day comes after the last.", param="from")
    if (last_on - first_on).days >= LONGEST_DAYS:
        raise Invalid(f"A statement covers at most {LONGEST_DAYS} days.", param="from")
    zone = ZoneInfo(customer.workspace.time_zone)
    begins = datetime.combine(first_on, time(), zone)
    ends = datetime.combine(last_on + timedelta(days=1), time(), zone)
    accounts = list(
        Account.objects.for_workspace(customer.workspace_id)
        .filter(customer=customer)
        .order_by("unit", "kind")
    )
    mine = {account.pk for account in accounts}
    before = _changes(customer, mine, Q(at__lt=begins))
    later = _changes(customer, mine, Q(at__gte=ends))
    entries = _entries(customer, mine, before, begins, ends)
    parts = [
        AccountStatement(
            public_id=account.public_id,
            kind=account.kind,
            unit=account.unit,
            opening_minor=before.get(account.pk, 0),
            entries=tuple(entries[account.pk]),
            later_minor=later.get(account.pk, 0),
            kept_minor=account.balance_minor,
        )
        for account in accounts
    ]
    shown = tuple(part for part in parts if part.entries or part.opening_minor or part.difference_minor)
    return Statement(customer, first_on, last_on, customer.workspace.time_zone, shown)


def _of_theirs(customer: Customer, mine: set[int]) -> QuerySet[Transfer]:
    return Transfer.objects.for_workspace(customer.workspace_id).filter(
        Q(debit__in=mine) | Q(credit__in=mine)
    )


def _changes(customer: Customer, mine: set[int], when: Q) -> dict[int, int]:
    """Return by how much each account changed in all in a time."""
    found: dict[int, int] = {}
    for side, sign in (("credit_id", 1), ("debit_id", -1)):
        rows = (
            Transfer.objects.for_workspace(customer.workspace_id)
            .filter(when, **{f"{side}__in": mine})
            .order_by()
            .values_list(side)
            .annotate(total=Sum("amount_minor"))
        )
        for account, total in rows:
            found[account] = found.get(account, 0) + sign * total
    return found


def _entries(
    customer: Customer, mine: set[int], before: dict[int, int], begins: datetime, ends: datetime
) -> dict[int, list[Entry]]:
    transfers = list(
        _of_theirs(customer, mine)
        .filter(at__gte=begins, at__lt=ends)
        .select_related("reward", "payout")
        .order_by("at", "pk")[: MOST_LINES + 1]
    )
    if len(transfers) > MOST_LINES:
        raise Invalid(
            f"These days have more than {MOST_LINES:,} movements; please ask for fewer days.",
            code="too_long",
            param="from",
        )
    found: dict[int, list[Entry]] = {account: [] for account in mine}
    running = dict(before)
    for transfer in transfers:
        for account, change in (
            (transfer.debit_id, -transfer.amount_minor),
            (transfer.credit_id, transfer.amount_minor),
        ):
            if account not in mine:
                continue
            running[account] = running.get(account, 0) + change
            found[account].append(
                Entry(
                    at=transfer.at,
                    transfer=transfer.public_id,
                    memo=transfer.memo,
                    change_minor=change,
                    balance_minor=running[account],
                    reward=transfer.reward.public_id if transfer.reward else "",
                    payout=transfer.payout.public_id if transfer.payout else "",
                )
            )
    return found
