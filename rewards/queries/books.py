"""The check of the books: everything that is kept twice is added up again and compared."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum

from accounts.models import Workspace
from core.money import POINTS
from rewards.models import (
    Account,
    CatalogueItem,
    Fulfilment,
    Payout,
    PayoutBatch,
    Redemption,
    RedemptionPart,
    Reward,
    Transfer,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not add up: what it is, its unit, what it should be and what it is."""

    subject: str
    unit: str
    expected_minor: int
    found_minor: int

    def __str__(self) -> str:
        return f"{self.subject}: expected {self.expected_minor} {self.unit}, found {self.found_minor}"


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
    transfers = Transfer.objects.for_workspace(workspace).order_by()
    moved: dict[str, tuple[int, int]] = {
        unit: (count, total)
        for unit, count, total in transfers.values_list("unit").annotate(
            count=Count("pk"), total=Sum("amount_minor")
        )
    }
    stood = (
        Account.objects.for_workspace(workspace)
        .values("unit")
        .annotate(n=Count("pk"), balance=Sum("balance_minor"))
        .order_by("unit")
    )
    return [Sums(row["unit"], row["n"], *moved.get(row["unit"], (0, 0)), row["balance"]) for row in stood]


def differences(workspace: Workspace) -> list[Difference]:
    """Return everything in a workspace's books that does not add up; empty when they are right.

    Checked: each unit's balances sum to zero; each transfer counts in its accounts' unit; each account's
    balance is the sum of its transfers; each reward's and each payout's value stands where its status says,
    and each redemption's is spent; what was spent of a reward is the sum of its parts of redemptions; each
    batch's total is the sum of its payouts.
    """
    return [
        *_units(workspace),
        *_accounts(workspace),
        *_rewards(workspace),
        *_redemptions(workspace),
        *_spent(workspace),
        *_payouts(workspace),
        *_batches(workspace),
    ]


def _units(workspace: Workspace) -> list[Difference]:
    found = [
        Difference("sum of all balances", each.unit, 0, each.balance_minor)
        for each in sums(workspace)
        if each.balance_minor
    ]
    mixed = (
        Transfer.objects.for_workspace(workspace)
        .exclude(Q(debit__unit=F("unit")) & Q(credit__unit=F("unit")))
        .order_by("pk")
    )
    return found + [
        Difference(f"transfer {each.public_id} between other units", each.unit, 0, each.amount_minor)
        for each in mixed
    ]


def _accounts(workspace: Workspace) -> list[Difference]:
    moved: defaultdict[int, int] = defaultdict(int)
    transfers = Transfer.objects.for_workspace(workspace).order_by()
    for column, sign in (("credit_id", 1), ("debit_id", -1)):
        for pk, total in transfers.values_list(column).annotate(total=Sum("amount_minor")):
            moved[pk] += sign * total
    rows = Account.objects.for_workspace(workspace).order_by("pk")
    return [
        Difference(f"account {row.public_id} ({row.kind})", row.unit, moved[row.pk], row.balance_minor)
        for row in rows
        if moved[row.pk] != row.balance_minor
    ]


_Standing = dict[int, dict[str, int]]


def _standings(workspace: Workspace, subject: str) -> _Standing:
    """Return, for each reward or payout, what its own transfers left in each kind of account."""
    found: _Standing = defaultdict(lambda: defaultdict(int))
    transfers = Transfer.objects.for_workspace(workspace).filter(**{f"{subject}__isnull": False}).order_by()
    for side, sign in (("credit", 1), ("debit", -1)):
        rows = transfers.values_list(f"{subject}_id", f"{side}__kind").annotate(total=Sum("amount_minor"))
        for pk, kind, total in rows:
            found[pk][kind] += sign * total
    return found


def _rewards(workspace: Workspace) -> list[Difference]:
    stood = _standings(workspace, "reward")
    found = []
    for reward in Reward.objects.for_workspace(workspace).order_by("pk").iterator(chunk_size=2000):
        net = 0 if reward.status == Reward.Status.DENIED else reward.net_minor
        lapsed = reward.expired_minor
        expected = {
            str(Account.Kind.EXPENSE): -net,
            str(reward.standing_kind): net - lapsed,
            str(Account.Kind.EXPIRED): lapsed,
        }
        subject = f"reward {reward.public_id} ({reward.status})"
        found += _compare(subject, reward.unit, expected, stood.get(reward.pk, {}))
    return found


def _redemptions(workspace: Workspace) -> list[Difference]:
    """Compare what each redemption spent with its transfers, and with the credit that its item gave."""
    stood = _standings(workspace, "redemption")
    given = {
        row.redemption_id: row.amount_minor
        for row in Fulfilment.objects.for_workspace(workspace).filter(
            redemption__isnull=False, kind=CatalogueItem.Kind.CREDIT, status=Fulfilment.Status.DONE
        )
    }
    found = []
    for row in Redemption.objects.for_workspace(workspace).order_by("pk").iterator(chunk_size=2000):
        done = row.status == Redemption.Status.DONE
        spent = row.amount_minor if done else 0
        own = Account.Kind.POINTS if row.unit == POINTS else Account.Kind.CREDIT
        expected = {str(own): -spent, str(Account.Kind.REDEEMED): spent}
        if done and row.pk in given:
            expected |= {
                str(Account.Kind.EXPENSE): -given[row.pk],
                str(Account.Kind.CREDIT): given[row.pk],
            }
        subject = f"redemption {row.public_id} ({row.status})"
        found += _compare(subject, row.unit, expected, stood.get(row.pk, {}))
    return found


def _spent(workspace: Workspace) -> list[Difference]:
    """Compare what was spent of points and credit with the parts of the redemptions that stand."""
    parts = RedemptionPart.objects.for_workspace(workspace).order_by()
    standing = parts.filter(redemption__status=Redemption.Status.DONE)
    sums_of = dict(standing.values_list("reward_id").annotate(total=Sum("amount_minor")))
    rewards = (
        Reward.objects.for_workspace(workspace)
        .filter(kind__in=(Reward.Kind.POINTS, Reward.Kind.CREDIT))
        .filter(Q(redeemed_minor__gt=0) | Q(pk__in=list(sums_of)))
        .order_by("pk")
    )
    found = [
        Difference(f"spent of reward {row.public_id}", row.unit, sums_of.get(row.pk, 0), row.redeemed_minor)
        for row in rewards
        if sums_of.get(row.pk, 0) != row.redeemed_minor
    ]
    taken = parts.values("redemption__public_id", "redemption__unit", "redemption__amount_minor")
    return found + [
        Difference(
            f"parts of redemption {row['redemption__public_id']}",
            row["redemption__unit"],
            row["redemption__amount_minor"],
            row["total"],
        )
        for row in taken.annotate(total=Sum("amount_minor"))
        if row["total"] > row["redemption__amount_minor"]
    ]


def _payouts(workspace: Workspace) -> list[Difference]:
    stood = _standings(workspace, "payout")
    places = {Payout.Status.PENDING: Account.Kind.IN_TRANSIT, Payout.Status.PAID: Account.Kind.PAID_OUT}
    found = []
    for payout in Payout.objects.for_workspace(workspace).order_by("pk").iterator(chunk_size=2000):
        place = places.get(Payout.Status(payout.status))
        amount = payout.amount_minor
        expected = {str(Account.Kind.PAYABLE): -amount, str(place): amount} if place else {}
        subject = f"payout {payout.public_id} ({payout.status})"
        found += _compare(subject, payout.currency, expected, stood.get(payout.pk, {}))
    return found


def _compare(subject: str, unit: str, expected: dict[str, int], stood: dict[str, int]) -> list[Difference]:
    return [
        Difference(f"{subject} in {kind}", unit, expected.get(kind, 0), stood.get(kind, 0))
        for kind in sorted({*expected, *stood})
        if expected.get(kind, 0) != stood.get(kind, 0)
    ]


def _batches(workspace: Workspace) -> list[Difference]:
    batches = (
        PayoutBatch.objects.for_workspace(workspace)
        .annotate(added=Sum("payouts__amount_minor", default=0), counted=Count("payouts"))
        .order_by("pk")
    )
    found = []
    for batch in batches:
        if batch.total_minor != batch.added:
            found.append(
                Difference(f"batch {batch.public_id}", batch.currency, batch.added, batch.total_minor)
            )
        if batch.payout_count != batch.counted:
            found.append(Difference(f"batch {batch.public_id}", "payouts", batch.counted, batch.payout_count))
    return found
