"""Payout batches: prepared by one person, approved by another, exported, or cancelled."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User, Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, Forbidden, Invalid
from core.money import display, is_currency
from core.transactions import all_or_nothing
from rewards.models import Account, Payout, PayoutBatch, Reward
from rewards.queries import batch_csv, payable, payouts_of
from rewards.services.ledger import Movement, Place, lock_wallets, post
from rewards.services.results import lock_batch, return_money


@all_or_nothing
def prepare_batch(*, workspace: Workspace, currency: str, actor: Actor, at: datetime) -> PayoutBatch:
    """Put everyone who can be paid in a currency into a draft batch and set their money aside.

    Each payout is the whole payable balance, so that what is owed from refunds is netted; the person's
    approved rewards are tied to it. Two at once give one batch, the other finds nothing. Raises Conflict
    (`nothing_payable`, or `totals_differ` when the ledger disagrees), Invalid naming `currency`, and
    Forbidden (`needs_person`) when nobody stands behind the call.
    """
    if not is_currency(currency):
        raise Invalid(f"{currency!r} is not an ISO 4217 currency code.", param="currency")
    maker = _person(actor)
    Workspace.objects.for_workspace(workspace).select_for_update(no_key=True).get()
    candidates = {row.customer.pk for row in payable(workspace, currency) if not row.left_out}
    lock_wallets(workspace=workspace, owners={(pk, currency) for pk in candidates})
    # Read again now that nobody else moves these people's money.
    rows = [row for row in payable(workspace, currency, customer_ids=candidates) if not row.left_out]
    if not rows:
        raise Conflict(f"Nobody can be paid in {currency} now.", code="nothing_payable")
    batch = PayoutBatch.objects.create(
        workspace=workspace,
        currency=currency,
        total_minor=sum(row.amount_minor for row in rows),
        payout_count=len(rows),
        created_by=maker,
        created_at=at,
    )
    payouts = Payout.objects.bulk_create(
        Payout(
            workspace=workspace,
            batch=batch,
            customer=row.customer,
            amount_minor=row.amount_minor,
            currency=currency,
            destination=row.destination,
            account=row.account,
        )
        for row in sorted(rows, key=lambda row: row.customer.pk)
    )
    _tie_rewards(payouts)
    moved = [
        Movement(
            key=f"payout:{payout.public_id}:prepare",
            debit=Place(Account.Kind.PAYABLE, currency, payout.customer_id),
            credit=Place(Account.Kind.IN_TRANSIT, currency, payout.customer_id),
            amount_minor=payout.amount_minor,
            memo=f"Prepared in {batch.public_id}",
            payout=payout,
        )
        for payout in payouts
    ]
    post(workspace=workspace, movements=moved, at=at)
    _check_emptied(batch, payouts)
    record_audit(
        workspace=workspace,
        actor=actor,
        action="payout_batch.prepared",
        subject=batch.public_id,
        after={"total_minor": batch.total_minor, "currency": currency, "payouts": batch.payout_count},
    )
    return batch


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise Forbidden("A person has to stand behind this.", code="needs_person")
    return actor.user


def _tie_rewards(payouts: list[Payout]) -> None:
    by_customer = {payout.customer_id: payout for payout in payouts}
    first = payouts[0]
    rewards = (
        Reward.objects.for_workspace(first.workspace_id)
        .select_for_update(no_key=True)
        .filter(
            kind=Reward.Kind.CASH,
            unit=first.currency,
            status=Reward.Status.APPROVED,
            payout__isnull=True,
            customer_id__in=list(by_customer),
        )
        .order_by("pk")
    )
    tied = list(rewards)
    for reward in tied:
        reward.payout = by_customer[reward.customer_id]
    Reward.objects.for_workspace(first.workspace_id).bulk_update(tied, ["payout"], batch_size=500)


def _check_emptied(batch: PayoutBatch, payouts: list[Payout]) -> None:
    left = (
        Account.objects.for_workspace(batch.workspace_id)
        .filter(
            kind=Account.Kind.PAYABLE,
            unit=batch.currency,
            customer_id__in=[payout.customer_id for payout in payouts],
        )
        .exclude(balance_minor=0)
        .count()
    )
    if left or batch.total_minor != sum(payout.amount_minor for payout in payouts):
        raise Conflict("The ledger's figures differ from the batch's.", code="totals_differ")


@all_or_nothing
def approve_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """Release a draft batch for payment; this takes another person than the one who made it.

    Raises Forbidden (`needs_person`, `second_person`) and Conflict (`not_draft`).
    """
    if actor.kind != "user" or actor.user is None:
        raise Forbidden("Only a person can approve a payout batch.", code="needs_person")
    row = lock_batch(batch)
    if row.status != PayoutBatch.Status.DRAFT:
        raise Conflict(f"Only a draft can be approved; this batch is {row.status}.", code="not_draft")
    if row.created_by_id == actor.user.pk:
        raise Forbidden(
            "You made this batch; another person has to approve it.",
            code="second_person",
            details={"created_by": actor.user.email},
        )
    row.status, row.approved_by, row.approved_at = PayoutBatch.Status.APPROVED, actor.user, at
    row.save(update_fields=["status", "approved_by", "approved_at"])
    _audit(row, actor, "payout_batch.approved", before=PayoutBatch.Status.DRAFT)
    return row


@all_or_nothing
def cancel_batch(*, batch: PayoutBatch, reason: str, actor: Actor, at: datetime) -> PayoutBatch:
    """Undo a draft batch: it counts as failed, its money is payable again and its rewards are free.

    Raises Invalid naming `reason` and Conflict (`not_draft`).
    """
    note = reason.strip()
    if not 1 <= len(note) <= 200:
        raise Invalid("Say in at most 200 characters why.", code="required", param="reason")
    row = lock_batch(batch)
    if row.status != PayoutBatch.Status.DRAFT:
        raise Conflict(f"Only a draft can be cancelled; this batch is {row.status}.", code="not_draft")
    return_money(
        workspace=row.workspace,
        failures=[(payout, "The batch was cancelled.") for payout in payouts_of(row)],
        at=at,
    )
    row.status, row.note, row.completed_at = PayoutBatch.Status.FAILED, note, at
    row.failed_minor = row.total_minor
    row.save(update_fields=["status", "note", "completed_at", "failed_minor"])
    _audit(row, actor, "payout_batch.cancelled", before=PayoutBatch.Status.DRAFT, reason=note)
    return row


@all_or_nothing
def export_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> str:
    """Return an approved batch's payouts as CSV; the first export makes it processing.

    Every export is on the audit log. Raises Conflict (`not_approved`) for a batch nobody has approved.
    """
    row = lock_batch(batch)
    if row.approved_by_id is None:
        raise Conflict("Another person has to approve this batch first.", code="not_approved")
    before = row.status
    if before == PayoutBatch.Status.APPROVED:
        row.status = PayoutBatch.Status.PROCESSING
        row.save(update_fields=["status"])
    _audit(row, actor, "payout_batch.exported", before=before)
    return batch_csv(row)


def _audit(batch: PayoutBatch, actor: Actor, action: str, *, before: str, reason: str = "") -> None:
    record_audit(
        workspace=batch.workspace,
        actor=actor,
        action=action,
        subject=batch.public_id,
        before={"status": before},
        after={"status": batch.status, "total": display(batch.total_minor, batch.currency)},
        reason=reason,
    )
