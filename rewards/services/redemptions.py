"""Spending points on the catalogue and store credit on orders; never below zero, and given back if cancelled.

Locks: the customer, the catalogue item, the wallet, the rewards, the accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from accounts.models import Workspace
from accounts.services import SYSTEM, Actor, record_audit
from core.errors import Conflict, Invalid
from core.events import emit
from core.money import MAX_MINOR, POINTS, display, is_currency
from core.transactions import all_or_nothing
from programs.models import Customer, Participant, ProgramVersion
from programs.queries import terms_of
from rewards.models import Account, CatalogueItem, Fulfilment, Redemption, RedemptionPart, Reward
from rewards.services.catalogue import put_back, take_from_stock
from rewards.services.fulfilment import begin_redeemed
from rewards.services.ledger import Movement, Place, expense, lock_wallets, post
from rewards.services.recall import cancel_row
from rewards.services.steps import Step, locked_rows, take_steps


@all_or_nothing
def redeem_points(
    *,
    customer: Customer,
    item: CatalogueItem,
    key: str,
    at: datetime,
    participant: Participant | None = None,
    actor: Actor = SYSTEM,
) -> Redemption:
    """Spend points on something from the catalogue; what expires first is spent first.

    The same key again returns the same redemption. Raises Conflict: `key_reused` with another item or person,
    `too_few_points` (details: `balance`, `points`), `below_minimum`, `sold_out`, `not_offered`.
    """
    workspace = _begin(customer)
    redemption, new = _new(
        workspace,
        Redemption(
            key=_key(key),
            customer=customer,
            participant=participant,
            item=item,
            unit=POINTS,
            amount_minor=item.points,
            created_at=at,
        ),
    )
    if not new:
        return redemption
    take_from_stock(item=item)
    minimum = _minimum(workspace, customer, participant)
    if item.points < minimum:
        raise Conflict(
            f"At least {display(minimum, POINTS)} are redeemed at once.",
            code="below_minimum",
            details={"minimum": minimum},
        )
    _spend(workspace, redemption, Account.Kind.POINTS, "too_few_points", at)
    begin_redeemed(redemption=redemption, details=_details(item), at=at)
    if item.kind == CatalogueItem.Kind.CREDIT:
        post(workspace=workspace, movements=[_credited(redemption, back=False)], at=at)
    _tell("created", redemption, actor, at)
    return redemption


@all_or_nothing
def spend_credit(
    *,
    customer: Customer,
    amount_minor: int,
    currency: str,
    order_reference: str,
    key: str,
    at: datetime,
    actor: Actor = SYSTEM,
) -> Redemption:
    """Spend store credit on an order, as the shop says; what expires first is spent first.

    The same key again returns the same redemption. Raises Invalid naming `amount_minor`, `currency` or
    `order_reference`, and Conflict: `key_reused`, `too_little_credit` (details: `balance_minor`).
    """
    if not 0 < amount_minor <= MAX_MINOR:
        raise Invalid("Say how much is spent.", code="out_of_range", param="amount_minor")
    if not is_currency(currency):
        raise Invalid("There is no such currency.", code="unknown_currency", param="currency")
    if len(order_reference) > 255:
        raise Invalid("At most 255 characters.", code="too_long", param="order_reference")
    workspace = _begin(customer)
    redemption, new = _new(
        workspace,
        Redemption(
            key=_key(key),
            customer=customer,
            unit=currency,
            amount_minor=amount_minor,
            order_reference=order_reference,
            created_at=at,
        ),
    )
    if new:
        _spend(workspace, redemption, Account.Kind.CREDIT, "too_little_credit", at)
        _tell("created", redemption, actor, at)
    return redemption


@all_or_nothing
def cancel_redemption(*, redemption: Redemption, note: str, actor: Actor, at: datetime) -> Redemption:
    """Give back what a redemption took, to the rewards it came from; repeating it changes nothing.

    What was bought is called off. Raises Conflict: `handed_over` where it reached its owner already,
    `credit_spent` where the store credit it gave was spent.
    """
    customer = redemption.customer
    workspace = _begin(customer)
    row: Redemption = (
        Redemption.objects.for_workspace(workspace)
        .select_for_update(of=("self",), no_key=True)
        .select_related("item", "participant")
        .get(pk=redemption.pk)
    )
    row.workspace, row.customer = workspace, customer
    if row.status == Redemption.Status.CANCELLED:
        return row
    if row.item is not None:
        put_back(item=row.item)
    units = {row.unit, row.item.currency} if _gives_credit(row) and row.item else {row.unit}
    lock_wallets(workspace=workspace, owners={(customer.pk, unit) for unit in units})
    parts = list(RedemptionPart.objects.for_workspace(workspace).filter(redemption=row).order_by("pk"))
    rewards = {
        each.pk: each for each in locked_rows(workspace=workspace, pks=[part.reward_id for part in parts])
    }
    movements = [_moved(row, back=True)]
    for fulfilment in Fulfilment.objects.for_workspace(workspace).select_for_update().filter(redemption=row):
        if fulfilment.kind == Fulfilment.Kind.CREDIT:
            movements.append(_taken_back(workspace, row, fulfilment, at))
        elif not cancel_row(fulfilment, why=note or "The redemption was cancelled.", at=at):
            raise Conflict("It was handed over already.", code="handed_over")
    steps = []
    for part in parts:
        reward = rewards[part.reward_id]
        reward.redeemed_minor -= part.amount_minor
        whole = reward.status == Reward.Status.REDEEMED and reward.unused_minor > 0
        steps.append(
            Step(
                reward,
                after=Reward.Status.ISSUED if whole else reward.status,
                amount_minor=part.amount_minor,
                reason="What was spent of it was given back.",
            )
        )
    row.status, row.note, row.cancelled_at = Redemption.Status.CANCELLED, note[:200], at
    row.save(update_fields=["status", "note", "cancelled_at"])
    take_steps(workspace=workspace, steps=steps, actor=SYSTEM, at=at)
    post(workspace=workspace, movements=movements, at=at)
    _tell("cancelled", row, actor, at)
    return row


def _begin(customer: Customer) -> Workspace:
    """Make the caller the only one who spends what the customer has; returns the workspace."""
    workspace = Workspace.objects.for_workspace(customer.workspace_id).get()
    if workspace.status != Workspace.Status.ACTIVE:
        raise Conflict("The workspace is suspended.", code="suspended")
    Customer.objects.for_workspace(workspace).select_for_update(no_key=True).get(pk=customer.pk)
    return workspace


def _new(workspace: Workspace, wanted: Redemption) -> tuple[Redemption, bool]:
    """Store a redemption unless its key is known; returns it and whether it is new."""
    wanted.workspace = workspace
    Redemption.objects.bulk_create([wanted], ignore_conflicts=True)
    stored: Redemption = (
        Redemption.objects.for_workspace(workspace)
        .select_related("customer", "item", "participant")
        .get(key=wanted.key)
    )
    stored.workspace = workspace
    told = (wanted.customer_id, wanted.item_id, wanted.unit, wanted.order_reference)
    known = (stored.customer_id, stored.item_id, stored.unit, stored.order_reference)
    amounts_differ = wanted.item_id is None and wanted.amount_minor != stored.amount_minor
    if told != known or amounts_differ:
        raise Conflict(
            "This key was used for another redemption.", code="key_reused", details={"key": wanted.key}
        )
    return stored, stored.public_id == wanted.public_id


def _spend(workspace: Workspace, redemption: Redemption, kind: str, code: str, at: datetime) -> None:
    """Take the amount out of the account and out of the rewards it came from, the first to expire first."""
    customer_id, unit, amount = redemption.customer_id, redemption.unit, redemption.amount_minor
    lock_wallets(workspace=workspace, owners=[(customer_id, unit)])
    account = (
        Account.objects.for_workspace(workspace).filter(kind=kind, unit=unit, customer=customer_id).first()
    )
    balance = account.balance_minor if account else 0
    if balance < amount:
        there = display(max(balance, 0), unit)
        raise Conflict(
            f"That takes {display(amount, unit)}; there are {there}.",
            code=code,
            details={"balance_minor": balance, "amount_minor": amount},
        )
    rewards = _spendable(workspace, customer_id, kind, unit)
    parts, steps, rest = [], [], amount
    for reward in rewards:
        taken = min(rest, reward.unused_minor)
        if taken <= 0:
            break
        rest -= taken
        reward.redeemed_minor += taken
        spent = reward.unused_minor == 0
        parts.append(
            RedemptionPart(workspace=workspace, redemption=redemption, reward=reward, amount_minor=taken)
        )
        steps.append(
            Step(
                reward,
                after=Reward.Status.REDEEMED if spent else reward.status,
                amount_minor=-taken,
                reason="Spent." if spent else "Partly spent.",
                event="reward.redeemed" if spent else "",
            )
        )
    RedemptionPart.objects.bulk_create(parts)
    take_steps(workspace=workspace, steps=steps, actor=SYSTEM, at=at)
    post(workspace=workspace, movements=[_moved(redemption, back=False)], at=at)


def _spendable(workspace: Workspace, customer_id: int, kind: str, unit: str) -> Sequence[Reward]:
    rows = Reward.objects.for_workspace(workspace).filter(
        customer=customer_id, kind=kind, unit=unit, status=Reward.Status.ISSUED
    )
    unused = F("amount_minor") - F("reversed_minor") - F("redeemed_minor") - F("expired_minor")
    order = rows.annotate(unused=unused).filter(unused__gt=0)
    pks = order.order_by(F("expires_at").asc(nulls_last=True), "issued_at", "pk").values_list("pk", flat=True)
    chosen = list(pks)
    locked = {each.pk: each for each in locked_rows(workspace=workspace, pks=chosen)}
    return [locked[pk] for pk in chosen]


def _moved(redemption: Redemption, *, back: bool) -> Movement:
    kind = Account.Kind.POINTS if redemption.unit == POINTS else Account.Kind.CREDIT
    own = Place(kind, redemption.unit, redemption.customer_id)
    spent = Place(Account.Kind.REDEEMED, redemption.unit, redemption.customer_id)
    return Movement(
        key=f"redemption:{redemption.public_id}{':cancel' if back else ''}",
        debit=spent if back else own,
        credit=own if back else spent,
        amount_minor=redemption.amount_minor,
        memo="Given back" if back else "Spent",
        redemption=redemption,
    )


def _gives_credit(redemption: Redemption) -> bool:
    return redemption.item is not None and redemption.item.kind == CatalogueItem.Kind.CREDIT


def _credited(redemption: Redemption, *, back: bool, given: Fulfilment | None = None) -> Movement:
    item = redemption.item
    assert item is not None
    currency = given.currency if given else item.currency
    amount = given.amount_minor if given else item.value_minor
    own, cost = Place(Account.Kind.CREDIT, currency, redemption.customer_id), expense(currency)
    return Movement(
        key=f"redemption:{redemption.public_id}:credit{':cancel' if back else ''}",
        debit=own if back else cost,
        credit=cost if back else own,
        amount_minor=amount,
        memo=f"Redeemed: {item.name}"[:200],
        redemption=redemption,
    )


def _taken_back(workspace: Workspace, row: Redemption, given: Fulfilment, at: datetime) -> Movement:
    account = (
        Account.objects.for_workspace(workspace)
        .filter(kind=Account.Kind.CREDIT, unit=given.currency, customer=row.customer_id)
        .first()
    )
    if account is None or account.balance_minor < given.amount_minor:
        raise Conflict("The store credit it gave was spent.", code="credit_spent")
    given.status, given.updated_at = Fulfilment.Status.CANCELLED, at
    given.save(update_fields=["status", "updated_at"])
    return _credited(row, back=True, given=given)


def _minimum(workspace: Workspace, customer: Customer, participant: Participant | None) -> int:
    """Return the fewest points that are spent at once: the least that one of the person's programs says."""
    mine = Participant.objects.for_workspace(workspace).filter(customer=customer).select_related("program")
    chosen = [participant] if participant is not None else list(mine.order_by("pk"))
    least = []
    for each in chosen:
        version = (
            ProgramVersion.objects.for_workspace(workspace)
            .filter(program=each.program_id, number=each.program.live_version)
            .first()
        )
        if version is not None:
            least.append(terms_of(version).redemption_minimum)
    return min(least, default=0)


def _details(item: CatalogueItem) -> dict[str, Any]:
    if item.kind != CatalogueItem.Kind.DISCOUNT:
        return {**item.details}
    bps = item.details.get("percent_bps")
    if bps:
        return {"terms": {"type": "percentage", "bps": bps}}
    return {"terms": {"type": "fixed", "amount_minor": item.value_minor, "currency": item.currency}}


def _key(key: str) -> str:
    key = key.strip()
    if not 0 < len(key) <= 160:
        raise Invalid("A key has 1 to 160 characters.", code="length", param="key")
    return key


def _tell(what: str, redemption: Redemption, actor: Actor, at: datetime) -> None:
    item = redemption.item
    emit(
        f"redemption.{what}",
        at=at,
        redemption=redemption.public_id,
        customer=redemption.customer.public_id,
        item=item.public_id if item else None,
        amount_minor=redemption.amount_minor,
        unit=redemption.unit,
    )
    if actor.kind != "system":
        record_audit(
            workspace=redemption.workspace,
            actor=actor,
            action=f"redemption.{what}",
            subject=redemption.public_id,
            after={"amount_minor": redemption.amount_minor, "unit": redemption.unit},
            reason=redemption.note,
        )
