"""Every tenant table, seen and attacked from another tenant's connection and from nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Workspace
from core.isolation import IsolateTable
from core.tenancy import DOORS, door, tenant
from tests.architecture.catalogue import column_of, operations, person, tenant_models
from tests.architecture.rows import row_for
from tests.conftest import make_workspace

OTHERS = sorted(table for table in tenant_models() if table != "accounts_workspace")


def run(sql: str, *parameters: Any) -> int:
    """Run a statement as the application's role; returns how many rows it found or touched."""
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} /* workspace_id */", parameters)
        return int(cursor.rowcount)


def refused(sql: str, *parameters: Any) -> bool:
    """Tell whether Postgres refused a statement for want of rights."""
    try:
        with transaction.atomic():
            run(sql, *parameters)
    except DatabaseError as error:
        if "row-level security" in str(error) or "permission denied" in str(error):
            return True
        raise
    return False


@pytest.fixture
def places(db: None) -> Iterator[tuple[Workspace, Workspace]]:
    """Two tenants; whatever the test inserts is taken back before foreign keys are checked."""
    mine = make_workspace(person(), name="Mine")
    theirs = make_workspace(person(), name="Theirs")
    with transaction.atomic():
        yield mine, theirs
        transaction.set_rollback(True)


@pytest.mark.parametrize("table", OTHERS)
def test_another_tenants_row_cannot_be_seen_or_touched(
    table: str, places: tuple[Workspace, Workspace]
) -> None:
    mine, theirs = places
    model, append_only = tenant_models()[table], operations()[table].append_only
    with tenant(theirs):
        # The base save would look the row up first; a bulk insert is the plain statement.
        model._default_manager.bulk_create([row_for(model, theirs.pk)])
        visible = run(f'SELECT * FROM "{table}"')
    assert visible >= 1
    everything = f'SELECT * FROM "{table}"'
    # Not even by naming the other tenant outright.
    outright = f'SELECT * FROM "{table}" WHERE workspace_id = {theirs.pk}'
    attacks = (
        f'UPDATE "{table}" SET workspace_id = {mine.pk} WHERE workspace_id = {theirs.pk}',
        f'UPDATE "{table}" SET workspace_id = workspace_id WHERE workspace_id = {theirs.pk}',
        f'DELETE FROM "{table}" WHERE workspace_id = {theirs.pk}',
    )
    sweeps = (f'UPDATE "{table}" SET workspace_id = workspace_id', f'DELETE FROM "{table}"')
    with tenant(mine):
        assert run(outright) == 0
        for attack in attacks:
            assert refused(attack) if append_only else run(attack) == 0, attack
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            model._default_manager.bulk_create([row_for(model, theirs.pk)])
        # A row of one's own cannot be handed to another tenant either.
        model._default_manager.bulk_create([row_for(model, mine.pk)])
        assert refused(f'UPDATE "{table}" SET workspace_id = {theirs.pk}')
        assert refused(f'TRUNCATE "{table}"')
        own = run(everything)
        for sweep in sweeps:
            assert refused(sweep) if append_only else run(sweep) == own, sweep
    # Nobody's connection: no tenant, no door.
    assert (run(everything), run(outright)) == (0, 0)
    for attack in (*attacks, *sweeps):
        assert refused(attack) if append_only else run(attack) == 0, attack
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        model._default_manager.bulk_create([row_for(model, theirs.pk)])
    with tenant(theirs):
        assert run(f'SELECT * FROM "{table}" WHERE workspace_id = {theirs.pk}') == visible


@pytest.mark.parametrize("name", sorted(DOORS))
def test_a_door_leads_to_its_own_tables_only(name: str, places: tuple[Workspace, Workspace]) -> None:
    _, theirs = places
    with tenant(theirs):
        for table in OTHERS:
            model = tenant_models()[table]
            model._default_manager.bulk_create([row_for(model, theirs.pk)])
    isolation = operations()
    with door(name):
        visible = {table for table in tenant_models() if run(f'SELECT * FROM "{table}"')}
    assert visible == {table for table, operation in isolation.items() if name in operation.doors}
    with door(name):
        for table, operation in isolation.items():
            column = column_of(table)
            if operation.doors.get(name) == "ALL":
                continue
            update = f'UPDATE "{table}" SET {column} = {column}'
            assert refused(update) if operation.append_only else run(update) == 0, table


def test_workspaces_do_not_see_each_other(places: tuple[Workspace, Workspace]) -> None:
    mine, theirs = places
    with tenant(mine):
        assert run("SELECT * FROM accounts_workspace") == 1
        assert run("UPDATE accounts_workspace SET name = 'x' WHERE id = %s", theirs.pk) == 0
        assert run("DELETE FROM accounts_workspace WHERE id = %s", theirs.pk) == 0
        assert refused(f"UPDATE accounts_workspace SET id = {theirs.pk}")
        assert refused(
            "INSERT INTO accounts_workspace (id, public_id, name, slug, currency, time_zone, status, "
            f"clock_offset, email_from_name, created_at) SELECT {theirs.pk} + 900, 'x', name, 'new', "
            "currency, time_zone, status, clock_offset, email_from_name, created_at FROM accounts_workspace"
        )
    assert run("SELECT * FROM accounts_workspace") == 0


def test_a_relation_to_another_tenants_row_is_refused(db: None) -> None:
    """Foreign keys are checked past the policies, so only a composite key keeps them inside."""
    mine = make_workspace(person(), name="Mine")
    theirs = make_workspace(person(), name="Theirs")
    customer, account = tenant_models()["programs_customer"], tenant_models()["rewards_account"]
    with tenant(theirs):
        foreign = customer._default_manager.create(workspace=theirs)
    pointing = account(workspace=mine, kind="pending", unit="EUR", customer_id=foreign.pk)
    with tenant(mine):
        account._default_manager.bulk_create([pointing])
        with pytest.raises(DatabaseError, match="rewards_account_customer_id_ws_fk"), transaction.atomic():
            run("SET CONSTRAINTS ALL IMMEDIATE")
        account._default_manager.for_workspace(mine).delete()


def test_the_setting_ends_with_the_transaction(db: None) -> None:
    place = make_workspace(person())
    with tenant(place):
        assert run("SELECT * FROM accounts_workspace") == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.workspace', true), current_setting('app.door', true)")
        assert cursor.fetchone() == ("", "")
    assert run("SELECT * FROM accounts_workspace") == 0


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_handed_on_carries_nobodys_rights() -> None:
    place = make_workspace(person())
    with tenant(place):
        assert run("SELECT * FROM accounts_workspace") == 1
    assert connection.connection is not None
    assert run("SELECT * FROM accounts_workspace") == 0
    with pytest.raises(ZeroDivisionError), tenant(place):
        _ = 1 / 0
    assert run("SELECT * FROM accounts_workspace") == 0


def test_isolation_covers_every_tenant_table() -> None:
    assert set(operations()) == set(tenant_models())
    assert all(isinstance(operation, IsolateTable) for operation in operations().values())
