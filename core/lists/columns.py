"""What a column shows of a row, and what it writes into the CSV file.

Every column takes a label and, beside django-tables2's own arguments:

- `sort`: the ORM paths to order by when its head is clicked; without them it cannot be sorted by;
- `link`: the name of the console page its text leads to, `link_id` the accessor of that page's public id;
- `note`: accessor of a second, muted line under the text; `note_words` if that is a code to show as words;
- `width`: the narrowest page that shows it, empty for every page, or `md`, `lg`, `xl`;
- `shown`: whether it stands in the list before anybody has chosen columns;
- `required`: whether it cannot be taken out of the list.

The accessor is a path from the row with `__` between its names, by default the column's own name. A name on
it that does not exist is an error; None anywhere on it shows as a dash.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import django_tables2
from django.template.loader import get_template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2.utils import Accessor

from core.money import format_major, is_unit
from core.templatetags.display import moment, money, number, words
from core.text import spreadsheet_cell

Width = Literal["", "md", "lg", "xl"]
NOTHING = "–"


class Column(django_tables2.Column):
    """A text; empty texts show as a dash."""

    numeric: ClassVar[bool] = False

    def __init__(
        self,
        label: str,
        accessor: str | None = None,
        *,
        sort: str | tuple[str, ...] = (),
        link: str = "",
        link_id: str = "public_id",
        note: str = "",
        note_words: bool = False,
        width: Width = "",
        shown: bool = True,
        required: bool = False,
        exported: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(label, accessor, **more)
        self.label = label
        self.sort = (sort,) if isinstance(sort, str) else sort
        self.page, self.page_id = link, link_id
        self.note, self.note_words = note, note_words
        self.width, self.shown, self.required, self.exported = width, shown, required, exported

    def text(self, value: Any, record: Any, workspace: Any) -> str | SafeString:
        """Return what stands in the cell, without link and note."""
        return str(value)

    def written(self, value: Any, record: Any) -> tuple[str, ...]:
        """Return what the CSV file holds, a cell for each of `heads`; `value` is never None."""
        return (spreadsheet_cell(str(value)),)

    def heads(self) -> tuple[str, ...]:
        """Return the names of the columns it fills in the CSV file."""
        return (self.label,)

    def cell(self, value: Any, record: Any, workspace: Any) -> str | SafeString:
        """Return the whole cell: the text, its link, and the note under it."""
        shown = NOTHING if value is None or value == "" else self.text(value, record, workspace)
        public_id = _found(self.page_id, record) if self.page else None
        if public_id:
            address = reverse(self.page, args=[workspace.slug, public_id])
            shown = format_html('<a href="{}">{}</a>', address, shown)
        note = _found(self.note, record) if self.note else None
        if note:
            shown = format_html(
                '{}<span class="muted block text-xs font-normal max-sm:max-w-28 max-sm:truncate">{}</span>',
                shown,
                words(str(note)) if self.note_words else note,
            )
        return shown


def _found(accessor: str, record: Any) -> Any:
    return Accessor(accessor).resolve(record)


class NumberColumn(Column):
    """A whole number, right-aligned."""

    numeric = True

    def text(self, value: Any, record: Any, workspace: Any) -> str:
        """Return the number with the reader's separators."""
        return number(value)

    def written(self, value: Any, record: Any) -> tuple[str, ...]:
        """Return the digits."""
        return (str(value),)


class MoneyColumn(Column):
    """An amount of minor units in the unit that the accessor `unit` gives; two columns in the CSV file."""

    numeric = True

    def __init__(self, label: str, accessor: str | None = None, *, unit: str = "unit", **more: Any) -> None:
        super().__init__(label, accessor, **more)
        self.unit = unit

    def text(self, value: Any, record: Any, workspace: Any) -> str:
        """Return the amount for people; a dash where there is no unit, as for what has no value in money."""
        unit = _found(self.unit, record)
        return money(value, unit) if is_unit(unit) else NOTHING

    def written(self, value: Any, record: Any) -> tuple[str, ...]:
        """Return the exact decimal amount and its unit."""
        unit = _found(self.unit, record)
        return (format_major(value, unit), unit) if is_unit(unit) else ("", "")

    def heads(self) -> tuple[str, ...]:
        """Return the amount's and the unit's head."""
        return (self.label, f"{self.label} unit")


class MomentColumn(Column):
    """An instant: relative, with the exact one in the workspace's zone on hover; ISO 8601 UTC in the file."""

    def text(self, value: Any, record: Any, workspace: Any) -> SafeString:
        """Return a <time> element."""
        return moment(value, workspace)

    def written(self, value: Any, record: Any) -> tuple[str, ...]:
        """Return the instant in UTC to the second, with a Z."""
        assert isinstance(value, datetime)
        return (value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),)


class WordsColumn(Column):
    """A code or a choice, shown by its label or as words; the CSV file keeps what is stored."""

    def text(self, value: Any, record: Any, workspace: Any) -> str:
        """Return the words, the first with a capital."""
        shown = _label(self, record) or words(str(value))
        return shown[:1].upper() + shown[1:]


class StatusColumn(Column):
    """A status as a chip with its label; the CSV file keeps the stored value."""

    def text(self, value: Any, record: Any, workspace: Any) -> SafeString:
        """Return the chip."""
        label = _label(self, record) or words(str(value)).capitalize()
        chip: SafeString = get_template("_components/status.html").render({"value": value, "label": label})  # type: ignore[assignment]
        return chip


class YesNoColumn(Column):
    """A truth; yes or no in the list, true or false in the file."""

    def text(self, value: Any, record: Any, workspace: Any) -> str:
        """Return yes or no."""
        return "Yes" if value else "No"

    def written(self, value: Any, record: Any) -> tuple[str, ...]:
        """Return the word that other programs read."""
        return ("true" if value else "false",)


def _label(column: Column, record: Any) -> str:
    """Return the label that the model's choices give the value, or nothing."""
    holder, name = Accessor(column.accessor or column.field).penultimate(record)
    label = getattr(holder, f"get_{name}_display", None)
    return str(label()) if label else ""
