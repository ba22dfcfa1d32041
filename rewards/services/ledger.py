"""The ledger's only way in: transfers between two accounts, each once by its key, balances kept beside them.

Locks are taken in one order everywhere, so that no two writers wait for each other: what the work is about
(workspace, customer, conversion or batch), then wallets, then rewards, then what is used of caps, then the
accounts of the transfers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import Workspace
from core import arrays
from core.errors import Conflict
from rewards.models import Account, Adjustment, Payout, Redemption, Reward, Transfer

_CHUNK = 2000


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Names an account: what it is for, its unit, and for a person's accounts the customer's key."""

    kind: str
    unit: str
    customer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer to be made: `amount_minor` (positive, in the places' unit) from debit to credit.

    `at` dates it otherwise than the posting it is part of.
    """

    key: str
    debit: Place
    credit: Place
    amount_minor: int
    memo: str
    reward: Reward | None = None
    payout: Payout | None = None
    redemption: Redemption | None = None
    adjustment: Adjustment | None = None
    at: datetime | None = None


def expense(unit: str) -> Place:
    """Name the account that rewards are charged to."""
    return Place(Account.Kind.EXPENSE, unit)


def wallet(customer_id: int, unit: str) -> Place:
    """Name a person's account for what is promised and on hold; every reward passes through it."""
    return Place(Account.Kind.PENDING, unit, customer_id)


def destination(reward: Reward) -> Place:
    """Name the account an approved reward's value goes to."""
    return Place(reward.destination_kind, reward.unit, reward.customer_id)


def standing(reward: Reward) -> Place:
    """Name the account a reward's value stands in, and is taken back from."""
    return Place(reward.standing_kind, reward.unit, reward.customer_id)


def lock_wallets(*, workspace: Workspace, owners: Iterable[tuple[int, str]]) -> None:
    """Make the caller the only one to move these people's money; `owners` are (customer key, unit).

    A person's pending account in a unit stands for the person. Wallets that do not exist yet are made.
    """
    places = {wallet(customer_id, unit) for customer_id, unit in owners}
    if places:
        _lock(workspace, _open(workspace, places).values())


@transaction.atomic(savepoint=False)
def post(*, workspace: Workspace, movements: Sequence[Movement], at: datetime) -> int:
    """Write transfers and move the balances; returns how many were new.

    A movement whose key is in the ledger already changes nothing. Raises Conflict (`transfer_differs`) when
    that transfer has another amount or other accounts.
    """
    if not movements:
        return 0
    accounts = _open(workspace, {place for each in movements for place in (each.debit, each.credit)})
    made = list({each.key: each for each in movements}.values())
    ends = {each.key: (accounts[each.debit], accounts[each.credit]) for each in made}
    stored = arrays.insert_columns(
        Transfer,
        {
            "workspace_id": [workspace.pk] * len(made),
            "key": [each.key for each in made],
            "debit_id": [ends[each.key][0] for each in made],
            "credit_id": [ends[each.key][1] for each in made],
            "unit": [each.debit.unit for each in made],
            "amount_minor": [each.amount_minor for each in made],
            "reward_id": [each.reward and each.reward.pk for each in made],
            "payout_id": [each.payout and each.payout.pk for each in made],
            "redemption_id": [each.redemption and each.redemption.pk for each in made],
            "adjustment_id": [each.adjustment and each.adjustment.pk for each in made],
            "memo": [each.memo for each in made],
            "at": [each.at or at for each in made],
        },
        ignore_conflicts=True,
    )
    changes: defaultdict[int, int] = defaultdict(int)
    known = {}
    for each, key in zip(made, stored, strict=True):
        debit, credit = ends[each.key]
        if key is None:
            known[each.key] = (debit, credit, each.amount_minor)
        else:
            changes[debit] -= each.amount_minor
            changes[credit] += each.amount_minor
    _check_known(workspace, known)
    _apply(workspace, {pk: change for pk, change in changes.items() if change})
    return len(made) - len(known)


def _check_known(workspace: Workspace, wanted: Mapping[str, tuple[int, int, int]]) -> None:
    """Refuse a movement whose key the ledger has for another one; `wanted` are (debit, credit, amount)."""
    every = list(wanted)
    for start in range(0, len(every), _CHUNK):
        keys = every[start : start + _CHUNK]
        for stored in Transfer.objects.for_workspace(workspace).filter(key__in=keys):
            if (stored.debit_id, stored.credit_id, stored.amount_minor) != wanted[stored.key]:
                raise Conflict(
                    "The ledger has a different transfer under this key.",
                    code="transfer_differs",
                    details={"key": stored.key, "transfer": stored.public_id},
                )


def _open(workspace: Workspace, places: set[Place]) -> dict[Place, int]:
    """Return the keys of these places' accounts, making those that are missing."""
    found = _accounts(workspace, places)
    missing = sorted(places - set(found), key=lambda place: (place.kind, place.unit, place.customer_id or 0))
    if missing:
        # Sorted, because two writers that insert the same keys in opposite order wait for each other.
        keys = arrays.insert_columns(
            Account,
            {
                "workspace_id": [workspace.pk] * len(missing),
                "kind": [place.kind for place in missing],
                "unit": [place.unit for place in missing],
                "customer_id": [place.customer_id for place in missing],
            },
            ignore_conflicts=True,
        )
        found |= {place: key for place, key in zip(missing, keys, strict=True) if key is not None}
        if None in keys:
            found = _accounts(workspace, places)
    return found


def _accounts(workspace: Workspace, places: set[Place]) -> dict[Place, int]:
    accounts = Account.objects.for_workspace(workspace).filter(
        kind__in={place.kind for place in places}, unit__in={place.unit for place in places}
    )
    people = sorted({place.customer_id for place in places if place.customer_id is not None})
    nobodys = Q(customer__isnull=True) if any(place.customer_id is None for place in places) else Q()
    found: dict[Place, int] = {}
    for start in range(0, max(len(people), 1), _CHUNK):
        rows = accounts.filter(nobodys | Q(customer_id__in=people[start : start + _CHUNK]))
        for kind, unit, customer_id, pk in rows.values_list("kind", "unit", "customer_id", "pk"):
            place = Place(kind, unit, customer_id)
            if place in places:
                found[place] = pk
    return found


def _lock(workspace: Workspace, pks: Iterable[int]) -> None:
    """Lock accounts in the order of their keys, one group after the other."""
    ordered = sorted(pks)
    for start in range(0, len(ordered), _CHUNK):
        # NO KEY UPDATE: keys behind other people's foreign-key checks stay readable while balances change.
        locked = (
            Account.objects.for_workspace(workspace)
            .select_for_update(no_key=True)
            .filter(pk__in=ordered[start : start + _CHUNK])
            .order_by("pk")
        )
        list(locked.values_list("pk", flat=True))


def _apply(workspace: Workspace, changes: dict[int, int]) -> None:
    _lock(workspace, changes)
    arrays.update(Account, workspace_id=workspace.pk, column="balance_minor", values=changes, add=True)
