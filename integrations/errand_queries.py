"""Reads about handing over: who hands over what, and how to reach them."""

from __future__ import annotations

from typing import Any

from accounts import secrets
from accounts.models import Workspace
from integrations.models import Connection
from integrations.providers.issuing import Issuer
from integrations.providers.registry import ISSUERS


def deliverers(workspace: Workspace) -> dict[str, list[tuple[str, str]]]:
    """Return, by kind of reward, the connections that can hand it over, the oldest first: public id, name."""
    found: dict[str, list[tuple[str, str]]] = {}
    rows = Connection.objects.for_workspace(workspace).filter(status=Connection.Status.ACTIVE)
    for row in rows.exclude(sealed_keys="").order_by("pk"):
        issuer = ISSUERS.get(row.provider)
        for kind in issuer.kinds if issuer else ():
            found.setdefault(kind, []).append((row.public_id, row.name))
    return found


def issuing_connection(workspace_id: int, public_id: str) -> tuple[Issuer, Any] | None:
    """Return how an active connection hands over, and its access; None where it cannot be asked any more."""
    row = (
        Connection.objects.for_workspace(workspace_id)
        .filter(public_id=public_id, status=Connection.Status.ACTIVE)
        .exclude(sealed_keys="")
        .first()
    )
    issuer = ISSUERS.get(row.provider) if row else None
    if row is None or issuer is None:
        return None
    key, _, secret = secrets.decrypt(row.sealed_keys, bound_to=row.public_id).partition(":")
    return issuer, issuer.access(row.shop_url, key, secret, getattr(row, "options", {}))
