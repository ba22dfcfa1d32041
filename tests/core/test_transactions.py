"""Blocks that fail as one: no savepoints inside, and records written at their end."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM, record_audit
from core.transactions import all_or_nothing, failing_as_one


@all_or_nothing
def note(workspace: Workspace, action: str) -> None:
    """Write an audit entry as every service does."""
    record_audit(workspace=workspace, actor=SYSTEM, action=action, subject="x")


def actions(workspace: Workspace) -> list[str]:
    """Return what stands in the audit log, oldest first."""
    return list(AuditEntry.objects.for_workspace(workspace).order_by("pk").values_list("action", flat=True))


def test_records_of_a_block_are_written_at_its_end(workspace: Workspace) -> None:
    before = len(actions(workspace))
    with CaptureQueriesContext(connection) as asked, failing_as_one():
        note(workspace, "a")
        note(workspace, "b")
        assert len(asked) == 0
    assert actions(workspace)[before:] == ["a", "b"]
    assert sum("INSERT" in each["sql"] for each in asked.captured_queries) == 1


def test_outside_of_a_block_each_is_written_at_once(workspace: Workspace) -> None:
    before = len(actions(workspace))
    note(workspace, "a")
    assert actions(workspace)[before:] == ["a"]


def test_a_block_that_fails_writes_nothing(workspace: Workspace) -> None:
    before = actions(workspace)

    def stumble() -> None:
        with failing_as_one():
            note(workspace, "a")
            raise RuntimeError("stumbled")

    with pytest.raises(RuntimeError, match="stumbled"):
        stumble()
    assert actions(workspace) == before
    # The next block has nothing of the last.
    with failing_as_one():
        note(workspace, "b")
    assert actions(workspace) == [*before, "b"]
