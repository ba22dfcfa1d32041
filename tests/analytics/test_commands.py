"""`rebuild_figures` and the scheduled job."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Workspace
from analytics import tasks
from analytics.models import DailyFigure
from core import clock
from core.tenancy import tenant
from tests.analytics.conftest import Facts


def clicks(workspace: Workspace) -> int:
    with tenant(workspace):
        rows = DailyFigure.objects.for_workspace(workspace).filter(program__isnull=True)
        return sum(rows.values_list("clicks", flat=True))


def test_every_day_since_the_first_fact_is_rebuilt(
    workspace: Workspace, other_workspace: Workspace, facts: Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    ana = facts.participant(facts.program(), enrolled=f"{clock.now() - timedelta(days=70):%Y-%m-%d} 10:00")
    facts.click(ana, f"{clock.now() - timedelta(days=69):%Y-%m-%d} 10:00")
    facts.click(ana, f"{clock.now() - timedelta(days=2):%Y-%m-%d} 10:00")
    call_command("rebuild_figures")
    told = capsys.readouterr().out
    assert f"{workspace.slug}: 3 of 3" in told
    assert f"{other_workspace.slug}: no facts" in told
    assert clicks(workspace) == 2


def test_a_period_of_one_workspace_is_rebuilt(
    workspace: Workspace, other_workspace: Workspace, facts: Facts, capsys: pytest.CaptureFixture[str]
) -> None:
    ana = facts.participant(facts.program())
    facts.click(ana, "2026-03-03 10:00")
    facts.click(ana, "2026-03-05 10:00")
    call_command(
        "rebuild_figures", "--workspace", workspace.slug, "--from", "2026-03-01", "--to", "2026-03-04"
    )
    assert capsys.readouterr().out == f"{workspace.slug}: 1 of 1, 2026-03-01 to 2026-03-04, 2 rows\n"
    assert clicks(workspace) == 1


@pytest.mark.parametrize(
    "arguments", [["--workspace", "nobody"], ["--from", "2026-03-02", "--to", "2026-03-01"]]
)
def test_what_cannot_be_rebuilt_is_said(workspace: Workspace, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("rebuild_figures", *arguments)


def test_the_job_visits_every_active_workspace(
    workspace: Workspace, other_workspace: Workspace, facts: Facts
) -> None:
    facts.click(facts.participant(facts.program()), f"{clock.now() - timedelta(days=1):%Y-%m-%d} 10:00")
    with tenant(other_workspace):
        theirs = Facts(other_workspace)
        theirs.click(theirs.participant(theirs.program()), f"{clock.now():%Y-%m-%d} 00:00")
    assert tasks.rebuild_recent() == 8
    assert clicks(workspace) == clicks(other_workspace) == 1
    assert tasks.rebuild_recent.name == "analytics.rebuild_recent"
