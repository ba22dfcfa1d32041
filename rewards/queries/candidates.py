"""What could be paid: everybody with a payable balance, judged, and summed up for a look beforehand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Least

from accounts.models import Workspace
from programs.models import Customer, Participant, ProgramVersion
from programs.terms import parse_terms
from rewards.fees import FeeRule, fee_rule
from rewards.models import Account, Transfer
from rewards.payability import REASONS, Standing, judge
from rewards.queries.destinations import Destination, open_details, payout_destinations
from rewards.queries.money import money_settings
from rewards.queries.tax import tax_refusals

AT_ONCE = 2000
SHOWN = 100
"""So many people of each part a preview lists; the file has all."""


@dataclass(frozen=True, slots=True)
class PayableRow:
    """One person's payable balance: paid in the next batch, unless `left_out` says why not.

    `amount_minor` is what would be paid, `balance_minor` what stands in the account. `left_out` is empty or a
    code of `rewards.payability.REASONS`, `sentence` the same in words. `destination` is what may be shown.
    """

    customer_id: int
    public_id: str
    name: str
    balance_minor: int
    amount_minor: int
    minimum_minor: int
    fee_minor: int
    pays_to: str
    destination: str
    account_id: int | None
    left_out: str
    sentence: str


def payable(
    workspace: Workspace,
    currency: str,
    *,
    method: str = "",
    cutoff_at: datetime | None = None,
    customer_ids: Collection[int] | None = None,
    by_customer: bool = False,
) -> Iterator[PayableRow]:
    """Go through everyone with a payable balance in a currency, highest first; `customer_ids` narrows it.

    An empty `method` judges whether any would pay. The minimum is the highest of the person's programs in
    that currency. A few thousand people are in memory at once, and each such group takes a few queries.
    `by_customer` goes by the customer's key instead.
    """
    accounts = _accounts(workspace, currency, customer_ids)
    ordered = accounts.order_by("customer_id") if by_customer else accounts.order_by("-balance_minor", "pk")
    columns = (
        "pk",
        "balance_minor",
        "customer_id",
        "customer__public_id",
        "customer__name",
        "customer__email",
        "customer__external_id",
        "customer__erased_at",
    )
    minimums = _minimums(workspace, currency)
    fees = fee_rule(method, money_settings(workspace).payout_fees) if method else FeeRule()
    rows = ordered.values(*columns).iterator(chunk_size=AT_ONCE)
    while group := list(islice(rows, AT_ONCE)):
        yield from _judged(workspace, group, method, cutoff_at, minimums, fees)


def _accounts(workspace: Workspace, currency: str, customer_ids: Collection[int] | None) -> QuerySet[Account]:
    stood = Account.objects.for_workspace(workspace).filter(kind=Account.Kind.PAYABLE, unit=currency)
    found = stood.filter(customer__isnull=False).exclude(balance_minor=0)
    return found if customer_ids is None else found.filter(customer_id__in=customer_ids)


def payable_customers(
    workspace: Workspace, currency: str, customer_ids: Collection[int] | None = None
) -> QuerySet[Account, int]:
    """Return the keys of everyone with something to be paid in a currency, whether they can be or not."""
    accounts = _accounts(workspace, currency, customer_ids).filter(balance_minor__gt=0)
    return accounts.values_list("customer_id", flat=True).order_by("customer_id")


def _judged(
    workspace: Workspace,
    group: Sequence[dict[str, Any]],
    method: str,
    cutoff_at: datetime | None,
    minimums: dict[int, int],
    fees: FeeRule,
) -> Iterator[PayableRow]:
    people = [row["customer_id"] for row in group]
    enrolments = _enrolments(workspace, people)
    destinations = payout_destinations(workspace, people)
    untaxed = tax_refusals(workspace, people)
    late = _late(workspace, [row["pk"] for row in group], cutoff_at)
    for row in group:
        pk = row["customer_id"]
        mine, destination = enrolments.get(pk, ()), destinations.get(pk)
        minimum = max((minimums.get(program, 0) for program, _ in mine), default=0)
        standing = Standing(
            balance_minor=row["balance_minor"],
            late_minor=late.get(row["pk"], 0),
            minimum_minor=minimum,
            enrolled=len(mine),
            active=sum(status == Participant.Status.ACTIVE for _, status in mine),
            pays_to=destination.method if destination else "",
            has_iban=method != "pain001" or _has_iban(destination),
            account_refused=destination.refused if destination else "",
            tax_refused=untaxed.get(pk, ""),
        )
        verdict = judge(standing, method=method)
        yield PayableRow(
            customer_id=pk,
            public_id=row["customer__public_id"],
            name=_shown_name(row),
            balance_minor=row["balance_minor"],
            amount_minor=verdict.amount_minor,
            minimum_minor=minimum,
            fee_minor=fees.of(verdict.amount_minor) if not verdict.code else 0,
            pays_to=standing.pays_to,
            destination=destination.label if destination else "",
            account_id=destination.account.pk if destination else None,
            left_out=verdict.code,
            sentence=verdict.sentence,
        )


def _shown_name(row: dict[str, Any]) -> str:
    names = ("public_id", "name", "email", "external_id", "erased_at")
    return Customer(**{name: row[f"customer__{name}"] for name in names}).shown_name


def _has_iban(destination: Destination | None) -> bool:
    return bool(
        destination and destination.method == "bank" and open_details(destination.account).get("iban")
    )


def _enrolments(workspace: Workspace, people: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    rows = Participant.objects.for_workspace(workspace).filter(customer_id__in=people)
    for customer_id, program_id, status in rows.values_list("customer_id", "program_id", "status"):
        found[customer_id].append((program_id, status))
    return found


def _minimums(workspace: Workspace, currency: str) -> dict[int, int]:
    """Return each program's payout minimum by its key, of those whose live terms pay in this currency."""
    versions = ProgramVersion.objects.for_workspace(workspace).filter(number=F("program__live_version"))
    found = {}
    for version in versions:
        terms = parse_terms(version.terms)
        if terms.currency == currency:
            found[version.program_id] = terms.payout_minimum_minor
    return found


_GIVES = (Account.Kind.PENDING, Account.Kind.EXPENSE, Account.Kind.ADJUSTED)


def late_transfers(
    workspace: Workspace, account_ids: Collection[int], cutoff_at: datetime
) -> QuerySet[Transfer]:
    """Return what was approved, given back or added by hand to these accounts at or after the cutoff."""
    return Transfer.objects.for_workspace(workspace).filter(
        credit_id__in=account_ids, debit__kind__in=_GIVES, at__gte=cutoff_at
    )


def _late(workspace: Workspace, account_ids: Collection[int], cutoff_at: datetime | None) -> dict[int, int]:
    """Return by account how much of it came after the cutoff, less what was taken back of that since."""
    if cutoff_at is None:
        return {}
    left = F("reward__amount_minor") - F("reward__reversed_minor")
    rows = late_transfers(workspace, account_ids, cutoff_at).order_by().values("credit_id")
    sums = rows.annotate(
        of_rewards=Sum(Least(F("amount_minor"), left), filter=Q(reward__isnull=False), default=0),
        by_hand=Sum("amount_minor", filter=Q(reward__isnull=True), default=0),
    )
    return {row["credit_id"]: row["of_rewards"] + row["by_hand"] for row in sums}


@dataclass(slots=True)
class LeftOut:
    """The people one reason leaves out: how many, their balances, and the first of them."""

    code: str
    count: int = 0
    balance_minor: int = 0
    rows: list[PayableRow] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return REASONS[self.code]


@dataclass(slots=True)
class Preview:
    """What a batch would pay now: totals, the first of those who are paid, and who is left out by reason."""

    count: int = 0
    total_minor: int = 0
    fee_minor: int = 0
    rows: list[PayableRow] = field(default_factory=list)
    left_out: dict[str, LeftOut] = field(default_factory=dict)

    @property
    def left_out_count(self) -> int:
        """How many people are left out."""
        return sum(each.count for each in self.left_out.values())

    def reasons(self) -> list[LeftOut]:
        """Return who is left out, in the order in which reasons are looked for."""
        return [self.left_out[code] for code in REASONS if code in self.left_out]


def preview(
    workspace: Workspace, currency: str, *, method: str, cutoff_at: datetime | None = None
) -> Preview:
    """Sum up what a batch by this method would pay now; `SHOWN` people of each part are kept."""
    found = Preview()
    for row in payable(workspace, currency, method=method, cutoff_at=cutoff_at):
        if row.left_out:
            part = found.left_out.setdefault(row.left_out, LeftOut(row.left_out))
            part.count += 1
            part.balance_minor += row.balance_minor
            rows = part.rows
        else:
            found.count += 1
            found.total_minor += row.amount_minor
            found.fee_minor += row.fee_minor
            rows = found.rows
        if len(rows) < SHOWN:
            rows.append(row)
    return found


@dataclass(slots=True)
class PayableTotal:
    """What could be paid in one currency: ready by the kind of payout account, and left out."""

    currency: str
    ready_minor: int = 0
    ready_count: int = 0
    left_out_minor: int = 0
    left_out_count: int = 0
    by_account: dict[str, tuple[int, int]] = field(default_factory=dict)


def payable_totals(workspace: Workspace, *, cutoff_at: datetime | None = None) -> list[PayableTotal]:
    """Return each currency with payable balances, by currency.

    `by_account` has, for each kind of payout account, how many people are ready and their sum.
    """
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
        total = PayableTotal(currency)
        for row in payable(workspace, currency, cutoff_at=cutoff_at):
            if row.left_out:
                total.left_out_minor += row.balance_minor
                total.left_out_count += 1
                continue
            count, amount = total.by_account.get(row.pays_to, (0, 0))
            total.by_account[row.pays_to] = (count + 1, amount + row.amount_minor)
            total.ready_minor += row.amount_minor
            total.ready_count += 1
        found.append(total)
    return found
