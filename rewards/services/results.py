"""What became of payouts: paid, or failed and payable again; by hand or by a file of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from accounts.models import Workspace
from accounts.services import SYSTEM, Actor, record_audit
from core.errors import Conflict, Invalid
from core.events import emit
from core.transactions import all_or_nothing
from rewards.models import Account, Payout, PayoutBatch, Reward
from rewards.queries import payouts_of
from rewards.services.ledger import Movement, Place, lock_wallets, post
from rewards.services.steps import Step, locked_rows, take_steps


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One line of a results file: what became of a payout. `line` counts from 1, the header included."""

    line: int
    payout_id: str
    status: str
    reference: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What a results line did. A refused line names the `column` at fault and says why."""

    line: int
    payout_id: str
    outcome: Literal["paid", "failed", "unchanged", "refused"]
    column: str = ""
    message: str = ""


def lock_batch(batch: PayoutBatch) -> PayoutBatch:
    """Make the caller the only one to change a batch and its payouts; returns it as it stands now."""
    return (
        PayoutBatch.objects.for_workspace(batch.workspace_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("workspace")
        .get(pk=batch.pk)
    )


@all_or_nothing
def import_results(
    *, batch: PayoutBatch, rows: Sequence[ResultRow], actor: Actor, at: datetime
) -> list[RowOutcome]:
    """Settle payouts by what the bank or provider reports; returns what each line did, in order.

    A refused line does not stop the others, and importing the same lines again changes nothing. A payout that
    was paid cannot fail any more and one that failed cannot be paid: its money is payable again and may be in
    another batch. With the last payout the batch is completed, or failed when none was paid. Raises Conflict
    (`not_approved`) for a batch nobody has approved.
    """
    locked = _open(batch)
    payouts = {payout.public_id: payout for payout in payouts_of(locked)}
    intended = {public_id: payout.status for public_id, payout in payouts.items()}
    outcomes = []
    paid: list[tuple[Payout, str]] = []
    failures: list[tuple[Payout, str]] = []
    for row in rows:
        outcome = _judge(row, intended)
        outcomes.append(outcome)
        if outcome.outcome == "paid":
            paid.append((payouts[row.payout_id], row.reference))
        elif outcome.outcome == "failed":
            failures.append((payouts[row.payout_id], row.failure or "No reason was given."))
        if outcome.outcome in ("paid", "failed"):
            intended[row.payout_id] = row.status
    _settle(locked, paid=paid, failures=failures, at=at)
    if paid or failures:
        record_audit(
            workspace=locked.workspace,
            actor=actor,
            action="payout_batch.results",
            subject=locked.public_id,
            after={"paid": len(paid), "failed": len(failures), "status": locked.status},
        )
    return outcomes


@all_or_nothing
def mark_payout_paid(*, payout: Payout, reference: str, actor: Actor, at: datetime) -> Payout:
    """Settle one payout as paid; repeating it changes nothing.

    Raises Conflict (`not_approved`, or `failed` when its money was released already).
    """
    return _mark(payout, ResultRow(1, payout.public_id, "paid", reference=reference), actor, at)


@all_or_nothing
def mark_payout_failed(*, payout: Payout, failure: str, actor: Actor, at: datetime) -> Payout:
    """Settle one payout as failed: its money is payable again. Repeating it changes nothing.

    Raises Conflict (`not_approved`, or `paid` when it was settled so before).
    """
    return _mark(payout, ResultRow(1, payout.public_id, "failed", failure=failure), actor, at)


def _mark(payout: Payout, row: ResultRow, actor: Actor, at: datetime) -> Payout:
    outcome = import_results(batch=payout.batch, rows=[row], actor=actor, at=at)[0]
    settled = Payout.objects.for_workspace(payout.workspace_id).get(pk=payout.pk)
    if outcome.outcome == "refused" and outcome.column == "status":
        raise Conflict(outcome.message, code=settled.status)
    if outcome.outcome == "refused":
        raise Invalid(outcome.message, param=outcome.column)
    return settled


def _open(batch: PayoutBatch) -> PayoutBatch:
    row = lock_batch(batch)
    if row.approved_by_id is None:
        raise Conflict("Another person has to approve this batch first.", code="not_approved")
    return row


def _judge(row: ResultRow, intended: dict[str, str]) -> RowOutcome:
    def refused(column: str, message: str) -> RowOutcome:
        return RowOutcome(row.line, row.payout_id, "refused", column, message)

    if row.payout_id not in intended:
        return refused("payout_id", "This batch has no such payout.")
    if row.status not in ("paid", "failed"):
        return refused("status", f"The status is paid or failed, not {row.status[:40]!r}.")
    for column, text in (("reference", row.reference), ("failure", row.failure)):
        if len(text) > 255 or "\x00" in text:
            return refused(column, "This is plain text of at most 255 characters.")
    before = intended[row.payout_id]
    if before == row.status:
        return RowOutcome(row.line, row.payout_id, "unchanged")
    if before != Payout.Status.PENDING:
        return refused("status", f"The payout is {before} already and cannot become {row.status}.")
    return RowOutcome(row.line, row.payout_id, "paid" if row.status == "paid" else "failed")


def _settle(
    batch: PayoutBatch,
    *,
    paid: Sequence[tuple[Payout, str]],
    failures: Sequence[tuple[Payout, str]],
    at: datetime,
) -> None:
    if not (paid or failures):
        return
    workspace = batch.workspace
    everyone = [payout for payout, _ in [*paid, *failures]]
    lock_wallets(workspace=workspace, owners={(each.customer_id, each.currency) for each in everyone})
    movements = _pay(workspace, paid, at) + _release(workspace, failures, at)
    Payout.objects.for_workspace(workspace).bulk_update(
        everyone, ["status", "provider_reference", "failure", "settled_at"], batch_size=500
    )
    for payout in everyone:
        kind = "payout.completed" if payout.status == Payout.Status.PAID else "payout.failed"
        emit(
            kind,
            at=at,
            payout=payout.public_id,
            batch=batch.public_id,
            customer=payout.customer.public_id,
        )
    post(workspace=workspace, movements=movements, at=at)
    statuses = set(payouts_of(batch).values_list("status", flat=True))
    if Payout.Status.PENDING not in statuses:
        done = Payout.Status.PAID in statuses
        batch.status = PayoutBatch.Status.COMPLETED if done else PayoutBatch.Status.FAILED
        batch.completed_at = at
    else:
        batch.status = PayoutBatch.Status.PROCESSING
    batch.paid_minor += sum(payout.amount_minor for payout, _ in paid)
    batch.failed_minor += sum(payout.amount_minor for payout, _ in failures)
    batch.save(update_fields=["status", "completed_at", "paid_minor", "failed_minor"])


def _pay(workspace: Workspace, paid: Sequence[tuple[Payout, str]], at: datetime) -> list[Movement]:
    movements = []
    for payout, reference in paid:
        payout.status, payout.settled_at = Payout.Status.PAID, at
        payout.provider_reference = reference
        movements.append(_move(payout, "paid", Account.Kind.IN_TRANSIT, Account.Kind.PAID_OUT, "Paid out"))
    rewards = _tied(workspace, [payout for payout, _ in paid])
    steps = [
        Step(reward, after=Reward.Status.PAID, amount_minor=reward.net_minor, reason=_of_payout(reward))
        for reward in rewards
    ]
    take_steps(workspace=workspace, steps=steps, actor=SYSTEM, at=at)
    return movements


def return_money(*, workspace: Workspace, failures: Sequence[tuple[Payout, str]], at: datetime) -> None:
    """Make payouts failed for the reasons given, their money payable again and their rewards free.

    For a batch that was never sent: nobody is told. The caller holds the batch.
    """
    everyone = [payout for payout, _ in failures]
    lock_wallets(workspace=workspace, owners={(each.customer_id, each.currency) for each in everyone})
    movements = _release(workspace, failures, at)
    Payout.objects.for_workspace(workspace).bulk_update(
        everyone, ["status", "failure", "settled_at"], batch_size=500
    )
    post(workspace=workspace, movements=movements, at=at)


def _release(workspace: Workspace, failures: Sequence[tuple[Payout, str]], at: datetime) -> list[Movement]:
    movements = []
    for payout, failure in failures:
        payout.status, payout.failure, payout.settled_at = Payout.Status.FAILED, failure, at
        movements.append(
            _move(payout, "failed", Account.Kind.IN_TRANSIT, Account.Kind.PAYABLE, "Payable again")
        )
    steps = []
    for reward in _tied(workspace, [payout for payout, _ in failures]):
        reason = _of_payout(reward)
        reward.payout = None
        # One that was taken back while its money was on the way has nothing left to be paid.
        after = Reward.Status.APPROVED if reward.net_minor else Reward.Status.REVERSED
        steps.append(Step(reward, after=after, reason=f"{reason} did not go out.", code=""))
    take_steps(workspace=workspace, steps=steps, actor=SYSTEM, at=at)
    return movements


def _move(payout: Payout, key: str, debit: str, credit: str, memo: str) -> Movement:
    return Movement(
        key=f"payout:{payout.public_id}:{key}",
        debit=Place(debit, payout.currency, payout.customer_id),
        credit=Place(credit, payout.currency, payout.customer_id),
        amount_minor=payout.amount_minor,
        memo=memo,
        payout=payout,
    )


def _tied(workspace: Workspace, payouts: Sequence[Payout]) -> list[Reward]:
    pks = Reward.objects.for_workspace(workspace).filter(payout__in=payouts).values_list("pk", flat=True)
    return locked_rows(workspace=workspace, pks=list(pks))


def _of_payout(reward: Reward) -> str:
    return f"Payout {reward.payout.public_id if reward.payout else ''}"
