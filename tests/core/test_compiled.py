"""Queries that are written once and run for other workspaces and times."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM, record_audit
from core import clock
from core.compiled import CompiledQuery
from core.tenancy import MissingTenant, tenant
from tests.conftest import make_workspace
from tests.factories import UserFactory

built: list[int] = []


def written_since(workspace: int, at: datetime) -> QuerySet[Any]:
    """Find the audit entries of a workspace since a time."""
    built.append(workspace)
    return AuditEntry.objects.for_workspace(workspace).filter(at__gte=at).order_by("pk").values("action")


def test_one_text_answers_for_every_workspace_and_time(workspace: Workspace) -> None:
    built.clear()
    query, now = CompiledQuery(written_since), clock.now()
    other = make_workspace(UserFactory.create(email="other@other.example"))
    for place in (workspace, other):
        with tenant(place):
            record_audit(workspace=place, actor=SYSTEM, action=f"of.{place.pk}", subject="x")
            rows = query.rows(workspace_id=place.pk, at=now - timedelta(minutes=1))
            assert rows[-1] == {"action": f"of.{place.pk}"}
            assert query.rows(workspace_id=place.pk, at=now + timedelta(days=1)) == []
    assert len(built) == 1
    with tenant(workspace):
        # The policies guard what the text asks for.
        assert query.rows(workspace_id=other.pk, at=now - timedelta(days=1)) == []


def test_a_query_that_names_no_workspace_is_refused(workspace: Workspace) -> None:
    def everything(_: int, __: datetime) -> QuerySet[Any]:
        return AuditEntry.objects.get_queryset().values("action")

    with pytest.raises(MissingTenant):
        CompiledQuery(everything).rows(workspace_id=workspace.pk, at=clock.now())
