"""Money given or taken by hand: at once up to the workspace's limit, above it once a second person agrees.

Locks: the customer or the adjustment, the wallet, the accounts.
"""

from __future__ import annotations

from datetime import datetime

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, Forbidden, Invalid
from core.events import emit
from core.money import MAX_MINOR, POINTS, display, is_currency
from core.text import clean_line
from core.transactions import all_or_nothing
from programs.models import Customer
from rewards.models import Account, Adjustment
from rewards.queries.adjustments import adjustment_limit
from rewards.queries.ledger import balance
from rewards.services.ledger import Movement, Place, lock_wallets, post

Status = Adjustment.Status


@all_or_nothing
def make_adjustment(
    *,
    customer: Customer,
    place: str,
    unit: str,
    amount_minor: int,
    reason: str,
    actor: Actor,
    key: str,
    at: datetime,
) -> Adjustment:
    """Add money to a person's cash, store credit or points, or with a negative amount take it away.

    Above the workspace's limit it waits for a second person. Cash may go below zero, which later rewards make
    good; store credit and points may not. The same `key` again returns the same adjustment. Raises Invalid
    naming `place`, `unit`, `amount_minor`, `reason` or `key`, and Conflict (`below_zero`, `key_reused`).
    """
    wanted = Adjustment(
        workspace_id=customer.workspace_id,
        key=clean_line(key, param="key", longest=160, required=True),
        customer=customer,
        place=_place(place),
        unit=_unit(place, unit),
        amount_minor=_amount(amount_minor),
        reason=clean_line(reason, param="reason", longest=200, required=True),
        status=Status.WAITING,
        created_by=actor.user,
        created_by_label=actor.label[:120],
        created_at=at,
    )
    workspace = Workspace.objects.for_workspace(customer.workspace_id).get()
    # Two with the same key wait here for each other.
    Customer.objects.for_workspace(workspace).select_for_update(no_key=True).get(pk=customer.pk)
    Adjustment.objects.bulk_create([wanted], ignore_conflicts=True)
    row = _of_key(workspace, wanted.key)
    if row.public_id != wanted.public_id:
        _refuse_another(row, wanted)
        return row
    if abs(row.amount_minor) <= adjustment_limit(workspace):
        _apply(row, at)
        row.status = Status.APPLIED
        row.save(update_fields=["status"])
        _tell(row, actor, "adjustment.applied", at)
        return row
    lock_wallets(workspace=workspace, owners={(row.customer_id, row.unit)})
    _refuse_below_zero(row)
    _tell(row, actor, "adjustment.waiting", at)
    return row


@all_or_nothing
def approve_adjustment(*, adjustment: Adjustment, actor: Actor, at: datetime) -> Adjustment:
    """Apply an adjustment that waits; this takes another person than the one who made it.

    Raises Forbidden (`needs_person`, `second_person`) and Conflict (`not_waiting`, `below_zero`).
    """
    row = _decidable(adjustment, actor)
    _apply(row, at)
    row.status, row.decided_by, row.decided_at = Status.APPLIED, actor.user, at
    row.save(update_fields=["status", "decided_by", "decided_at"])
    _tell(row, actor, "adjustment.applied", at, before=Status.WAITING)
    return row


@all_or_nothing
def decline_adjustment(*, adjustment: Adjustment, reason: str, actor: Actor, at: datetime) -> Adjustment:
    """Refuse an adjustment that waits; this takes another person than the one who made it.

    Raises Invalid naming `reason`, Forbidden (`needs_person`, `second_person`) and Conflict (`not_waiting`).
    """
    note = clean_line(reason, param="reason", longest=200, required=True)
    row = _decidable(adjustment, actor)
    row.status, row.note, row.decided_by, row.decided_at = Status.DECLINED, note, actor.user, at
    row.save(update_fields=["status", "note", "decided_by", "decided_at"])
    _tell(row, actor, "adjustment.declined", at, before=Status.WAITING, reason=note)
    return row


def _place(place: str) -> str:
    if place not in Adjustment.Place.values:
        raise Invalid("This is cash, store credit or points.", code="not_a_choice", param="place")
    return place


def _unit(place: str, unit: str) -> str:
    if (place == Adjustment.Place.POINTS) != (unit == POINTS) or not (unit == POINTS or is_currency(unit)):
        raise Invalid("Points count in PTS, money in a currency.", code="not_a_choice", param="unit")
    return unit


def _amount(amount_minor: int) -> int:
    if not 0 < abs(amount_minor) <= MAX_MINOR:
        raise Invalid("Give an amount other than zero.", code="out_of_range", param="amount_minor")
    return amount_minor


def _of_key(workspace: Workspace, key: str) -> Adjustment:
    rows = Adjustment.objects.for_workspace(workspace).select_related("customer", "workspace")
    found: Adjustment = rows.get(key=key)
    return found


def _refuse_another(row: Adjustment, wanted: Adjustment) -> None:
    told = (wanted.customer_id, wanted.place, wanted.unit, wanted.amount_minor)
    if told != (row.customer_id, row.place, row.unit, row.amount_minor):
        raise Conflict("This key belongs to another adjustment.", code="key_reused", param="key")


def _decidable(adjustment: Adjustment, actor: Actor) -> Adjustment:
    if actor.kind != "user" or actor.user is None:
        raise Forbidden("Only a person can decide about an adjustment.", code="needs_person")
    rows = Adjustment.objects.for_workspace(adjustment.workspace_id)
    row = (
        rows.select_for_update(of=("self",), no_key=True)
        .select_related("customer", "workspace")
        .get(pk=adjustment.pk)
    )
    if row.status != Status.WAITING:
        raise Conflict(f"This adjustment is {row.status} already.", code="not_waiting")
    if row.created_by_id == actor.user.pk:
        raise Forbidden("You made this adjustment; another person decides.", code="second_person")
    return row


def _apply(row: Adjustment, at: datetime) -> None:
    """Move the money, once by the ledger's key."""
    lock_wallets(workspace=row.workspace, owners={(row.customer_id, row.unit)})
    _refuse_below_zero(row)
    own = Place(row.place, row.unit, row.customer_id)
    adjusted = Place(Account.Kind.ADJUSTED, row.unit)
    given = row.amount_minor > 0
    movement = Movement(
        key=f"adjustment:{row.public_id}",
        debit=adjusted if given else own,
        credit=own if given else adjusted,
        amount_minor=abs(row.amount_minor),
        memo=f"By hand: {row.reason}"[:200],
        adjustment=row,
    )
    post(workspace=row.workspace, movements=[movement], at=at)


def _refuse_below_zero(row: Adjustment) -> None:
    """Refuse to take more store credit or points than there are; what was spent cannot be taken back."""
    if row.amount_minor > 0 or row.place == Adjustment.Place.PAYABLE:
        return
    left = balance(row.customer, row.place, row.unit)
    if left + row.amount_minor < 0:
        raise Conflict(
            f"Only {display(left, row.unit)} are there to take.",
            code="below_zero",
            param="amount_minor",
            details={"balance_minor": left},
        )


def _tell(
    row: Adjustment, actor: Actor, what: str, at: datetime, *, before: str = "", reason: str = ""
) -> None:
    record_audit(
        workspace=row.workspace_id,
        actor=actor,
        action=what,
        subject=row.public_id,
        before={"status": before} if before else None,
        after={
            "status": row.status,
            "customer": row.customer.public_id,
            "place": row.place,
            "amount": display(row.amount_minor, row.unit),
        },
        reason=reason or row.reason,
    )
    if what != "adjustment.declined":
        emit(
            what,
            at=at,
            adjustment=row.public_id,
            customer=row.customer.public_id,
            place=row.place,
            unit=row.unit,
            amount_minor=row.amount_minor,
        )
