"""Payout batches in the making: everyone who can be paid is judged, and their money set aside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet, Sum

from accounts.models import User, Workspace
from accounts.services import SYSTEM, Actor, record_audit
from core import arrays
from core.errors import Conflict, Forbidden, Invalid
from core.events import emit
from core.money import is_currency
from core.transactions import all_or_nothing
from rewards.models import Account, Payout, PayoutBatch, Reward
from rewards.queries import PayableRow, money_settings, payable, payable_customers, payouts_of
from rewards.queries.candidates import late_transfers
from rewards.services.ledger import Movement, Place, lock_wallets, post
from rewards.services.results import lock_batch

AT_ONCE: Final = 2000
"""So many people are judged in one transaction."""


@all_or_nothing
def prepare_batch(
    *,
    workspace: Workspace,
    currency: str,
    method: str = PayoutBatch.Method.CSV,
    connection: str = "",
    cutoff_at: datetime | None = None,
    actor: Actor,
    at: datetime,
    customers: Collection[int] | None = None,
) -> PayoutBatch:
    """Put everyone who can be paid in a currency by a method into a draft batch and set their money aside.

    Each payout is the payable balance, so that what is owed from refunds is netted, less what was approved
    at or after `cutoff_at`; the person's approved rewards that are in it are tied to it. Without a cutoff the
    workspace's `payout_cutoff_days` count back from `at`. `customers` are the keys of the only people to
    look at. Up to `AT_ONCE` people are judged at once; of more the batch stays `preparing`, and
    `payout.batch_preparing` has the worker go on with the next. Two at once give one batch, the other finds
    nothing. Raises Conflict (`nothing_payable`, `no_debtor`, `preparing` while there is one in that currency,
    or `totals_differ` when the ledger disagrees), Invalid naming `currency` or `method`, and Forbidden
    (`needs_person`) when nobody stands behind the call.
    """
    if not is_currency(currency):
        raise Invalid(f"{currency!r} is not an ISO 4217 currency code.", param="currency")
    if method not in PayoutBatch.Method.values:
        raise Invalid(f"{method[:20]!r} is not a payout method.", code="not_a_choice", param="method")
    maker = _person(actor)
    own = money_settings(workspace)
    if method == PayoutBatch.Method.PAIN001 and not (own.debtor_name and own.debtor_iban):
        raise Conflict("Say in the payout settings whose account pays.", code="no_debtor")
    Workspace.objects.for_workspace(workspace).select_for_update(no_key=True).get()
    _refuse_second(workspace, currency)
    only = None if customers is None else sorted(customers)
    batch = PayoutBatch.objects.create(
        workspace=workspace,
        currency=currency,
        method=method,
        connection=connection,
        status=PayoutBatch.Status.PREPARING,
        total_minor=0,
        payout_count=0,
        people_count=payable_customers(workspace, currency).count() if only is None else len(only),
        only=only,
        cutoff_at=cutoff_at or default_cutoff(workspace, at=at),
        created_by=maker,
        created_at=at,
    )
    _judge_next(batch, actor=actor, at=at)
    if batch.status == PayoutBatch.Status.FAILED:
        # Undone with the batch itself: nobody looks for one that pays nobody.
        raise Conflict(f"Nobody can be paid in {currency} now.", code="nothing_payable")
    if batch.status == PayoutBatch.Status.PREPARING:
        _audit(batch, actor, "payout_batch.begun", people=batch.people_count)
    return batch


@all_or_nothing
def go_on_preparing(*, batch: PayoutBatch, judged_until: int, at: datetime) -> PayoutBatch:
    """Judge the next `AT_ONCE` people of a batch in the making; the last ones make it a draft.

    Nobody who could be paid in the end makes it a failed one that says so. `judged_until` is how far the
    caller knows it to be: when somebody went on already, or it was cancelled, nothing happens.
    """
    row = lock_batch(batch)
    if row.status == PayoutBatch.Status.PREPARING and row.judged_until == judged_until:
        _judge_next(row, actor=SYSTEM, at=at)
    return row


def _refuse_second(workspace: Workspace, currency: str) -> None:
    """Refuse a batch while another is in the making: the two would share its people by chance."""
    rows = PayoutBatch.objects.for_workspace(workspace).filter(
        currency=currency, status=PayoutBatch.Status.PREPARING
    )
    if other := rows.first():
        raise Conflict(
            f"Another batch in {currency} is being prepared. Wait until it is a draft, or cancel it.",
            code="preparing",
            details={"batch": other.public_id, "judged": other.judged_count, "people": other.people_count},
        )


def _judge_next(batch: PayoutBatch, *, actor: Actor, at: datetime) -> None:
    """Set the next people's money aside, and make the batch a draft when there are no more."""
    if batch.only is None:
        waiting = payable_customers(batch.workspace, batch.currency)
        people = [pk for pk in waiting.filter(customer_id__gt=batch.judged_until)[:AT_ONCE] if pk]
        looked_at = people
    else:
        looked_at = [pk for pk in batch.only if pk > batch.judged_until][:AT_ONCE]
        people = list(payable_customers(batch.workspace, batch.currency, looked_at))
    lock_wallets(workspace=batch.workspace, owners={(pk, batch.currency) for pk in people})
    # Read now that nobody else moves these people's money; who got some meanwhile waits for the next batch.
    rows = payable(
        batch.workspace,
        batch.currency,
        method=batch.method,
        cutoff_at=batch.cutoff_at,
        customer_ids=people,
        by_customer=True,
    )
    _set_aside(batch, [row for row in rows if not row.left_out], at)
    batch.judged_count += len(looked_at)
    batch.judged_until = looked_at[-1] if looked_at else batch.judged_until
    if len(looked_at) < AT_ONCE:
        _finish(batch, actor=actor, at=at)
    else:
        emit("payout.batch_preparing", at=at, batch=batch.public_id, judged_until=batch.judged_until)
    batch.save(
        update_fields=[
            "status",
            "note",
            "completed_at",
            "total_minor",
            "fee_minor",
            "payout_count",
            "people_count",
            "judged_count",
            "judged_until",
        ]
    )


def _finish(batch: PayoutBatch, *, actor: Actor, at: datetime) -> None:
    """Make a batch whose people are all judged a draft, or a failed one when nobody can be paid."""
    # Others were paid or promised something while it was being prepared.
    batch.people_count = batch.judged_count
    if not batch.payout_count:
        batch.status, batch.completed_at = PayoutBatch.Status.FAILED, at
        batch.note = f"Nobody could be paid in {batch.currency}."
        return
    _check_sums(batch)
    batch.status = PayoutBatch.Status.DRAFT
    emit(
        "payout.batch_prepared",
        at=at,
        batch=batch.public_id,
        method=batch.method,
        currency=batch.currency,
        total_minor=batch.total_minor,
        payouts=batch.payout_count,
    )
    _audit(batch, actor, "payout_batch.prepared", total_minor=batch.total_minor, payouts=batch.payout_count)


def _audit(batch: PayoutBatch, actor: Actor, action: str, **more: int) -> None:
    record_audit(
        workspace=batch.workspace,
        actor=actor,
        action=action,
        subject=batch.public_id,
        after={"currency": batch.currency, "method": batch.method, **more},
    )


def default_cutoff(workspace: Workspace, *, at: datetime) -> datetime | None:
    """Return until when rewards had to be approved to be in a batch made now; None for until now."""
    days = money_settings(workspace).payout_cutoff_days
    return at - timedelta(days=days) if days else None


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise Forbidden("A person has to stand behind this.", code="needs_person")
    return actor.user


def _set_aside(batch: PayoutBatch, rows: Sequence[PayableRow], at: datetime) -> None:
    """Make these people's payouts and move their money into transit; adds them to the batch's totals."""
    if not rows:
        return
    payouts = [
        Payout(
            workspace=batch.workspace,
            batch=batch,
            customer_id=row.customer_id,
            amount_minor=row.amount_minor,
            currency=batch.currency,
            fee_minor=row.fee_minor,
            destination=row.destination,
            account_id=row.account_id,
        )
        for row in rows
    ]
    arrays.insert(payouts)
    _tie_rewards(batch, payouts)
    moved = [
        Movement(
            key=f"payout:{payout.public_id}:prepare",
            debit=Place(Account.Kind.PAYABLE, batch.currency, payout.customer_id),
            credit=Place(Account.Kind.IN_TRANSIT, batch.currency, payout.customer_id),
            amount_minor=payout.amount_minor,
            memo=f"Prepared in {batch.public_id}",
            payout=payout,
        )
        for payout in payouts
    ]
    post(workspace=batch.workspace, movements=moved, at=at)
    _check_left(batch, rows)
    batch.payout_count += len(rows)
    batch.total_minor += sum(row.amount_minor for row in rows)
    batch.fee_minor += sum(row.fee_minor for row in rows)


def _tie_rewards(batch: PayoutBatch, payouts: Sequence[Payout]) -> None:
    """Tie the rewards whose money is in these payouts to them: approved, and before the cutoff."""
    by_person = {payout.customer_id: payout.pk for payout in payouts}
    free = Reward.objects.for_workspace(batch.workspace_id).filter(
        kind=Reward.Kind.CASH,
        unit=batch.currency,
        status=Reward.Status.APPROVED,
        payout__isnull=True,
        customer_id__in=list(by_person),
    )
    if batch.cutoff_at is not None:
        accounts = _payable_accounts(batch, by_person).values_list("pk", flat=True)
        late = late_transfers(batch.workspace, accounts, batch.cutoff_at).filter(reward__isnull=False)
        free = free.exclude(pk__in=late.values("reward_id"))
    # Locked in one order, as everywhere, before the one statement that changes them all.
    locked = free.select_for_update(no_key=True).order_by("pk").values_list("pk", "customer_id")
    arrays.update(
        Reward,
        workspace_id=batch.workspace_id,
        column="payout_id",
        values={pk: by_person[customer_id] for pk, customer_id in locked},
    )


def _payable_accounts(batch: PayoutBatch, people: Collection[int]) -> QuerySet[Account]:
    return Account.objects.for_workspace(batch.workspace_id).filter(
        kind=Account.Kind.PAYABLE, unit=batch.currency, customer_id__in=people
    )


def _check_left(batch: PayoutBatch, rows: Sequence[PayableRow]) -> None:
    """Refuse to go on unless the accounts have left exactly what was not to be paid yet."""
    accounts = _payable_accounts(batch, [row.customer_id for row in rows])
    left = accounts.aggregate(total=Sum("balance_minor", default=0))["total"]
    if left != sum(row.balance_minor - row.amount_minor for row in rows):
        raise _differ()


def _check_sums(batch: PayoutBatch) -> None:
    stored = payouts_of(batch).order_by().aggregate(total=Sum("amount_minor", default=0))["total"]
    if stored != batch.total_minor:
        raise _differ()


def _differ() -> Conflict:
    return Conflict("The ledger's figures differ from the batch's.", code="totals_differ")
