"""The tenant tables: as the models name them, as the migrations isolate them, as Postgres keeps them."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from accounts.models import User, Workspace
from core.isolation import IsolateTable

numbers = count(1_000_000)


def person() -> User:
    """Create somebody who never types a password; hashing one for each would take most of the time."""
    return User.objects.create(email=f"person{next(numbers)}@example.com", password="!")


def ask(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a question to the catalogue."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def tenant_models() -> dict[str, type[Any]]:
    """Return every model with a workspace, by table; the workspaces' own table is one of them."""
    return {
        model._meta.db_table: model
        for model in apps.get_models()
        if model is Workspace or any(field.column == "workspace_id" for field in model._meta.local_fields)
    }


def column_of(table: str) -> str:
    """Return the column that names the tenant."""
    return "id" if table == "accounts_workspace" else "workspace_id"


@cache
def operations() -> dict[str, IsolateTable]:
    """Return the isolation of each table as the migrations declare it."""
    loader = MigrationLoader(None)
    found = {}
    for (app, _), migration in loader.disk_migrations.items():
        for operation in migration.operations:
            if isinstance(operation, IsolateTable):
                model = apps.get_model(app, operation.model_name)
                found[model._meta.db_table] = operation
    return found
