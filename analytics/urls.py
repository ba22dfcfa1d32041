"""Addresses of analytics."""

from django.urls import URLPattern, URLResolver, path

from analytics import api as endpoints
from analytics import views

console: list[URLPattern | URLResolver] = [
    path("", views.overview, name="overview"),
    path("funnel/", views.report_funnel, name="report_funnel"),
    path("search/", views.search, name="search"),
]

api: list[URLPattern | URLResolver] = [
    path("overview", endpoints.OverviewEndpoint.as_view(), name="api_overview"),
    path("search", endpoints.SearchEndpoint.as_view(), name="api_search"),
]
