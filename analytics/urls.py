"""Addresses of analytics."""

from django.urls import URLPattern, URLResolver, path

from analytics import api as endpoints
from analytics import attribution_views, views

console: list[URLPattern | URLResolver] = [
    path("", views.overview, name="overview"),
    path("funnel/", views.report_funnel, name="report_funnel"),
    path("reports/attribution/", attribution_views.report_attribution, name="report_attribution"),
    path("search/", views.search, name="search"),
]

api: list[URLPattern | URLResolver] = [
    path("overview", endpoints.OverviewEndpoint.as_view(), name="api_overview"),
    path(
        "reports/attribution",
        endpoints.AttributionReportEndpoint.as_view(),
        name="api_report_attribution",
    ),
    path("search", endpoints.SearchEndpoint.as_view(), name="api_search"),
]
