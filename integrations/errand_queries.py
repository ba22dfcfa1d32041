"""Reads about handing over: who hands over what, and how to reach them."""

from __future__ import annotations

from accounts.models import Workspace
from integrations.models import Connection
from integrations.providers import ShopAccess
from integrations.providers.registry import ISSUERS
from integrations.queries import shop_access


def routes(workspace: Workspace) -> dict[str, str]:
    """Return, by kind of reward, the public id of the connection that hands it over: the oldest that can."""
    found: dict[str, str] = {}
    rows = Connection.objects.for_workspace(workspace).filter(status=Connection.Status.ACTIVE)
    for row in rows.exclude(sealed_keys="").order_by("pk"):
        issuer = ISSUERS.get(row.provider)
        for kind in issuer.kinds if issuer else ():
            found.setdefault(kind, row.public_id)
    return found


def issuing_connection(workspace_id: int, public_id: str) -> tuple[str, ShopAccess] | None:
    """Return an active connection's provider and access; None where it cannot be asked any more."""
    row = (
        Connection.objects.for_workspace(workspace_id)
        .filter(public_id=public_id, status=Connection.Status.ACTIVE)
        .exclude(sealed_keys="")
        .first()
    )
    return None if row is None else (row.provider, shop_access(row))
