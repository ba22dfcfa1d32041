"""What engagement holds about one person."""

from __future__ import annotations

from typing import Any

from engagement.queries.messages import messages_of
from programs.models import Customer


def held_about(customer: Customer) -> dict[str, Any]:
    """Return the mails that were written to a person as JSON values, oldest first."""
    rows = messages_of(customer.workspace)
    mails = rows.filter(to_email=customer.email).order_by("pk") if customer.email else rows.none()
    return {
        "messages": [
            {
                "id": mail.public_id,
                "kind": mail.kind,
                "to": mail.to_email,
                "subject": mail.subject,
                "text": mail.text,
                "sent_at": mail.sent_at and mail.sent_at.isoformat(),
            }
            for mail in mails
        ]
    }
