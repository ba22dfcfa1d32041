"""The migration operation that puts a table behind row-level security."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.conf import settings
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from core.tenancy import DOORS, TenantForeignKey

Access = Literal["SELECT", "INSERT", "ALL"]
_TENANT = "nullif(current_setting('app.workspace', true), '')::bigint"


class GrantRuntimeRole(Operation):
    """Let the application's role read and write the tables that the owner makes from here on, and no more.

    It gets no TRUNCATE and owns nothing. Where one role does both jobs this changes nothing.
    """

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing in the model state."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        role = schema_editor.quote_name(settings.DATABASE_RUNTIME_ROLE)
        grant = "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT"
        schema_editor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        schema_editor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        schema_editor.execute(f"{grant} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}")
        schema_editor.execute(f"{grant} USAGE, SELECT ON SEQUENCES TO {role}")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Do nothing: the rights go with the tables."""

    def describe(self) -> str:
        return "Grant the application's role its rights"


class IsolateTable(Operation):
    """Force row-level security on a tenant table and tie its relations to the workspace.

    The policy compares the bare column, because casting the column makes every look-up a sequential scan.
    Foreign keys to other tenant tables become composite with the workspace: the checks behind a simple one
    bypass row-level security and would accept another tenant's row. `append_only` takes UPDATE and DELETE
    away from the application's role. `doors` maps names from `core.tenancy.DOORS` to SELECT, to INSERT (which
    reads as well), or to ALL. A table that is split by a column, `partitioned_by`, has it in its keys.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        model_name: str,
        doors: Mapping[str, Access] | None = None,
        append_only: bool = False,
        column: str = "workspace_id",
        partitioned_by: str = "",
    ) -> None:
        self.model_name = model_name
        self.doors = dict(doors or {})
        self.append_only = append_only
        self.column = column
        self.partitioned_by = partitioned_by
        unknown = set(self.doors) - set(DOORS)
        if unknown:
            raise ValueError(f"unknown doors: {sorted(unknown)}")

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing in the model state: policies live in the database only."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model: type[models.Model] = to_state.apps.get_model(app_label, self.model_name)
        table, column = model._meta.db_table, self.column
        run = schema_editor.execute
        run(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        run(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
        run(
            f'CREATE POLICY tenant ON "{table}" USING ("{column}" = {_TENANT}) '
            f'WITH CHECK ("{column}" = {_TENANT})'
        )
        for name, access in self.doors.items():
            opened = f"current_setting('app.door', true) = '{name}'"
            if access == "INSERT":
                run(f'CREATE POLICY "door_{name}_insert" ON "{table}" FOR INSERT WITH CHECK ({opened})')
                access = "SELECT"
            check = f" WITH CHECK ({opened})" if access == "ALL" else ""
            run(f'CREATE POLICY "door_{name}" ON "{table}" FOR {access} USING ({opened}){check}')
        names = {field.name for field in model._meta.local_fields}
        more = f', "{self.partitioned_by}"' if self.partitioned_by else ""
        if column != "id" and "id" in names and not self.partitioned_by:
            run(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_ws_id" UNIQUE ("{column}", "id")')
        if column != "id" and "public_id" in names:
            keys = f'"{column}", "public_id"{more}'
            run(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_ws_pid" UNIQUE ({keys})')
        for field in model._meta.local_fields:
            self._tie(schema_editor, model, field)
        if self.append_only:
            role = schema_editor.quote_name(settings.DATABASE_RUNTIME_ROLE)
            run(f'REVOKE UPDATE, DELETE, TRUNCATE ON "{table}" FROM {role}')

    def _tie(self, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model], field: Any) -> None:
        if not isinstance(field, TenantForeignKey):
            return
        table, target = model._meta.db_table, field.remote_field.model._meta
        if field.tied:
            schema_editor.execute(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{field.column}_ws_fk" '
                f'FOREIGN KEY ("{self.column}", "{field.column}") '
                f'REFERENCES "{target.db_table}" ("workspace_id", "id") DEFERRABLE INITIALLY DEFERRED'
            )
        leading = [list(index.fields)[:2] for index in model._meta.indexes]
        leading += [list(getattr(constraint, "fields", ()))[:2] for constraint in model._meta.constraints]
        if [self.column.removesuffix("_id"), field.name] not in leading:
            schema_editor.execute(
                f'CREATE INDEX "{table}_{field.column}_ws" ON "{table}" ("{self.column}", "{field.column}")'
            )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Do nothing: the policies and keys go with the table, which the same migration drops."""

    def describe(self) -> str:
        return f"Isolate {self.model_name} by workspace"
