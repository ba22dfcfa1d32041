"""Reads of the mail log."""

from __future__ import annotations

from django.db.models import QuerySet

from core.tenancy import HasWorkspaceId
from engagement.models import Message


def messages_of(workspace: HasWorkspaceId) -> QuerySet[Message]:
    """Return the messages of a workspace, newest first."""
    rows: QuerySet[Message] = Message.objects.for_workspace(workspace)
    return rows.order_by("-pk")
