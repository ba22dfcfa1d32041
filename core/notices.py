"""Notices to every process that what a workspace promises has changed, sent by Postgres with the commit."""

from __future__ import annotations

from typing import Final

from django.db import connection

CHANNEL: Final = "workspace_changed"
"""Where the notices go; each carries the primary key of the workspace."""


def tell_of_change(workspace_id: int) -> None:
    """Have every listening process forget what it remembers of a workspace once this transaction commits.

    Called by each service that changes where a link leads or whether it does. A trigger could not be
    forgotten, but acts unseen, and a distributed Postgres refuses it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(workspace_id)])
