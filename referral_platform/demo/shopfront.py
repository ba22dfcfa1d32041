"""The demo's shop speaking through its webhooks: stored, read and settled as if they had just come in."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from core.queue import MAX_ATTEMPTS, Claim, mark_done, mark_failed
from integrations.models import InboxItem
from integrations.services import connections, inbox, payout_connections
from referral_platform.demo import cast, shop
from referral_platform.demo.scenes import Buy
from referral_platform.demo.stage import Stage
from tracking.models import Conversion


def connect(stage: Stage, at: datetime) -> None:
    """Connect the shop, and a payout provider with keys that open nothing."""
    payout_connections.connect_provider(
        workspace=stage.workspace,
        provider="paypal",
        name="Lumen at PayPal",
        environment="sandbox",
        key="demo-client",
        secret="demo-secret",  # noqa: S106
        actor=stage.olga,
        at=at,
    )
    stage.connection, _ = connections.create_connection(
        workspace=stage.workspace,
        provider="woocommerce",
        name="shop.lumen-coffee.example",
        actor=stage.olga,
        at=at,
    )


def receive_order(stage: Stage, buy: Buy, at: datetime) -> Conversion:
    """Take in a paid order; returns the purchase it became."""
    item = _receive(stage, "order.created", _body(stage, buy, at), at)
    return Conversion.objects.for_workspace(stage.workspace).get(public_id__in=item.subjects)


def receive_refund(stage: Stage, buy: Buy, conversion: Conversion, amount_minor: int, at: datetime) -> None:
    """Take in an order again, now with a refund."""
    body = _body(stage, buy, conversion.occurred_at, modified_at=at, refunded_minor=amount_minor)
    _receive(stage, "order.updated", body, at)


def receive_oddities(stage: Stage, at: datetime) -> None:
    """Take in what a shop sends besides: an order not paid yet, twice; an error in place of an order; a body
    that was cut off; an order whose amount was changed afterwards.
    """
    unpaid = shop.order(
        7_101,
        name=cast.full_name(777),
        email=cast.address(777),
        country="AT",
        amount_minor=2_490,
        at=at,
        status="pending",
    )
    for topic, body in (
        ("order.created", unpaid),
        ("order.created", unpaid),
        ("order.updated", shop.REST_ERROR),
        ("order.updated", shop.CUT_OFF),
    ):
        _receive(stage, topic, body, at)
    for buy, conversion in stage.orders.values():
        if buy.shop and conversion.occurred_at < at - timedelta(days=1):
            body = _body(stage, buy, conversion.occurred_at, modified_at=at, surcharge_minor=500)
            _receive(stage, "order.updated", body, at)
            return


def receive_unread(stage: Stage, at: datetime) -> None:
    """Take in an order that could not be read, however often it was tried."""
    number = 7_300 + at.day
    body = shop.order(
        number,
        name=cast.full_name(number),
        email=cast.address(number),
        country="DE",
        amount_minor=3_980,
        at=at,
    )
    item = _stored(stage, "order.created", body, at)[0]
    claimed = Claim(item.pk, stage.workspace.pk, MAX_ATTEMPTS)
    mark_failed(InboxItem, claimed, "OperationalError: canceling statement due to lock timeout", at=at)
    InboxItem.objects.for_workspace(stage.workspace).filter(pk=item.pk).update(attempts=MAX_ATTEMPTS)


def _receive(stage: Stage, topic: str, body: bytes, at: datetime) -> InboxItem:
    item, repeated = _stored(stage, topic, body, at)
    if not repeated:
        inbox.read_item(item=item)
        mark_done(InboxItem, Claim(item.pk, stage.workspace.pk, 1))
    return item


def _stored(stage: Stage, topic: str, body: bytes, at: datetime) -> tuple[InboxItem, bool]:
    assert stage.connection is not None
    received = inbox.receive(
        connection=stage.connection,
        topic=topic,
        fingerprint=hashlib.sha256(topic.encode() + body).hexdigest(),
        body=body,
        at=at,
    )
    item: InboxItem = InboxItem.objects.for_workspace(stage.workspace).get(public_id=received.item_id)
    item.connection, item.workspace = stage.connection, stage.workspace
    return item, received.repeated


def _body(
    stage: Stage,
    buy: Buy,
    at: datetime,
    *,
    modified_at: datetime | None = None,
    refunded_minor: int = 0,
    surcharge_minor: int = 0,
) -> bytes:
    return shop.order(
        buy.order,
        name=cast.full_name(buy.person),
        email=cast.address(buy.person),
        country=stage.customers[buy.person].country if buy.person in stage.customers else "DE",
        amount_minor=buy.amount_minor + surcharge_minor,
        at=at,
        modified_at=modified_at,
        refunded_minor=refunded_minor,
        status="refunded" if refunded_minor == buy.amount_minor else "processing",
        coupon=stage.codes[buy.code_of].code_key if buy.code_of is not None else "",
        click_id=stage.click(buy.visit).public_id if buy.visit is not None else "",
    )
