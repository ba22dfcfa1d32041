"""Reading the links by which a friend confirms an e-mail address. Nothing is stored, and none names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.core import signing

from accounts import secrets
from accounts.models import Workspace
from programs.models import Customer

SALT: Final = "engagement.confirm-email"
LONGEST_TOKEN: Final = 400
_DIGITS: Final = 24


@dataclass(frozen=True, slots=True)
class ConfirmationToken:
    """What a link says: whose address, known by a keyed hash, and until when by the real clock."""

    workspace_id: int
    customer_id: str
    address: str
    expires_at: datetime


def address_hash(customer_id: str, email: str) -> str:
    """Return what stands for a customer's address in a link; the same address of another gives another."""
    return secrets.keyed_hash(f"confirm {customer_id} {email.lower()}")[:_DIGITS]


def read_confirmation(token: str) -> ConfirmationToken | None:
    """Return what a link says, whether or not it has expired; None for one that we did not sign."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    try:
        said: dict[str, Any] = signing.Signer(salt=SALT).unsign_object(token)
    except signing.BadSignature:
        return None
    return ConfirmationToken(
        workspace_id=said["w"],
        customer_id=said["c"],
        address=said["a"],
        expires_at=datetime.fromtimestamp(said["e"], tz=UTC),
    )


def confirming_customer(said: ConfirmationToken) -> Customer | None:
    """Return whose address a link confirms, workspace loaded, in the workspace's own transaction.

    None once the address on file is another, and where the workspace is not active.
    """
    customer: Customer | None = (
        Customer.objects.for_workspace(said.workspace_id)
        .select_related("workspace")
        .filter(public_id=said.customer_id, workspace__status=Workspace.Status.ACTIVE)
        .first()
    )
    if customer is None or not customer.email:
        return None
    return customer if address_hash(customer.public_id, customer.email) == said.address else None
