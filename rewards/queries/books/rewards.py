"""Checks of rewards: each one's value stands where its status says, and what was spent of it agrees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import F, Q, QuerySet, Sum, When
from django.db.models.expressions import Combinable

from accounts.models import Workspace
from rewards.models import Account, Redemption, Reward
from rewards.queries.books.shapes import (
    CHUNK,
    NOTHING,
    Difference,
    compared,
    depending,
    left_of,
    nets,
    not_as,
)

_KINDS: Final = tuple(str(kind) for kind in Account.Kind.values)
_SPENT: Final = (Reward.Kind.CREDIT, Reward.Kind.POINTS)
_ON_HOLD: Final = (Reward.Status.PENDING, Reward.Status.HELD)


def all_rewards(workspace: Workspace) -> QuerySet[Reward]:
    """Return every reward, in no order; steps and milestones are rewards of their own."""
    return Reward.objects.for_workspace(workspace).order_by()


def misplaced_rewards(workspace: Workspace) -> Iterator[Difference]:
    """Find rewards whose transfers do not leave their value where their status says.

    What refunds left of the amount was taken from the expense; it stands in the account of the status, less
    what lapsed unused. What was spent is checked with its redemption.
    """
    of_its_own = Q(transfers__redemption__isnull=True)
    found = all_rewards(workspace).annotate(**nets(*_KINDS, only=of_its_own)).filter(not_as(_expected()))
    # Keys first: a grouped join of narrow rows sorts in less memory than one of whole rewards.
    columns = ("public_id", "status", "kind", "unit", "amount_minor", "reversed_minor", "expired_minor")
    rows = found.order_by("pk").values(*columns, *(f"in_{kind}" for kind in _KINDS))
    for row in rows.iterator(chunk_size=CHUNK):
        reward = Reward(**{column: row[column] for column in columns})
        left = 0 if reward.status == Reward.Status.DENIED else reward.net_minor
        expected = {
            str(Account.Kind.EXPENSE): -left,
            str(Account.Kind.EXPIRED): reward.expired_minor,
            str(reward.standing_kind): left - reward.expired_minor,
        }
        stood = {kind: row[f"in_{kind}"] for kind in _KINDS}
        subject = f"reward {reward.public_id} ({reward.status})"
        names = {"kind": "reward", "public_id": reward.public_id}
        yield from compared(subject, reward.unit, expected, stood, **names)


def _expected() -> dict[str, Combinable]:
    """Return what should stand in each kind of account, as expressions over the reward."""
    denied = When(status=Reward.Status.DENIED, then=NOTHING)
    left = left_of()
    expected: dict[str, Combinable] = {
        f"in_{kind}": depending(
            denied,
            When(status__in=_ON_HOLD, then=NOTHING),
            When(
                kind__in=[each for each in Reward.Kind.values if Reward(kind=each).destination_kind == kind],
                then=left - F("expired_minor"),
            ),
        )
        for kind in _KINDS
    }
    expected[f"in_{Account.Kind.EXPENSE.value}"] = depending(denied, default=NOTHING - left)
    expected[f"in_{Account.Kind.EXPIRED.value}"] = F("expired_minor")
    expected[f"in_{Account.Kind.PENDING.value}"] = depending(
        When(status__in=_ON_HOLD, then=left - F("expired_minor"))
    )
    return expected


def spendable_rewards(workspace: Workspace) -> QuerySet[Reward]:
    """Return the rewards in points and store credit, in no order."""
    return all_rewards(workspace).filter(kind__in=_SPENT)


def wrongly_spent_rewards(workspace: Workspace) -> Iterator[Difference]:
    """Find rewards of which more or less counts as spent than the redemptions that stand took of them."""
    stands = Q(redemption_parts__redemption__status=Redemption.Status.DONE)
    wrong = (
        spendable_rewards(workspace)
        .annotate(taken=Sum("redemption_parts__amount_minor", filter=stands, default=0))
        .exclude(redeemed_minor=F("taken"))
        .order_by("pk")
    )
    rows = wrong.values_list("public_id", "unit", "taken", "redeemed_minor")
    for public_id, unit, taken, redeemed in rows.iterator(chunk_size=CHUNK):
        subject = f"spent of reward {public_id}"
        yield Difference(subject, unit, taken, redeemed, kind="reward", public_id=public_id)
