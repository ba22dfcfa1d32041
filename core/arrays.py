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
    if not rows:
        return []
    fields = _fields(type(rows[0]))
    columns = {field.attname: [field.pre_save(row, True) for row in rows] for field in fields}
    keys = insert_columns(type(rows[0]), columns, ignore_conflicts=ignore_conflicts)
    stored = []
    for position, (row, key) in enumerate(zip(rows, keys, strict=True)):
        if key is not None:
            row.pk = key
            row._state.adding = False
            row._state.db = connection.alias
            stored.append(position)
    return stored


def insert_columns(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]], *, ignore_conflicts: bool = False
) -> list[int | None]:
    """Store new rows given as columns of equal length, by attribute name; a missing one has its default.

    Returns each row's key in order, None for one that was left out. Making a model's object takes several
    times as long as all the rest, where nobody needs it. As for `insert` otherwise.
    """
    many = len(next(iter(columns.values())))
    given = {
        field: columns[field.attname]
        if field.attname in columns
        else [field.get_default() for _ in range(many)]
        for field in _fields(model)
    }
    keys: list[int | None] = []
    for start in range(0, many, AT_ONCE):
        chunk = {field: values[start : start + AT_ONCE] for field, values in given.items()}
        keys += _insert(model, chunk, ignore_conflicts)
    return keys


def _fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.local_concrete_fields if not field.primary_key]


def _insert(
    model: type[models.Model], columns: Mapping[models.Field[Any, Any], Sequence[Any]], ignore_conflicts: bool
) -> list[int | None]:
    names = ", ".join(_quoted(str(field.column)) for field in columns)
    types = ", ".join(f"%s::{_type(field)}[]" for field in columns)
    returned = "id, public_id" if ignore_conflicts else "id"
    conflict = "ON CONFLICT DO NOTHING " if ignore_conflicts else ""
    # The columns are the model's own; every value is a parameter.
    statement = (
        f"INSERT INTO {_quoted(model._meta.db_table)} ({names}) SELECT * FROM unnest({types}) "  # noqa: S608
        f"{conflict}RETURNING {returned}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [array(values) for values in columns.values()])
        found = cursor.fetchall()
    if not ignore_conflicts:
        return [pk for (pk,) in found]
    stored = {public_id: pk for pk, public_id in found}
    (own,) = (values for field, values in columns.items() if field.attname == "public_id")
    return [stored.get(public_id) for public_id in own]


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
