"""The migration operation that isolates a table, run on a table of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from core.isolation import GrantRuntimeRole, IsolateTable
from core.tenancy import DOORS, door, tenant
from tests.conftest import as_owner

TABLE = "isolation_probe"


@pytest.fixture
def probe(transactional_db: None) -> Iterator[None]:
    """A table written by the owner the way the operation writes one, with a row each for tenants 1 and 2."""
    operation = IsolateTable("Probe", doors={"workspaces": "SELECT", "queue": "ALL"}, append_only=False)
    with as_owner() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} (id bigint PRIMARY KEY, workspace_id bigint NOT NULL)")
        try:
            for statement in statements(operation):
                cursor.execute(statement)
            yield
        finally:
            cursor.execute(f"DROP TABLE {TABLE}")


class Recorder:
    """A schema editor that keeps the statements."""

    def __init__(self) -> None:
        self.run: list[str] = []

    def execute(self, sql: str) -> None:
        """Keep one statement."""
        self.run.append(sql)

    def quote_name(self, name: str) -> str:
        """Quote as Postgres does."""
        return f'"{name}"'


class State:
    """A project state with one model, whose table is the probe."""

    class _Model:
        class _meta:
            db_table = TABLE
            local_fields: list[Any] = []

    class apps:
        @staticmethod
        def get_model(app_label: str, name: str) -> type:
            """Return the one model."""
            return State._Model


def statements(operation: IsolateTable) -> list[str]:
    """Return what an operation would run."""
    recorder = Recorder()
    operation.database_forwards("core", recorder, State, State)  # type: ignore[arg-type]
    return recorder.run


def insert(row: int, workspace_id: int) -> None:
    """Insert one row as the application's role."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} (id, workspace_id) VALUES (%s, %s)", [row, workspace_id])


def rows() -> list[tuple[int, int]]:
    """Return what the application's role sees."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, workspace_id FROM {TABLE} ORDER BY id")
        return list(cursor.fetchall())


def run(sql: str) -> int:
    """Run a statement; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.rowcount)


def test_each_tenant_sees_and_writes_its_own_rows_only(probe: None) -> None:
    with tenant(1):
        insert(10, 1)
    with tenant(2):
        insert(20, 2)
        assert rows() == [(20, 2)]
        assert run(f"UPDATE {TABLE} SET id = 99 WHERE id = 10") == 0
        assert run(f"DELETE FROM {TABLE} WHERE id = 10") == 0
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            insert(11, 1)
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            run(f"UPDATE {TABLE} SET workspace_id = 1 WHERE id = 20")
    with tenant(1):
        assert rows() == [(10, 1)]


def test_without_a_tenant_nothing_is_there_and_nothing_is_taken(probe: None) -> None:
    with tenant(1):
        insert(10, 1)
    assert rows() == []
    assert run(f"DELETE FROM {TABLE}") == 0
    with pytest.raises(DatabaseError, match="row-level security"):
        insert(11, 1)


def test_a_door_opens_as_far_as_the_table_says(probe: None) -> None:
    for workspace_id in (1, 2):
        with tenant(workspace_id):
            insert(workspace_id * 10, workspace_id)
    with door("workspaces"):
        assert rows() == [(10, 1), (20, 2)]
        assert run(f"UPDATE {TABLE} SET id = 99 WHERE id = 10") == 0
    with door("queue"):
        assert run(f"UPDATE {TABLE} SET id = id + 1") == 2
    with door("memberships"):
        assert rows() == []


def test_the_owner_of_the_table_is_bound_too(probe: None) -> None:
    with tenant(1):
        insert(10, 1)
    with as_owner() as cursor:
        cursor.execute(f"SELECT count(*) FROM {TABLE}")
        assert cursor.fetchone() == (0,)


def test_an_append_only_table_takes_no_change_and_no_deletion() -> None:
    role = settings.DATABASE_RUNTIME_ROLE
    assert statements(IsolateTable("Probe", append_only=True))[-1] == (
        f'REVOKE UPDATE, DELETE, TRUNCATE ON "{TABLE}" FROM "{role}"'
    )


def test_an_unknown_door_is_refused() -> None:
    assert "back_door" not in DOORS
    with pytest.raises(ValueError, match=r"unknown doors: \['back_door'\]"):
        IsolateTable("Probe", doors={"back_door": "SELECT"})


def test_operations_describe_themselves() -> None:
    assert IsolateTable("Probe").describe() == "Isolate Probe by workspace"
    assert GrantRuntimeRole().describe() == "Grant the application's role its rights"
