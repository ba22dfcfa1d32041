"""Addresses of analytics."""

from django.urls import URLPattern, URLResolver, path

from analytics import api as endpoints
from analytics import views

console: list[URLPattern | URLResolver] = [
    path("", views.overview, name="overview"),
    path("funnel/", views.report_funnel, name="report_funnel"),
]

api: list[URLPattern | URLResolver] = [
    path("overview", endpoints.OverviewEndpoint.as_view(), name="api_overview"),
]
