"""Everything that is held about one person, for whoever asks for their own data."""

from __future__ import annotations

from typing import Any

from accounts.queries import audit_entries
from core.answers import parts_of
from programs.models import Customer, Exposure, Link, Participant, PromoCode


def held_about(customer: Customer) -> dict[str, Any]:
    """Return all that the workspace holds about a person as JSON values, with a part from every app.

    Keyed hashes are left out: they tell the person nothing. Instants are ISO 8601.
    """
    workspace = customer.workspace
    own = list(
        Participant.objects.for_workspace(workspace)
        .filter(customer=customer)
        .select_related("program")
        .order_by("pk")
    )
    ids = [customer.public_id, *(participant.public_id for participant in own)]
    return {
        "customer": {
            "id": customer.public_id,
            "external_id": customer.external_id,
            "email": customer.email,
            "mailbox": customer.mailbox,
            "name": customer.name,
            "country": customer.country,
            "attributes": customer.attributes,
            "created_at": customer.created_at.isoformat(),
            "email_verified_at": customer.email_verified_at and customer.email_verified_at.isoformat(),
            "erased_at": customer.erased_at and customer.erased_at.isoformat(),
        },
        "participations": [
            {
                "id": participant.public_id,
                "program": participant.program.name,
                "status": participant.status,
                "display_name": participant.display_name,
                "enrolled_at": participant.enrolled_at.isoformat(),
                "links": _codes(Link.objects.for_workspace(workspace), participant),
                "promo_codes": _codes(PromoCode.objects.for_workspace(workspace), participant),
                "experiments": [
                    {
                        "id": seen.public_id,
                        "name": seen.experiment.name,
                        "variant": seen.variant,
                        "at": seen.at.isoformat(),
                    }
                    for seen in Exposure.objects.for_workspace(workspace)
                    .filter(participant=participant)
                    .select_related("experiment")
                    .order_by("pk")
                ],
            }
            for participant in own
        ],
        "changes": [
            {
                "action": entry.action,
                "subject": entry.subject,
                "reason": entry.reason,
                "at": entry.at.isoformat(),
            }
            for entry in audit_entries(workspace).filter(subject__in=ids)
        ],
        **parts_of("customer", customer),
    }


def _codes(rows: Any, participant: Participant) -> list[dict[str, str]]:
    return [
        {
            "id": row.public_id,
            "code": row.code,
            "status": row.status,
            "created_at": row.created_at.isoformat(),
        }
        for row in rows.filter(participant=participant).order_by("pk")
    ]
