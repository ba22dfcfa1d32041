"""A list's columns: which there are, which are shown, what can be sorted by, and the cells of each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import django_tables2
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, QuerySet
from django.utils.safestring import SafeString
from django_tables2.utils import Accessor, call_with_appropriate

from core.lists.columns import Column
from core.text import spreadsheet_cell


@dataclass(frozen=True, slots=True)
class Head:
    """A column of the list as it stands there: `state` is empty, `ascending` or `descending`.

    `sort` is the value of `?sort=` that a click on it leads to, empty where it cannot be sorted by.
    """

    name: str
    label: str
    numeric: bool
    width: str
    sort: str
    state: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A column in the column chooser."""

    name: str
    label: str
    shown: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list: its cells with their heads, and how the bulk form names it."""

    record: Any
    cells: list[tuple[Head, str | SafeString]]
    value: str
    label: str
    choosable: bool


class Table(django_tables2.Table):
    """Base of every list. Columns are class attributes of `core.lists` types.

    `render_<name>(self, value, record)` and `value_<name>(self, value, record)` replace what a column shows
    and what it writes into the CSV file. `query` is the list's own query, for links that keep its filters.
    """

    class Meta:
        orderable = False

    def __init__(
        self, *, workspace: Any, sort: str = "", chosen: Sequence[str] | None = None, query: str = ""
    ) -> None:
        super().__init__([])
        self.workspace = workspace
        self.query = query
        by_name: dict[str, Column] = {bound.name: bound.column for bound in self.columns}
        self.all_columns = by_name
        for name, column in by_name.items():
            column.field = name
        by = by_name.get(sort.removeprefix("-"))
        self.sort = sort if by is not None and by.sort else ""
        picked = {name for name in by_name if chosen is not None and name in chosen}
        self.picked = picked
        self.shown = [
            name
            for name, column in by_name.items()
            if column.required or (name in picked if picked else column.shown)
        ]

    def choosable(self, record: Any) -> bool:
        """Tell whether the row can be chosen for what is done in bulk."""
        return True

    def label_of(self, record: Any) -> str:
        """Return the row's name, for the label of its checkbox."""
        return str(record)

    def heads(self) -> list[Head]:
        """Return the shown columns."""
        return [self._head(name, self.all_columns[name]) for name in self.shown]

    def _head(self, name: str, column: Column) -> Head:
        state = {name: "ascending", f"-{name}": "descending"}.get(self.sort, "")
        turned = name if state == "descending" else f"-{name}"
        first = f"-{name}" if column.numeric or column.initial_sort_descending else name
        return Head(
            name=name,
            label=column.label,
            numeric=column.numeric,
            # Whoever chose a column wants to see it, however narrow the page.
            width="" if name in self.picked else column.width,
            sort=(turned if state else first) if column.sort else "",
            state=state,
        )

    def column_choices(self) -> list[Choice]:
        """Return the columns that can be taken out of the list or put into it."""
        return [
            Choice(name, column.label, name in self.shown)
            for name, column in self.all_columns.items()
            if not column.required
        ]

    def ordered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows in the chosen order, newest first among equals; as they come without a choice.

        What has no value stands last in both directions.
        """
        if not self.sort:
            return rows
        down = self.sort.startswith("-")
        paths = self.all_columns[self.sort.removeprefix("-")].sort
        order = [_order(rows.model, path, down) for path in paths]
        return rows.order_by(*order, "-pk")

    def lines(self, records: Iterable[Any]) -> list[Line]:
        """Return the rows to show."""
        heads = self.heads()
        return [
            Line(
                record=record,
                cells=[(head, self._cell(head.name, record)) for head in heads],
                value=str(getattr(record, "public_id", "")),
                label=self.label_of(record),
                choosable=self.choosable(record),
            )
            for record in records
        ]

    def _cell(self, name: str, record: Any) -> str | SafeString:
        column = self.all_columns[name]
        value = self._value(name, record)
        own = getattr(self, f"render_{name}", None)
        if own is None:
            return column.cell(value, record, self.workspace)
        shown: str | SafeString = call_with_appropriate(own, {"value": value, "record": record})
        return shown

    def _value(self, name: str, record: Any) -> Any:
        return Accessor(self.all_columns[name].accessor or name).resolve(record)

    def file_heads(self) -> list[str]:
        """Return the first line of the CSV file: every column there is, chosen or not, after the id."""
        return ["Id", *(head for _, column in self._exported() for head in column.heads())]

    def file_line(self, record: Any) -> list[str]:
        """Return a row's line of the CSV file."""
        line = [str(getattr(record, "public_id", ""))]
        for name, column in self._exported():
            value = self._value(name, record)
            own = getattr(self, f"value_{name}", None)
            if own is not None:
                written = call_with_appropriate(own, {"value": value, "record": record})
                line.append(spreadsheet_cell(str(written)))
            elif value is None or value == "":
                line += [""] * len(column.heads())
            else:
                line += column.written(value, record)
        return line

    def _exported(self) -> list[tuple[str, Column]]:
        return [(name, column) for name, column in self.all_columns.items() if column.exported]


def _order(model: type[Model], path: str, down: bool) -> Any:
    if not _nullable(model, path):
        return f"-{path}" if down else path
    return F(path).desc(nulls_last=True) if down else F(path).asc(nulls_last=True)


def _nullable(model: type[Model], path: str) -> bool:
    """Tell whether anything on the path may be NULL; an annotation counts as if it might."""
    at: Any = model
    for name in path.split("__"):
        try:
            field = at._meta.get_field(name)
        except FieldDoesNotExist:
            return name != "pk"
        if field.null:
            return True
        at = field.related_model
    return False
