"""What became of payouts: paid, or failed and payable again; by hand, by a file, or by a provider's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from accounts.models import Workspace
from accounts.services import SYSTEM, Actor, record_audit
from core.errors import Conflict, Invalid
from core.events import emit, together
from core.transactions import all_or_nothing
from rewards.models import Account, Payout, PayoutBatch, Reward, RewardChange
from rewards.queries import payouts_of
from rewards.queries.agreement import batch_sums
from rewards.queries.payouts import OPEN
from rewards.services.ledger import Movement, Place, lock_wallets, post
from rewards.services.steps import locked_rows

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One line of results: what became of a payout. `line` counts from 1, a file's header included.

    `status` is paid, failed, or sent for what the bank or provider accepted and has not settled.
    `fee_minor` is what was charged to us for it, None where that is not said.
    """

    line: int
    payout_id: str
    status: str
    reference: str = ""
    failure: str = ""
    fee_minor: int | None = None


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What a results line did. A refused line names the `column` at fault and says why."""

    line: int
    payout_id: str
    outcome: Literal["paid", "failed", "sent", "unchanged", "refused"]
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
    another batch. With the last payout the batch is completed, or failed when none was paid; while the sums
    differ it stays processing and says what differs. Raises Conflict (`not_approved`) for a batch nobody has
    approved.
    """
    locked = _open(batch)
    _lock_people(locked, rows)
    outcomes: list[RowOutcome] = []
    for start in range(0, len(rows), _AT_ONCE):
        outcomes += _take_in(locked, rows[start : start + _AT_ONCE], at)
    counts = {name: sum(each.outcome == name for each in outcomes) for name in ("paid", "failed", "sent")}
    close_if_settled(locked, at=at)
    if any(counts.values()):
        record_audit(
            workspace=locked.workspace,
            actor=actor,
            action="payout_batch.results",
            subject=locked.public_id,
            after={**counts, "status": locked.status},
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


@all_or_nothing
def record_provider_total(
    *, batch: PayoutBatch, paid_minor: int, at: datetime, actor: Actor = SYSTEM
) -> PayoutBatch:
    """Keep how much a provider says it paid of a batch in all, and complete the batch where all sides agree.

    Repeating it changes nothing; another figure replaces the one before, unless the batch is completed with
    it. Raises Conflict (`not_approved`, `completed`) and Invalid naming `paid_minor`.
    """
    if paid_minor < 0:
        raise Invalid("A sum that was paid is not negative.", param="paid_minor")
    row = _open(batch)
    if row.status == PayoutBatch.Status.COMPLETED and paid_minor != row.paid_minor:
        raise Conflict("The batch was completed with another sum.", code="completed")
    if row.provider_paid_minor != paid_minor:
        before, row.provider_paid_minor = row.provider_paid_minor, paid_minor
        row.save(update_fields=["provider_paid_minor"])
        record_audit(
            workspace=row.workspace,
            actor=actor,
            action="payout_batch.provider_total",
            subject=row.public_id,
            before={"provider_paid_minor": before},
            after={"provider_paid_minor": paid_minor},
        )
    close_if_settled(row, at=at)
    return row


def close_if_settled(batch: PayoutBatch, *, at: datetime) -> None:
    """Complete a batch of which every payout is settled, or fail it when none was paid.

    While batch, payouts, ledger and provider differ it stays processing, with what differs in `discrepancy`.
    The caller holds the batch.
    """
    if batch.status not in (PayoutBatch.Status.APPROVED, PayoutBatch.Status.PROCESSING):
        return
    sums = batch_sums(batch)
    if sums.open_count:
        return
    batch.discrepancy = sums.discrepancy[:200]
    if batch.discrepancy:
        batch.status = PayoutBatch.Status.PROCESSING
    else:
        done = sums.paid_minor > 0
        batch.status = PayoutBatch.Status.COMPLETED if done else PayoutBatch.Status.FAILED
        batch.completed_at = at
    batch.save(update_fields=["status", "completed_at", "discrepancy"])


def return_money(*, batch: PayoutBatch, failure: str, at: datetime) -> None:
    """Make all payouts of a batch failed, their money payable again and their rewards free.

    For a batch that was never sent: nobody is told. The caller holds the batch.
    """
    pks = list(payouts_of(batch).values_list("pk", flat=True))
    people = payouts_of(batch).order_by().values_list("customer_id", flat=True)
    lock_wallets(workspace=batch.workspace, owners={(pk, batch.currency) for pk in people})
    for start in range(0, len(pks), _AT_ONCE):
        chunk = list(payouts_of(batch).filter(pk__in=pks[start : start + _AT_ONCE]))
        for payout in chunk:
            payout.status, payout.failure, payout.settled_at = Payout.Status.FAILED, failure, at
            payout.fee_minor = 0
        _write(batch, chunk, at)


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


def _lock_people(batch: PayoutBatch, rows: Sequence[ResultRow]) -> None:
    """Hold the wallets of everyone the lines are about, before any reward or account is locked."""
    owners: set[tuple[int, str]] = set()
    for start in range(0, len(rows), _AT_ONCE):
        ids = {row.payout_id for row in rows[start : start + _AT_ONCE]}
        found = payouts_of(batch).filter(public_id__in=ids, status__in=OPEN).order_by()
        owners |= {(pk, batch.currency) for pk in found.values_list("customer_id", flat=True)}
    lock_wallets(workspace=batch.workspace, owners=owners)


def _take_in(batch: PayoutBatch, rows: Sequence[ResultRow], at: datetime) -> list[RowOutcome]:
    ids = {row.payout_id for row in rows}
    payouts = {payout.public_id: payout for payout in payouts_of(batch).filter(public_id__in=ids)}
    outcomes = []
    changed: dict[str, Payout] = {}
    for row in rows:
        payout = payouts.get(row.payout_id)
        outcome = _judge(row, payout)
        outcomes.append(outcome)
        if payout is not None and outcome.outcome in ("paid", "failed", "sent"):
            _note(payout, row, at)
            changed[payout.public_id] = payout
    if changed:
        _write(batch, list(changed.values()), at)
        _tell(batch, list(changed.values()), at)
    return outcomes


def _judge(row: ResultRow, payout: Payout | None) -> RowOutcome:
    def refused(column: str, message: str) -> RowOutcome:
        return RowOutcome(row.line, row.payout_id, "refused", column, message)

    if payout is None:
        return refused("payout_id", "This batch has no such payout.")
    if row.status not in ("paid", "failed", "sent"):
        return refused("status", f"The status is paid, failed or sent, not {row.status[:40]!r}.")
    for column, text in (("reference", row.reference), ("failure", row.failure)):
        if len(text) > 255 or "\x00" in text:
            return refused(column, "This is plain text of at most 255 characters.")
    if row.fee_minor is not None and not 0 <= row.fee_minor <= payout.amount_minor:
        return refused("fee", "The fee is between nothing and the amount that was paid.")
    before = payout.status
    if before == row.status or (row.status == "sent" and before != Payout.Status.PENDING):
        return RowOutcome(row.line, row.payout_id, "unchanged")
    if before not in OPEN:
        return refused("status", f"The payout is {before} already and cannot become {row.status}.")
    outcomes: dict[str, Literal["paid", "failed", "sent"]] = {"paid": "paid", "failed": "failed"}
    return RowOutcome(row.line, row.payout_id, outcomes.get(row.status, "sent"))


def _note(payout: Payout, row: ResultRow, at: datetime) -> None:
    payout.provider_reference = row.reference or payout.provider_reference
    if row.status == "sent":
        payout.status = Payout.Status.SENT
        return
    payout.settled_at = at
    if row.status == "paid":
        payout.status = Payout.Status.PAID
        payout.fee_minor = payout.fee_minor if row.fee_minor is None else row.fee_minor
    else:
        payout.status, payout.failure = Payout.Status.FAILED, row.failure or "No reason was given."
        # What was expected is charged for a payment; what was charged all the same has been said.
        payout.fee_minor = row.fee_minor or 0


def _write(batch: PayoutBatch, payouts: Sequence[Payout], at: datetime) -> None:
    """Store payouts as they were noted, move their money, and take their rewards along.

    The caller holds the batch and the people's wallets.
    """
    paid = [payout for payout in payouts if payout.status == Payout.Status.PAID]
    failed = [payout for payout in payouts if payout.status == Payout.Status.FAILED]
    _pay_rewards(batch.workspace, paid, at)
    _free_rewards(batch.workspace, failed, at)
    Payout.objects.for_workspace(batch.workspace).bulk_update(
        payouts,
        ["status", "provider_reference", "failure", "fee_minor", "settled_at"],
        batch_size=500,
    )
    movements = [
        _move(each, "paid", Account.Kind.IN_TRANSIT, Account.Kind.PAID_OUT, "Paid out") for each in paid
    ]
    movements += [
        _move(each, "failed", Account.Kind.IN_TRANSIT, Account.Kind.PAYABLE, "Payable again")
        for each in failed
    ]
    movements += [_fee(each) for each in [*paid, *failed] if each.fee_minor]
    post(workspace=batch.workspace, movements=movements, at=at)
    batch.paid_minor += sum(each.amount_minor for each in paid)
    batch.failed_minor += sum(each.amount_minor for each in failed)
    if batch.status == PayoutBatch.Status.APPROVED:
        batch.status = PayoutBatch.Status.PROCESSING
    batch.save(update_fields=["status", "paid_minor", "failed_minor"])


def _tell(batch: PayoutBatch, payouts: Sequence[Payout], at: datetime) -> None:
    kinds = {Payout.Status.PAID: "payout.completed", Payout.Status.FAILED: "payout.failed"}
    with together():
        for payout in payouts:
            kind = kinds.get(Payout.Status(payout.status))
            if kind is not None:
                emit(
                    kind,
                    at=at,
                    payout=payout.public_id,
                    batch=batch.public_id,
                    customer=payout.customer.public_id,
                )


def _pay_rewards(workspace: Workspace, payouts: Sequence[Payout], at: datetime) -> None:
    rewards = _tied(workspace, payouts)
    changes = []
    for reward in rewards:
        changes.append(_change(reward, Reward.Status.PAID, reward.net_minor, _of_payout(reward), at))
    pks = [reward.pk for reward in rewards]
    Reward.objects.for_workspace(workspace).filter(pk__in=pks).update(status=Reward.Status.PAID)
    RewardChange.objects.bulk_create(changes, batch_size=500)


def _free_rewards(workspace: Workspace, payouts: Sequence[Payout], at: datetime) -> None:
    changes = []
    by_status: dict[str, list[int]] = {Reward.Status.APPROVED: [], Reward.Status.REVERSED: []}
    for reward in _tied(workspace, payouts):
        # One that was taken back while its money was on the way has nothing left to be paid.
        after = Reward.Status.APPROVED if reward.net_minor else Reward.Status.REVERSED
        by_status[after].append(reward.pk)
        changes.append(_change(reward, after, 0, f"{_of_payout(reward)} did not go out.", at))
    for status, pks in by_status.items():
        rows = Reward.objects.for_workspace(workspace).filter(pk__in=pks)
        rows.update(status=status, reason="", payout_id=None)
    RewardChange.objects.bulk_create(changes, batch_size=500)


def _change(reward: Reward, after: str, amount_minor: int, reason: str, at: datetime) -> RewardChange:
    return RewardChange(
        workspace_id=reward.workspace_id,
        reward=reward,
        before=reward.status,
        after=after,
        actor=SYSTEM.label,
        reason=reason,
        amount_minor=amount_minor,
        at=at,
    )


def _move(payout: Payout, key: str, debit: str, credit: str, memo: str) -> Movement:
    return Movement(
        key=f"payout:{payout.public_id}:{key}",
        debit=Place(debit, payout.currency, payout.customer_id),
        credit=Place(credit, payout.currency, payout.customer_id),
        amount_minor=payout.amount_minor,
        memo=memo,
        payout=payout,
    )


def _fee(payout: Payout) -> Movement:
    """Charge what the method took from us; it is the workspace's cost, and nobody's money in transit."""
    return Movement(
        key=f"payout:{payout.public_id}:fee",
        debit=Place(Account.Kind.FEES, payout.currency),
        credit=Place(Account.Kind.PAID_OUT, payout.currency),
        amount_minor=payout.fee_minor,
        memo="Fee of the payout",
        payout=payout,
    )


def _tied(workspace: Workspace, payouts: Sequence[Payout]) -> list[Reward]:
    by_pk = {payout.pk: payout for payout in payouts}
    pks = (
        Reward.objects.for_workspace(workspace).filter(payout_id__in=list(by_pk)).values_list("pk", flat=True)
    )
    rewards = locked_rows(workspace=workspace, pks=list(pks)) if by_pk else []
    for reward in rewards:
        reward.payout = by_pk[reward.payout_id or 0]
    return rewards


def _of_payout(reward: Reward) -> str:
    return f"Payout {reward.payout.public_id if reward.payout else ''}"
