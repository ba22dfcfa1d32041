"""The way of a payout batch: approved by another person, exported or sent, cancelled, tried again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from accounts.services import Actor, record_audit
from core.errors import Conflict, Forbidden, Invalid
from core.events import emit
from core.money import display
from core.transactions import all_or_nothing
from rewards.models import Payout, PayoutBatch
from rewards.payability import PROVIDERS
from rewards.queries import bank_file, payouts_of
from rewards.services.preparation import prepare_batch
from rewards.services.results import lock_batch, return_money

_AT_ONCE = 2000


@all_or_nothing
def approve_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """Release a draft batch for payment; this takes another person than the one who made it.

    Where a provider sends the money, `payout.batch_approved` says that it may. Raises Forbidden
    (`needs_person`, `second_person`) and Conflict (`not_draft`).
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
    if row.method in PROVIDERS:
        emit("payout.batch_approved", at=at, batch=row.public_id, method=row.method)
    return row


@all_or_nothing
def cancel_batch(*, batch: PayoutBatch, reason: str, actor: Actor, at: datetime) -> PayoutBatch:
    """Undo a batch that is a draft or in the making: its money is payable again and its rewards are free.

    It counts as failed. Raises Invalid naming `reason` and Conflict (`not_draft`).
    """
    note = reason.strip()
    if not 1 <= len(note) <= 200:
        raise Invalid("Say in at most 200 characters why.", code="required", param="reason")
    row = lock_batch(batch)
    if row.status not in (PayoutBatch.Status.PREPARING, PayoutBatch.Status.DRAFT):
        raise Conflict(f"Only a draft can be cancelled; this batch is {row.status}.", code="not_draft")
    before = row.status
    return_money(batch=row, failure="The batch was cancelled.", at=at)
    row.status, row.note, row.completed_at = PayoutBatch.Status.FAILED, note, at
    row.failed_minor = row.total_minor
    row.save(update_fields=["status", "note", "completed_at", "failed_minor"])
    _audit(row, actor, "payout_batch.cancelled", before=before, reason=note)
    return row


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file to pay a batch from; `pieces` are written while they are read, in the same transaction."""

    name: str
    content_type: str
    pieces: Iterator[str]


@all_or_nothing
def export_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> BankFile:
    """Give out the file an approved batch is paid from; the first export makes it processing.

    Every export is on the audit log, and has the same payments but for those that failed since. Raises
    Conflict (`not_approved`) for a batch nobody has approved, (`no_file`) for one that a provider sends,
    (`nothing_left`) where every payout failed; reading the pieces raises Conflict for what no bank takes.
    """
    row = lock_batch(batch)
    if row.approved_by_id is None:
        raise Conflict("Another person has to approve this batch first.", code="not_approved")
    pieces = bank_file(row, at=at)
    before = row.status
    if before == PayoutBatch.Status.APPROVED:
        row.status = PayoutBatch.Status.PROCESSING
        row.save(update_fields=["status"])
    _audit(row, actor, "payout_batch.exported", before=before)
    if row.method == PayoutBatch.Method.PAIN001:
        return BankFile(f"{row.public_id}.xml", "application/xml; charset=utf-8", pieces)
    return BankFile(f"{row.public_id}.csv", "text/csv; charset=utf-8", pieces)


@all_or_nothing
def mark_sent(*, batch: PayoutBatch, payout_ids: Sequence[str], reference: str = "") -> int:
    """Note that a provider took payouts over, under its own `reference`; returns how many were pending.

    Their money stays in transit until results come. The batch is processing from the first one on. A payout
    that is sent already, or settled, stays as it is. Raises Conflict (`not_approved`).
    """
    row = lock_batch(batch)
    if row.approved_by_id is None:
        raise Conflict("Another person has to approve this batch first.", code="not_approved")
    sent = 0
    for start in range(0, len(payout_ids), _AT_ONCE):
        pending = Payout.objects.for_workspace(row.workspace_id).filter(
            batch=row,
            public_id__in=payout_ids[start : start + _AT_ONCE],
            status=Payout.Status.PENDING,
        )
        sent += pending.update(
            status=Payout.Status.SENT, attempts=F("attempts") + 1, provider_reference=reference[:255]
        )
    if sent and row.status == PayoutBatch.Status.APPROVED:
        row.status = PayoutBatch.Status.PROCESSING
    if sent and not row.provider_reference:
        row.provider_reference = reference[:255]
    row.save(update_fields=["status", "provider_reference"])
    return sent


@all_or_nothing
def retry_failed(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """Prepare a draft batch with exactly the people whose payouts in this one failed, by the same method.

    Each gets what is payable to them by this batch's cutoff; another person approves it. Somebody who was
    paid since, or may not be paid any more, is left out. Raises Conflict (`nothing_failed`,
    `nothing_payable`) and what `prepare_batch` raises.
    """
    row = lock_batch(batch)
    failed = payouts_of(row).filter(status=Payout.Status.FAILED).order_by()
    people = list(failed.values_list("customer_id", flat=True))
    if not people:
        raise Conflict("No payout of this batch has failed.", code="nothing_failed")
    again = prepare_batch(
        workspace=row.workspace,
        currency=row.currency,
        method=row.method,
        connection=row.connection,
        cutoff_at=row.cutoff_at,
        customers=people,
        actor=actor,
        at=at,
    )
    _audit(row, actor, "payout_batch.retried", before=row.status, reason=again.public_id)
    return again


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
