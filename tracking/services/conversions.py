"""Recording sign-ups, purchases, custom events and refunds: store the fact, decide, and tell, in one go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core import money
from core.errors import Conflict, Invalid
from core.events import emit
from core.transactions import all_or_nothing
from programs.models import Customer, PromoCode
from tracking.models import Click, Conversion, Refund, Touchpoint
from tracking.services.clicks import bind_visitor
from tracking.services.decisions import decide_conversion
from tracking.services.referrals import reject_referrals_of

MAX_METADATA = 10_000


@dataclass(frozen=True, slots=True)
class RecordedConversion:
    """The conversion, and whether this call stored it (False: it was known already)."""

    conversion: Conversion
    created: bool


@dataclass(frozen=True, slots=True)
class RecordedRefund:
    """The refund, its conversion as it stands now, and whether this call stored it."""

    refund: Refund
    conversion: Conversion
    created: bool


@all_or_nothing
def record_conversion(
    *,
    workspace: Workspace,
    kind: str,
    customer: Customer,
    source: str,
    source_key: str,
    occurred_at: datetime,
    at: datetime,
    amount_minor: int = 0,
    currency: str = "",
    click: Click | None = None,
    promo_codes: Sequence[PromoCode] = (),
    event_name: str = "",
    metadata: Mapping[str, Any] | None = None,
    source_modified_at: datetime | None = None,
) -> RecordedConversion:
    """Store a conversion once, decide who is credited, and emit `lead.created` or `conversion.created`.

    `amount_minor` is the net value in the minor unit of `currency`. The pair of source and source key names
    the fact: a repetition returns the stored conversion unchanged. The same key with another amount, currency
    or customer raises Conflict (`duplicate_order`), unless `source_modified_at` says that the
    source edits its orders. A time in the future is taken as `at`. Raises Invalid naming the field.
    """
    _validate(kind, source_key, amount_minor, currency, event_name, metadata)
    if occurred_at.utcoffset() is None:
        raise Invalid("The time needs a time zone.", param="occurred_at")
    # One customer's conversions are numbered and decided one after another.
    locked = Customer.objects.for_workspace(workspace).select_for_update(no_key=True).get(pk=customer.pk)
    known = _known(workspace, kind, source, source_key)
    if known is not None:
        _check_same(known, customer, amount_minor, currency, source_modified_at)
        return RecordedConversion(known, created=False)
    conversion = Conversion(
        workspace=workspace,
        kind=kind,
        event_name=event_name,
        customer=customer,
        source=source,
        source_key=source_key,
        amount_minor=amount_minor,
        currency=currency,
        metadata=_exact(metadata or {}),
        sequence=_conversions(workspace, customer, kind, event_name) + 1,
        source_modified_at=source_modified_at,
        occurred_at=min(occurred_at, at),
        received_at=at,
    )
    Conversion.objects.bulk_create([conversion], ignore_conflicts=True)
    stored = _known(workspace, kind, source, source_key)
    assert stored is not None
    if stored.public_id != conversion.public_id:
        # The same order came in for another customer at this very moment.
        _check_same(stored, customer, amount_minor, currency, source_modified_at)
        return RecordedConversion(stored, created=False)
    # They are at hand, and would be read anew otherwise.
    stored.workspace, stored.customer = workspace, locked
    if click is not None:
        bind_visitor(customer=customer, click=click)
    _use_codes(stored, promo_codes)
    decide_conversion(conversion=stored, at=at)
    kind_of_event = "lead.created" if kind == Conversion.Kind.SIGNUP else "conversion.created"
    emit(kind_of_event, at=at, conversion=stored.public_id, customer=customer.public_id)
    return RecordedConversion(stored, created=True)


def _validate(
    kind: str,
    source_key: str,
    amount_minor: int,
    currency: str,
    event_name: str,
    metadata: Mapping[str, Any] | None,
) -> None:
    if kind not in Conversion.Kind.values:
        raise Invalid(f"{kind!r} is not a kind of conversion.", param="kind")
    if not 1 <= len(source_key) <= 255 or not source_key.isprintable():
        raise Invalid("The key is 1 to 255 printable characters.", param="source_key")
    if not 0 <= amount_minor <= money.MAX_MINOR:
        raise Invalid(f"The amount is 0 to {money.MAX_MINOR} minor units.", param="amount")
    if (currency or amount_minor or kind == Conversion.Kind.PURCHASE) and not money.is_currency(currency):
        raise Invalid(f"{currency!r} is not an ISO 4217 currency code.", param="currency")
    if len(event_name) > 80 or not (event_name.isprintable()):
        raise Invalid("The event's name is at most 80 printable characters.", param="event_name")
    if kind == Conversion.Kind.CUSTOM and not event_name:
        raise Invalid("A custom conversion needs the event's name.", param="event_name")
    if metadata is not None and len(json.dumps(metadata, default=str)) > MAX_METADATA:
        raise Invalid(f"Metadata is at most {MAX_METADATA} bytes of JSON.", param="metadata")


def _exact(value: Any) -> Any:
    """Return metadata as JSON can keep it: numbers with a fraction become text, so that none is rounded."""
    if isinstance(value, Mapping):
        return {str(key): _exact(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(inner) for inner in value]
    return str(value) if isinstance(value, Decimal) else value


def _known(workspace: Workspace, kind: str, source: str, source_key: str) -> Conversion | None:
    return (
        Conversion.objects.for_workspace(workspace)
        .select_for_update(no_key=True)
        .filter(kind=kind, source=source, source_key=source_key)
        .first()
    )


def _check_same(
    known: Conversion,
    customer: Customer,
    amount_minor: int,
    currency: str,
    source_modified_at: datetime | None,
) -> None:
    if source_modified_at is not None:
        return
    for field, before, now in (
        ("customer", known.customer_id, customer.pk),
        ("amount", known.amount_minor, amount_minor),
        ("currency", known.currency, currency),
    ):
        if before != now:
            raise Conflict(
                f"{known.source_key} was recorded before with another {field}.",
                code="duplicate_order",
                param=field,
                details={"conversion": known.public_id},
            )


def _conversions(workspace: Workspace, customer: Customer, kind: str, event_name: str) -> int:
    rows = Conversion.objects.for_workspace(workspace).filter(customer=customer, kind=kind)
    if kind == Conversion.Kind.CUSTOM:
        # Custom events have nothing but their name in common: the first booking is no second visit.
        rows = rows.filter(event_name=event_name)
    return rows.exclude(status=Conversion.Status.REJECTED).count()


def _use_codes(conversion: Conversion, promo_codes: Sequence[PromoCode]) -> None:
    Touchpoint.objects.bulk_create(
        [
            Touchpoint(
                workspace_id=conversion.workspace_id,
                kind=Touchpoint.Kind.CODE,
                program_id=code.participant.program_id,
                participant_id=code.participant_id,
                customer_id=conversion.customer_id,
                promo_code=code,
                conversion=conversion,
                channel="code",
                occurred_at=conversion.occurred_at,
            )
            for code in promo_codes
        ],
        ignore_conflicts=True,
    )


@all_or_nothing
def record_refund(
    *, conversion: Conversion, source_key: str, amount_minor: int, occurred_at: datetime, at: datetime
) -> RecordedRefund:
    """Store a full or partial refund once by the source's key and emit `conversion.refunded`.

    `amount_minor` is positive, in the conversion's currency. Repeating a key returns the stored refund; with
    another amount it raises Conflict (`duplicate_refund`). Refunds that would pass the order's amount raise
    Invalid (`over_refund`, naming `amount`); a rejected conversion raises Conflict.
    """
    if not 1 <= len(source_key) <= 255 or not source_key.isprintable():
        raise Invalid("The refund's key is 1 to 255 printable characters.", param="refund_id")
    locked = (
        Conversion.objects.for_workspace(conversion.workspace_id)
        .select_for_update(no_key=True)
        .get(pk=conversion.pk)
    )
    known = (
        Refund.objects.for_workspace(locked.workspace_id)
        .filter(conversion=locked, source_key=source_key)
        .first()
    )
    if known is not None:
        if known.amount_minor != amount_minor:
            raise Conflict(
                f"Refund {source_key} was recorded before with another amount.",
                code="duplicate_refund",
                param="amount",
                details={"refund": known.public_id},
            )
        return RecordedRefund(known, locked, created=False)
    if locked.status == Conversion.Status.REJECTED:
        raise Conflict("This conversion was rejected; there is nothing to refund.", code="rejected")
    left = locked.amount_minor - locked.refunded_minor
    if not 0 < amount_minor <= left:
        raise Invalid(
            f"A refund is more than zero and at most the {money.display(left, locked.currency)} left.",
            code="over_refund",
            param="amount",
            details={"left_minor": left},
        )
    refund = Refund.objects.create(
        workspace_id=locked.workspace_id,
        conversion=locked,
        source_key=source_key,
        amount_minor=amount_minor,
        occurred_at=min(occurred_at, at),
        received_at=at,
    )
    full = amount_minor == left
    Conversion.objects.for_workspace(locked.workspace_id).filter(pk=locked.pk).update(
        refunded_minor=F("refunded_minor") + amount_minor,
        status=Conversion.Status.REFUNDED if full else Conversion.Status.PARTLY_REFUNDED,
    )
    locked.refunded_minor += amount_minor
    locked.status = Conversion.Status.REFUNDED if full else Conversion.Status.PARTLY_REFUNDED
    emit(
        "conversion.refunded",
        at=at,
        conversion=locked.public_id,
        refund=refund.public_id,
        customer=locked.customer.public_id,
    )
    return RecordedRefund(refund, locked, created=True)


@all_or_nothing
def reject_conversion(*, conversion: Conversion, reason: str, actor: Actor, at: datetime) -> Conversion:
    """Declare that a conversion does not count (cancelled, deleted, judged fraud); rewards follow by event.

    `reason` is a code. Repeating it changes nothing.
    """
    # The customer first, as in recording: another conversion may be taking up the same referral just now.
    Customer.objects.for_workspace(conversion.workspace_id).select_for_update(no_key=True).get(
        pk=conversion.customer_id
    )
    locked = (
        Conversion.objects.for_workspace(conversion.workspace_id)
        .select_for_update(no_key=True)
        .get(pk=conversion.pk)
    )
    if locked.status == Conversion.Status.REJECTED:
        return locked
    before = locked.status
    locked.status = Conversion.Status.REJECTED
    locked.save(update_fields=["status"])
    reject_referrals_of(conversion=locked, reason=reason, actor=actor.label, at=at)
    record_audit(
        workspace=locked.workspace,
        actor=actor,
        action="conversion.rejected",
        subject=locked.public_id,
        before={"status": before},
        after={"status": locked.status},
        reason=reason,
    )
    emit(
        "conversion.rejected",
        at=at,
        conversion=locked.public_id,
        customer=locked.customer.public_id,
        reason=reason,
    )
    return locked
