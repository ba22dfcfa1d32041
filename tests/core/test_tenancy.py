"""Isolation as code sees it; the catalogue and the other tenant's connection are in tests/architecture."""

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.models import Workspace
from core.tenancy import MissingTenant, door, tenant
from programs.models import Customer
from tests.factories import CustomerFactory, LinkFactory, ParticipantFactory


def test_a_query_without_a_workspace_is_refused(workspace: Workspace) -> None:
    with pytest.raises(MissingTenant):
        list(Customer.objects.all())
    with pytest.raises(MissingTenant):
        Customer.objects.filter(name="x").exists()
    with pytest.raises(MissingTenant):
        Customer.objects.for_workspace(None)


def test_the_database_hides_other_tenants_even_from_raw_sql(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        CustomerFactory.create(workspace=other_workspace, name="Hidden")
    mine = CustomerFactory.create(workspace=workspace, name="Mine")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM programs_customer -- workspace_id")
        assert cursor.fetchall() == [(mine.pk,)]


def test_writing_a_foreign_row_is_refused_by_the_database(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        CustomerFactory.create(workspace=other_workspace)
    assert Customer.objects.for_workspace(workspace).count() == 0


def test_nested_tenants_switch_and_switch_back(workspace: Workspace, other_workspace: Workspace) -> None:
    CustomerFactory.create(workspace=workspace)
    with tenant(other_workspace):
        assert Customer.objects.for_workspace(other_workspace).count() == 0
        assert Customer.objects.for_workspace(workspace).count() == 0
    assert Customer.objects.for_workspace(workspace).count() == 1


def test_a_failing_nested_tenant_switches_back(workspace: Workspace, other_workspace: Workspace) -> None:
    CustomerFactory.create(workspace=workspace)
    with pytest.raises(RuntimeError), tenant(other_workspace):
        raise RuntimeError
    assert Customer.objects.for_workspace(workspace).count() == 1


def test_a_door_opens_only_the_tables_it_names(workspace: Workspace) -> None:
    CustomerFactory.create(workspace=workspace)
    with door("workspaces"):
        assert Workspace.objects.through_door("workspaces").count() == 2
        assert Customer.objects.for_workspace(workspace).count() == 0
        with pytest.raises(MissingTenant):
            Workspace.objects.through_door("queue")
    with pytest.raises(MissingTenant), door("back_door"):
        pass


def test_relations_stay_in_the_rows_workspace_both_ways(workspace: Workspace) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    link = LinkFactory.create(workspace=workspace, participant=participant)
    link.refresh_from_db()
    assert link.participant == participant
    assert list(participant.links.all()) == [link]
    assert participant.links.filter(code=link.code).exists()
