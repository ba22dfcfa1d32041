"""What a provider's event does to the facts: an order becomes a conversion, its refunds become refunds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from accounts.services import Actor
from core.money import display
from core.transactions import all_or_nothing
from integrations.models import Connection, InboxItem, SourceOrder
from integrations.providers import (
    CustomerSeen,
    Ignored,
    OrderDeleted,
    OrderSeen,
    ProviderEvent,
    SetAside,
)
from integrations.queries import conversion_of
from programs import queries as program_queries
from programs import services as program_services
from programs.models import Customer
from tracking import queries as tracking_queries
from tracking import services as tracking_services
from tracking.identifiers import Traces
from tracking.lines import Line
from tracking.models import CODES_USED, Conversion, Refund

# Shops keep times to the second; of two states of one second the later in an order's usual life is the newer.
_RANK: Final = {"": 0, "pending": 1, "paid": 2, "refunded": 3, "cancelled": 4}
_CLOSED: Final = (Conversion.Status.REJECTED, Conversion.Status.REFUNDED)
_MAX_NAME: Final = 120
REST: Final = "rest"
"""The key of a refund that no refund of the shop's stands for: it called the order refunded."""
WITHDRAWN: Final = "The shop no longer has this refund."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event: applied, ignored or set aside, a stable reason, a sentence, what it became."""

    outcome: InboxItem.Outcome
    reason: str
    sentence: str
    subjects: tuple[str, ...] = ()


def _applied(reason: str, sentence: str, *conversions: Conversion) -> Outcome:
    return Outcome(InboxItem.Outcome.APPLIED, reason, sentence, tuple(each.public_id for each in conversions))


def _ignored(reason: str, sentence: str, *conversions: Conversion) -> Outcome:
    return Outcome(InboxItem.Outcome.IGNORED, reason, sentence, tuple(each.public_id for each in conversions))


def _set_aside(reason: str, sentence: str, *conversions: Conversion) -> Outcome:
    return Outcome(
        InboxItem.Outcome.SET_ASIDE, reason, sentence, tuple(each.public_id for each in conversions)
    )


@all_or_nothing
def apply_event(
    *, connection: Connection, event: ProviderEvent, at: datetime, received_at: datetime
) -> Outcome:
    """Make the facts match what a provider says, and say what that changed.

    `at` is the workspace's time of receipt and `received_at` the real one. Repetitions, late and stale events
    change nothing. Raises a DomainError where the facts refuse it.
    """
    match event:
        case OrderSeen():
            return _order_seen(connection, event, at, received_at)
        case OrderDeleted():
            return _order_deleted(connection, event, at, received_at)
        case CustomerSeen():
            return _ignored("customer", "People become known with their orders, not with their accounts.")
        case Ignored():
            return _ignored(event.reason, event.sentence)
        case SetAside():
            return _set_aside(event.reason, event.sentence)


def _locked_order(connection: Connection, order_id: str) -> SourceOrder:
    SourceOrder.objects.bulk_create(
        [SourceOrder(workspace_id=connection.workspace_id, connection=connection, order_id=order_id)],
        ignore_conflicts=True,
    )
    known: SourceOrder = (
        SourceOrder.objects.for_workspace(connection.workspace_id)
        .select_for_update(no_key=True)
        .get(connection=connection, order_id=order_id)
    )
    return known


def _is_stale(known: SourceOrder, order: OrderSeen) -> bool:
    if known.deleted_at is not None and order.modified_at <= known.deleted_at:
        return True
    if known.modified_at is None:
        return False
    return (order.modified_at, _RANK[order.state]) < (known.modified_at, _RANK[known.state])


def _order_seen(connection: Connection, order: OrderSeen, at: datetime, received_at: datetime) -> Outcome:
    known = _locked_order(connection, order.order_id)
    conversion = conversion_of(connection, order.order_id)
    if _is_stale(known, order):
        sentence = f"A newer state of order {order.number} is known already; this older one changes nothing."
        return _ignored("stale", sentence, *filter(None, [conversion]))
    newer = known.modified_at is None or order.modified_at > known.modified_at
    known.state, known.modified_at, known.deleted_at = order.state, order.modified_at, None
    known.save(update_fields=["state", "modified_at", "deleted_at"])
    if order.state == "cancelled":
        return _take_back(connection, conversion, order.number, "cancelled", at)
    if conversion is None and order.state == "pending":
        return _ignored("not_paid_yet", f"Order {order.number} is not paid yet; it counts once it is.")
    if conversion is None:
        conversion = _recorded(connection, order, at)
        refunded_minor = _refund(conversion, order, at)
        return _first_time(conversion, order, refunded_minor)
    if conversion.status == Conversion.Status.REJECTED:
        return _set_aside(
            "rejected_before",
            f"Order {order.number} was rejected before and does not count, whatever the shop does with it.",
            conversion,
        )
    withdrawn_minor = _withdraw(connection, conversion, order, at) if newer else 0
    return _changed(conversion, order, newer, withdrawn_minor, at)


def _recorded(connection: Connection, order: OrderSeen, at: datetime) -> Conversion:
    """Record a paid order. A click id comes from a shopper's browser: one nobody knows is passed over."""
    workspace = connection.workspace
    fact = tracking_services.ConversionFact(
        kind=Conversion.Kind.PURCHASE,
        customer=_customer(connection, order, at),
        source=connection.public_id,
        source_key=order.order_id,
        amount_minor=order.base_minor,
        currency=order.currency,
        click=tracking_queries.click_named(workspace, order.click_id) if order.click_id else None,
        promo_codes=program_queries.promo_codes_named(workspace, order.coupon_codes),
        metadata={
            "order_number": order.number,
            **({CODES_USED: list(order.coupon_codes)} if order.coupon_codes else {}),
        },
        occurred_at=order.occurred_at,
        lines=_lines(order),
        source_modified_at=order.modified_at,
        traces=Traces(address=order.address, user_agent=order.user_agent, postal=order.postal),
        at=at,
    )
    return tracking_services.record_conversion(workspace=workspace, fact=fact).conversion


def _lines(order: OrderSeen) -> list[Line]:
    return [
        Line(sku=line.sku, amount_minor=line.amount_minor, quantity=line.quantity) for line in order.lines
    ]


def _customer(connection: Connection, order: OrderSeen, at: datetime) -> Customer:
    """Identify the buyer by the e-mail address, else by the shop's account, else as this order's own guest.

    A shop's numbers are prefixed with the connection: they are neither the workspace's own ids nor those of
    its other shops, and taking number 2 of two shops for one person would pay the wrong one.
    """
    account = f"customer:{order.customer_external_id}" if order.customer_external_id else None
    name = "".join(filter(str.isprintable, order.name))[:_MAX_NAME]
    return program_services.identify_customer(
        workspace=connection.workspace,
        external_id=None if order.email else f"{connection.public_id}:{account or f'order:{order.order_id}'}",
        email=order.email or "",
        name=name,
        country=order.country,
        at=at,
    )


def _refund(conversion: Conversion, order: OrderSeen, at: datetime) -> int:
    """Record the refunds that are not known yet, never beyond what is left; returns what they add up to.

    An order that the shop calls refunded has given everything back, also where no refund says so.
    """
    parts = [(line.external_id, line.amount_minor) for line in order.refunds]
    recorded = _recorded_refunds(conversion)
    before = conversion.refunded_minor
    now = _give_back(conversion, [part for part in parts if part[0] not in recorded], order, at)
    # What a person took back stays taken back, whatever the shop calls the order.
    judged = any(each.reinstated_at and each.reinstated_why != WITHDRAWN for each in recorded.values())
    if order.state == "refunded" and not judged:
        rests = sum(key.partition(":")[0] == REST for key in recorded)
        rest = (f"{REST}:{rests + 1}" if rests else REST, now.amount_minor - now.refunded_minor)
        now = _give_back(conversion, [rest], order, at)
    conversion.refunded_minor, conversion.status = now.refunded_minor, now.status
    return conversion.refunded_minor - before


def _recorded_refunds(conversion: Conversion) -> dict[str, Refund]:
    """Return a conversion's refunds by the shop's key, those included that no longer count."""
    rows = Refund.objects.for_workspace(conversion.workspace_id).filter(conversion=conversion)
    return {row.source_key: row for row in rows.order_by("pk")}


def _withdraw(connection: Connection, conversion: Conversion, order: OrderSeen, at: datetime) -> int:
    """Let the refunds no longer count that the shop has deleted; returns what they add up to."""
    if order.currency != conversion.currency:
        return 0
    standing = {line.external_id for line in order.refunds}
    before = conversion.refunded_minor
    for key, refund in _recorded_refunds(conversion).items():
        kept = order.state == "refunded" if key.partition(":")[0] == REST else key in standing
        if kept or refund.reinstated_at is not None:
            continue
        now = tracking_services.reinstate_refund(
            refund=refund, reason=WITHDRAWN, actor=_actor(connection), at=at
        ).conversion
        conversion.refunded_minor, conversion.status = now.refunded_minor, now.status
    return before - conversion.refunded_minor


def _give_back(
    conversion: Conversion, parts: Sequence[tuple[str, int]], order: OrderSeen, at: datetime
) -> Conversion:
    for source_key, wanted_minor in parts:
        amount_minor = min(wanted_minor, conversion.amount_minor - conversion.refunded_minor)
        if amount_minor > 0:
            conversion = tracking_services.record_refund(
                conversion=conversion,
                source_key=source_key,
                amount_minor=amount_minor,
                occurred_at=order.modified_at,
                at=at,
            ).conversion
    return conversion


def _first_time(conversion: Conversion, order: OrderSeen, refunded_minor: int) -> Outcome:
    amount = display(conversion.amount_minor, conversion.currency)
    sentence = f"Order {order.number} was recorded as a purchase of {amount}."
    if refunded_minor:
        sentence += f" Of it, {display(refunded_minor, conversion.currency)} were refunded."
    return _applied("recorded", sentence, conversion)


def _changed(
    conversion: Conversion, order: OrderSeen, newer: bool, withdrawn_minor: int, at: datetime
) -> Outcome:
    """Bring a recorded order up to date, and set aside what only a person can judge.

    `withdrawn_minor` is what the shop has taken back of its refunds. `newer` is off for another state of the
    same second, which may lack a refund that was made within it.
    """
    refunded_minor = _refund(conversion, order, at) if order.currency == conversion.currency else 0
    told = ""
    if refunded_minor:
        told = f"{display(refunded_minor, conversion.currency)} of order {order.number} were refunded."
    if withdrawn_minor:
        back = display(withdrawn_minor, conversion.currency)
        told = f"Refunds of {back} of order {order.number} are gone from the shop and no longer count. {told}"
        told = told.strip()
    if (order.base_minor, order.currency) != (conversion.amount_minor, conversion.currency):
        was = display(conversion.amount_minor, conversion.currency)
        now = display(order.base_minor, order.currency)
        sentence = f"Order {order.number} was recorded with {was} and now comes to {now}; the record stays."
        return _set_aside("amount_changed", f"{sentence} {told}".strip(), conversion)
    # Each refund was rounded beside those before it: one that is gone shifts the others by a unit at most.
    if newer and conversion.refunded_minor > order.refunded_minor + len(order.refunds):
        was = display(conversion.refunded_minor, conversion.currency)
        now = display(order.refunded_minor, conversion.currency)
        sentence = f"Refunds of {was} are recorded for order {order.number}, the shop now says {now}."
        return _set_aside("refund_withdrawn", sentence, conversion)
    if order.state == "pending":
        sentence = f"Order {order.number} was paid and now waits for a payment; the record stays. {told}"
        return _set_aside("unpaid_again", sentence.strip(), conversion)
    if withdrawn_minor:
        return _applied("refund_withdrawn", told, conversion)
    if refunded_minor:
        return _applied("refunded", told, conversion)
    if tracking_services.edit_lines(conversion=conversion, lines=_lines(order), cost_minor=None, at=at):
        sentence = f"What was bought with order {order.number} was brought up to date; its amount stays."
        return _applied("lines_changed", sentence, conversion)
    return _ignored("no_change", f"Order {order.number} is recorded already as it stands.", conversion)


def _order_deleted(
    connection: Connection, event: OrderDeleted, at: datetime, received_at: datetime
) -> Outcome:
    known = _locked_order(connection, event.order_id)
    # Not before the last state that is known, should the shop's clock run ahead of ours.
    known.deleted_at = max(received_at, known.modified_at or received_at)
    known.save(update_fields=["deleted_at"])
    conversion = conversion_of(connection, event.order_id)
    return _take_back(connection, conversion, event.order_id, "deleted", at)


def _take_back(
    connection: Connection, conversion: Conversion | None, number: str, how: str, at: datetime
) -> Outcome:
    if conversion is None:
        return _ignored("not_recorded", f"Order {number} was {how} before it counted for anything.")
    if conversion.status in _CLOSED:
        sentence = f"Order {number} was {how}; it counted for nothing any more."
        return _ignored("no_change", sentence, conversion)
    tracking_services.reject_conversion(
        conversion=conversion,
        reason=f"order_{how}",
        actor=_actor(connection),
        at=at,
    )
    return _applied("rejected", f"Order {number} was {how}; its purchase no longer counts.", conversion)


def _actor(connection: Connection) -> Actor:
    return Actor(kind="system", label=f"connection {connection.name}")
