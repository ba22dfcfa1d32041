"""What tracking holds about one person."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from programs.models import Customer
from tracking.models import Appeal, Click, Conversion, FraudListEntry, Referral, Refund, Touchpoint


def held_about(customer: Customer) -> dict[str, Any]:
    """Return the clicks, contacts, conversions, referrals and appeals of a person as JSON values."""
    workspace = customer.workspace
    touches = Touchpoint.objects.for_workspace(workspace).filter(customer=customer).order_by("occurred_at")
    conversions = Conversion.objects.for_workspace(workspace).filter(customer=customer).order_by("pk")
    clicks = Click.objects.for_workspace(workspace).filter(
        pk__in=[touch.click_id for touch in touches if touch.click_id is not None]
    )
    referrals = Referral.objects.for_workspace(workspace).filter(
        Q(customer=customer) | Q(participant__customer=customer)
    )
    appeals = Appeal.objects.for_workspace(workspace).filter(participant__customer=customer).order_by("pk")
    lists = FraudListEntry.objects.for_workspace(workspace).filter(
        Q(kind="email", pattern=customer.mailbox) | Q(kind="customer", pattern=customer.external_id or "")
    )
    return {
        "clicks": [
            {
                "id": click.public_id,
                "occurred_at": click.occurred_at.isoformat(),
                "visitor_id": click.visitor_id,
                "channel": click.channel,
                "referrer_host": click.referrer_host,
                "country": click.country,
                "counted": click.counted,
            }
            for click in clicks.order_by("occurred_at")
        ],
        "contacts": [
            {
                "id": touch.public_id,
                "kind": touch.kind,
                "channel": touch.channel,
                "visitor_id": touch.visitor_id,
                "referrer_host": touch.referrer_host,
                "country": touch.country,
                "occurred_at": touch.occurred_at.isoformat(),
            }
            for touch in touches
        ],
        "conversions": [
            {
                "id": conversion.public_id,
                "kind": conversion.kind,
                "event_name": conversion.event_name,
                "source": conversion.source,
                "source_key": conversion.source_key,
                "status": conversion.status,
                "amount_minor": conversion.amount_minor,
                "refunded_minor": conversion.refunded_minor,
                "currency": conversion.currency,
                "metadata": conversion.metadata,
                "occurred_at": conversion.occurred_at.isoformat(),
            }
            for conversion in conversions
        ],
        "refunds": [
            {
                "id": refund.public_id,
                "amount_minor": refund.amount_minor,
                "at": refund.occurred_at.isoformat(),
            }
            for refund in Refund.objects.for_workspace(workspace)
            .filter(conversion__in=conversions)
            .order_by("pk")
        ],
        "referrals": [
            {
                "id": referral.public_id,
                "as": "friend" if referral.customer_id == customer.pk else "referrer",
                "status": referral.status,
                "channel": referral.channel,
                "started_at": referral.started_at.isoformat(),
            }
            for referral in referrals.order_by("pk")
        ],
        "appeals": [
            {
                "id": appeal.public_id,
                "status": appeal.status,
                "message": appeal.message,
                "answer": appeal.answer,
            }
            for appeal in appeals
        ],
        "list_entries": [
            {"id": entry.public_id, "mode": entry.mode, "pattern": entry.pattern}
            for entry in lists
            if entry.pattern
        ],
    }
