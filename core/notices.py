"""The migration operation that has Postgres tell every process when a workspace's rows change."""

from __future__ import annotations

from typing import Final

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

CHANNEL: Final = "workspace_changed"
"""Where the notices go; each carries the primary key of the workspace."""


class TellOfChanges(Operation):
    """Send a notice on `CHANNEL` with each committed UPDATE of a table's row, and with more kinds if asked.

    `column` holds the workspace's primary key. A trigger does it, so that nobody who changes a row, by
    whatever way, can forget to.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, app: str, model_name: str, column: str = "workspace_id", on: str = "UPDATE") -> None:
        self.app = app
        self.model_name = model_name
        self.column = column
        self.on = on

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing in the model state."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = to_state.apps.get_model(self.app, self.model_name)._meta.db_table
        schema_editor.execute(
            f'CREATE FUNCTION "{table}_tell"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
            f'PERFORM pg_notify(\'{CHANNEL}\', coalesce(new."{self.column}", old."{self.column}")::text); '
            "RETURN NULL; END $$",
            params=None,
        )
        schema_editor.execute(
            f'CREATE TRIGGER "{table}_tell" AFTER {self.on} ON "{table}" '
            f'FOR EACH ROW EXECUTE FUNCTION "{table}_tell"()'
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Drop the trigger with its function."""
        table = from_state.apps.get_model(self.app, self.model_name)._meta.db_table
        schema_editor.execute(f'DROP FUNCTION IF EXISTS "{table}_tell" CASCADE')

    def describe(self) -> str:
        return f"Tell of changes of {self.model_name}"
