"""How a view answers with a list: as a page, or as a CSV file of everything that passes the filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from core.errors import Forbidden
from core.lists.export import csv_file
from core.lists.filters import Chip, FilterForm, Tab
from core.lists.pages import PER_PAGE, CountedPaginator
from core.lists.table import Choice, Head, Line, Table


@dataclass(frozen=True, slots=True)
class Empty:
    """What a list says while it has no rows at all."""

    title: str
    text: str = ""
    action_url: str = ""
    action_label: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What can be done with the chosen rows: where the form posts, the template of its fields and buttons.

    The chosen rows' public ids arrive as `field`, the query to go back to as `filters`.
    """

    url: str
    template: str
    field: str = "chosen"


@dataclass(frozen=True, slots=True)
class List:
    """A list as `_components/table.html` shows it."""

    name: str
    label: str
    heads: list[Head]
    lines: list[Line]
    page: Page[Any]
    more: bool
    filters: FilterForm | None
    chips: list[Chip]
    tabs: list[Tab]
    tabs_label: str
    choices: list[Choice]
    sort: str
    empty: Empty
    bulk: Bulk | None
    exportable: bool
    query: str
    parameters: list[tuple[str, list[str]]]
    """The address's query, but for the page, for forms that keep it."""

    @property
    def choosing(self) -> bool:
        """Whether any row of this page can be chosen."""
        return self.bulk is not None and any(line.choosable for line in self.lines)


def answer(
    request: HttpRequest,
    template: str,
    *,
    table: type[Table],
    rows: QuerySet[Any],
    empty: Empty,
    filters: FilterForm | None = None,
    bulk: Bulk | None = None,
    context: Mapping[str, Any] | None = None,
    per_page: int = PER_PAGE,
    status: int = 200,
) -> HttpResponseBase:
    """Answer with the page `template`, which includes `_components/table.html`; it gets `list` and `page`.

    `rows` are filtered here. `?export=csv` downloads all that pass, in the chosen order, for whoever may
    export (`request.may`). `?columns=`, once for each column or empty to forget them, is kept in the session
    and redirects to the address without it.
    """
    name = table.__name__.removesuffix("Table").lower()
    file = template.rpartition("/")[2].removesuffix(".html")
    if "columns" in request.GET:
        return _remember(request, name)
    passing = filters.narrow(rows) if filters else rows
    made = table(
        workspace=request.workspace,  # type: ignore[attr-defined]
        sort=request.GET.get("sort", ""),
        chosen=request.session.get(_key(name)),
        query=filters.query() if filters else "",
    )
    passing = made.ordered(passing)
    may_export = "export" in getattr(request, "may", ())
    if request.GET.get("export") == "csv":
        if not may_export:
            raise Forbidden("Your role may not export lists.")
        return csv_file(
            made, passing, template.rpartition("/")[2].removesuffix(".html").replace("_list", "s")
        )
    paginator = CountedPaginator(passing, per_page)
    page = paginator.get_page(request.GET.get("page"))
    shown = List(
        name=name,
        label=file.replace("_", " ").capitalize(),
        heads=made.heads(),
        lines=made.lines(page.object_list),
        page=page,
        more=paginator.more,
        filters=filters,
        chips=filters.chips() if filters else [],
        tabs=filters.tabs() if filters else [],
        tabs_label=filters.quick.replace("_", " ").capitalize() if filters else "",
        choices=made.column_choices(),
        sort=made.sort,
        empty=empty,
        bulk=bulk,
        exportable=may_export and paginator.count > 0,
        query=request.GET.urlencode(),
        parameters=[(key, values) for key, values in request.GET.lists() if key != "page"],
    )
    shared = {"list": shown, "page": page, "form": filters, **(context or {})}
    response = render(request, template, shared, status=status)
    if "HX-Request" in request.headers and filters:
        # The fields nobody filled in stay out of the address.
        response.headers["HX-Push-Url"] = f"{request.path}{filters.query()}"
    return response


def _key(name: str) -> str:
    return f"columns:{name}"


def _remember(request: HttpRequest, name: str) -> HttpResponse:
    chosen = [each for each in request.GET.getlist("columns") if each.isidentifier()][:50]
    if chosen:
        request.session[_key(name)] = chosen
    else:
        request.session.pop(_key(name), None)
    rest = request.GET.copy()
    del rest["columns"]
    return HttpResponseRedirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)
