"""Payout batches in the making: everyone who can be paid is judged, and their money set aside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum

from accounts.models import User, Workspace
from accounts.services import Actor, record_audit
from core import arrays
from core.errors import Conflict, Forbidden, Invalid
from core.money import is_currency
from core.transactions import all_or_nothing
from rewards.models import Account, Payout, PayoutBatch, Reward
from rewards.queries import PayableRow, money_settings, payable, payable_customers, payouts_of
from rewards.queries.candidates import late_transfers
from rewards.services.ledger import Movement, Place, lock_wallets, post

_AT_ONCE = 2000


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
    look at. Two at once give one batch, the other finds nothing. However many people there are, a few
    thousand of them are in memory. Raises Conflict (`nothing_payable`, `no_debtor`, or `totals_differ` when
    the ledger disagrees), Invalid naming `currency` or `method`, and Forbidden (`needs_person`) when nobody
    stands behind the call.
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
    people = payable_customers(workspace, currency, customers)
    lock_wallets(workspace=workspace, owners={(pk, currency) for pk in people})
    batch = PayoutBatch.objects.create(
        workspace=workspace,
        currency=currency,
        method=method,
        connection=connection,
        total_minor=0,
        payout_count=0,
        cutoff_at=cutoff_at or default_cutoff(workspace, at=at),
        created_by=maker,
        created_at=at,
    )
    # Read now that nobody else moves these people's money; who got some meanwhile waits for the next batch.
    for start in range(0, len(people), _AT_ONCE):
        chunk = people[start : start + _AT_ONCE]
        rows = payable(
            workspace,
            currency,
            method=method,
            cutoff_at=batch.cutoff_at,
            customer_ids=chunk,
            by_customer=True,
        )
        _set_aside(batch, [row for row in rows if not row.left_out], at)
    if not batch.payout_count:
        raise Conflict(f"Nobody can be paid in {currency} now.", code="nothing_payable")
    batch.save(update_fields=["total_minor", "fee_minor", "payout_count"])
    _check_sums(batch)
    record_audit(
        workspace=workspace,
        actor=actor,
        action="payout_batch.prepared",
        subject=batch.public_id,
        after={
            "total_minor": batch.total_minor,
            "currency": currency,
            "method": method,
            "payouts": batch.payout_count,
        },
    )
    return batch


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
