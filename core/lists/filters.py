"""Search, filters and dates of a list, read from the address, and the chips that take them off again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.http import QueryDict

LONGEST_SEARCH = 100
MOST_WORDS = 5
# Beyond these a day has no day after it, or no instant in some zone.
_DAYS = [MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(9998, 12, 31))]


def choices(options: Any) -> list[tuple[str, str]]:
    """Return a filter's choices with "All" before them."""
    return [("", "All"), *options]


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on: what it narrows, to what, and the query without it."""

    label: str
    text: str
    query: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A value of the quick filter, with the query that chooses it."""

    label: str
    query: str
    current: bool


class FilterForm(forms.Form):
    """Base of every list's filters; a value that is not valid narrows nothing.

    - `search`: ORM paths that `?q=` looks in, part of a word, whatever its case; empty for no search;
    - `placeholder`: what the search box suggests looking for;
    - `dates`: the ORM path of the instant that `?from=` and `?to=` narrow, both days included, in the
      workspace's time zone; empty for no dates;
    - `lookups`: field -> ORM lookup, where that is not the field's own name;
    - `quick`: the choice field that is shown as a row of tabs.

    Hidden fields take public ids from links of other pages; they show as chips.
    """

    search: ClassVar[tuple[str, ...]] = ()
    placeholder: ClassVar[str] = "Search"
    dates: ClassVar[str] = ""
    dates_label: ClassVar[str] = ""
    lookups: ClassVar[dict[str, str]] = {}
    quick: ClassVar[str] = ""

    def __init__(self, data: Any, *, workspace: Any) -> None:
        super().__init__(data)
        self.workspace = workspace
        if self.search:
            look = {"type": "search", "placeholder": self.placeholder, "class": "w-full ps-9"}
            self.fields["q"] = forms.CharField(
                label="Search", max_length=LONGEST_SEARCH, required=False, widget=forms.TextInput(attrs=look)
            )
        if self.dates:
            for name, label in (("from", "From"), ("to", "To")):
                picker = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
                shown = f"{self.dates_label} {label.lower()}" if self.dates_label else label
                self.fields[name] = forms.DateField(
                    label=shown, widget=picker, input_formats=["%Y-%m-%d"], validators=_DAYS
                )
        for name, field in self.fields.items():
            field.required = False
            field.widget.attrs.setdefault("id", f"filter-{name}")

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that pass every filter."""
        self.is_valid()
        for name, value in self.cleaned_data.items():
            if value not in (None, "", []) and name not in ("q", "from", "to"):
                rows = self.narrow_by(rows, name, value)
        sought = self.cleaned_data.get("q")
        if sought:
            for word in sought.split()[:MOST_WORDS]:
                matches = Q()
                for path in self.search:
                    matches |= Q(**{f"{path}__icontains": word})
                rows = rows.filter(matches)
        if self.dates:
            zone = ZoneInfo(self.workspace.time_zone or "UTC")
            first, last = self.cleaned_data.get("from"), self.cleaned_data.get("to")
            if first:
                rows = rows.filter(**{f"{self.dates}__gte": datetime.combine(first, time.min, zone)})
            if last:
                after = datetime.combine(last + timedelta(days=1), time.min, zone)
                rows = rows.filter(**{f"{self.dates}__lt": after})
        return rows

    def narrow_by(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return the rows that pass one filter; for those that are no plain lookup."""
        return rows.filter(**{self.lookups.get(name, name): value})

    def text_of(self, name: str, value: Any) -> str:
        """Return what a filter's chip says it is narrowed to."""
        labels = dict(getattr(self.fields[name], "choices", ()))
        return str(labels.get(value, value))

    def chips(self) -> list[Chip]:
        """Return the filters that are on."""
        self.is_valid()
        return [
            Chip(self._label(name), self.text_of(name, value), self.query(without=name))
            for name, value in self.cleaned_data.items()
            if value not in (None, "", [])
        ]

    def _label(self, name: str) -> str:
        return str(self.fields[name].label or name.replace("_", " ").capitalize())

    def tabs(self) -> list[Tab]:
        """Return the quick filter's values, "All" among them; nothing where there is no quick filter."""
        if not self.quick:
            return []
        options: Any = getattr(self.fields[self.quick], "choices", ())
        self.is_valid()
        now = str(self.cleaned_data.get(self.quick) or "")
        return [
            Tab(str(label), self.query(without=self.quick, **{self.quick: str(value)}), value == now)
            for value, label in options
        ]

    def panel(self) -> list[forms.BoundField]:
        """Return the fields of the filter panel: all but search, quick filter and hidden ones."""
        return [field for field in self if field.name not in ("q", self.quick) and not field.is_hidden]

    def kept(self) -> list[forms.BoundField]:
        """Return the fields that ride along unseen: the quick filter and the ids from other pages."""
        return [field for field in self if (field.is_hidden or field.name == self.quick) and field.value()]

    def query(self, *, without: str = "", **more: str) -> str:
        """Return the address's query with its filters, less one, plus others, always starting with "?"."""
        kept = QueryDict(mutable=True)
        for key in self.data:
            if key in self.fields and key != without and self.data.get(key):
                kept[key] = self.data[key]
        if self.data.get("sort"):
            kept["sort"] = self.data["sort"]
        for key, value in more.items():
            if value:
                kept[key] = value
        return f"?{kept.urlencode()}"
