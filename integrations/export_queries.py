"""What integrations hold about one person."""

from __future__ import annotations

from typing import Any

from integrations.models import InboxItem
from programs.models import Customer
from tracking.models import Conversion

_MOST = 10_000


def held_about(customer: Customer) -> dict[str, Any]:
    """Return the messages of shops that became a person's conversions, as they were received."""
    workspace = customer.workspace
    own = Conversion.objects.for_workspace(workspace).filter(customer=customer)
    theirs = list(own.order_by("-pk").values_list("public_id", flat=True)[:_MOST])
    items = InboxItem.objects.for_workspace(workspace).filter(subjects__has_any_keys=theirs)
    return {
        "received": [
            {
                "id": item.public_id,
                "topic": item.topic,
                "received_at": item.received_at.isoformat(),
                "body": bytes(item.body).decode("utf-8", "replace"),
            }
            for item in items.order_by("pk")
        ]
    }
