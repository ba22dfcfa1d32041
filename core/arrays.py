"""Many rows in one statement that carries an array for each column.

The ORM builds an expression for every value it inserts, and a condition for every row it updates: at a
hundred thousand rows building the statements takes many times as long as running them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection, models

AT_ONCE: Final = 2000


def insert(rows: Sequence[models.Model], *, ignore_conflicts: bool = False) -> list[int]:
    """Store new rows of one table; returns the positions of those that were stored.

    They get their keys. With `ignore_conflicts` a row that breaks a unique constraint is left out; the table
    needs a public id then. Values are those of simple columns: text, numbers, times, yes or no, JSON.
    """
    stored: list[int] = []
    for start in range(0, len(rows), AT_ONCE):
        chunk = rows[start : start + AT_ONCE]
        stored += [start + position for position in _insert(chunk, ignore_conflicts)]
    return stored


def _insert(rows: Sequence[models.Model], ignore_conflicts: bool) -> list[int]:
    meta = rows[0]._meta
    fields = [field for field in meta.local_concrete_fields if not field.primary_key]
    columns = ", ".join(_quoted(str(field.column)) for field in fields)
    types = ", ".join(f"%s::{_type(field)}[]" for field in fields)
    names = [field.attname for field in fields]
    returned = "id, public_id" if ignore_conflicts else "id"
    conflict = "ON CONFLICT DO NOTHING " if ignore_conflicts else ""
    values = [array(getattr(row, name) for row in rows) for name in names]
    # The columns are the model's own; every value is a parameter.
    statement = (
        f"INSERT INTO {_quoted(meta.db_table)} ({columns}) SELECT * FROM unnest({types}) "  # noqa: S608
        f"{conflict}RETURNING {returned}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
    positions = list(range(len(rows)))
    if ignore_conflicts:
        by_id = {getattr(row, "public_id"): position for position, row in enumerate(rows)}  # noqa: B009
        positions = [by_id[public_id] for _, public_id in found]
    for position, (pk, *_) in zip(positions, found, strict=True):
        row = rows[position]
        row.pk = pk
        row._state.adding = False
        row._state.db = connection.alias
    return positions


def update(
    model: type[models.Model],
    *,
    workspace_id: int,
    column: str,
    values: Mapping[int, int],
    add: bool = False,
) -> int:
    """Give rows, by their keys, a new value in a column of whole numbers, or `add` it; returns how many.

    The caller has locked them in the order of their keys, so that two callers never wait for each other.
    """
    table, name = _quoted(model._meta.db_table), _quoted(column)
    value = f"{table}.{name} + given.value" if add else "given.value"
    # Table and column are the model's own; every value is a parameter.
    statement = (
        f"UPDATE {table} SET {name} = {value} FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, value) "  # noqa: S608
        f"WHERE {table}.workspace_id = %s AND {table}.id = given.id"
    )
    changed, keys = 0, list(values)
    for start in range(0, len(keys), AT_ONCE):
        chunk = keys[start : start + AT_ONCE]
        with connection.cursor() as cursor:
            cursor.execute(statement, [array(chunk), array(values[key] for key in chunk), workspace_id])
            changed += cursor.rowcount
    return changed


def array(values: Iterable[Any]) -> str:
    """Write values as Postgres writes an array: as text it is read far faster than as an expression."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, str):
        text = value
    elif isinstance(value, date | datetime):
        text = value.isoformat()
    else:
        text = json.dumps(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _type(field: models.Field[Any, Any]) -> str:
    # Without the length: a cast to it would cut a text that is too long, which the column refuses.
    return str(field.db_type(connection)).partition("(")[0]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
