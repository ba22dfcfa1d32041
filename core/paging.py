"""Numbered pages of console lists."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

PER_PAGE = 50


def page_of(request: HttpRequest, queryset: QuerySet[Any], *, per_page: int = PER_PAGE) -> Page[Any]:
    """Return the page that `?page=` names; a number out of range gives the nearest page there is."""
    return Paginator(queryset, per_page).get_page(request.GET.get("page"))
