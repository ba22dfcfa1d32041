"""Several deliveries, events or messages taken up again at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from core.models import Event
from integrations.models import InboxItem, WebhookDelivery
from integrations.services.deliveries import retry_delivery, retry_event
from integrations.services.inbox import retry_item


@transaction.atomic
def retry_deliveries(*, deliveries: Sequence[WebhookDelivery], at: datetime) -> int:
    """Send several deliveries again; returns how many. Raises Conflict for a disabled endpoint."""
    return len([retry_delivery(delivery=each, at=at) for each in deliveries])


@transaction.atomic
def retry_events(*, events: Sequence[Event], at: datetime) -> int:
    """Deliver events again to the handlers that gave up; returns how many events had such a handler."""
    return len([each for each in events if retry_event(event=each, at=at)])


@transaction.atomic
def retry_items(*, items: Sequence[InboxItem], at: datetime) -> int:
    """Read several messages again that failed or were set aside; returns how many. Others raise Conflict."""
    return len([retry_item(item=each, at=at) for each in items])
