"""Every root address of the product: each app's lists, mounted in one place."""

from importlib import import_module
from types import ModuleType

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

APPS = ("accounts", "programs", "tracking", "rewards", "engagement", "integrations", "analytics")


def _urls(app: str) -> ModuleType | None:
    try:
        return import_module(f"{app}.urls")
    except ModuleNotFoundError:
        return None


def mounted(kind: str) -> list[URLPattern | URLResolver]:
    """Return every app's list of this kind: public, console or api."""
    return [each for app in APPS for each in getattr(_urls(app), kind, [])]


urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
    path("w/<slug:slug>/", include(mounted("console"))),
    path("api/v1/", include(mounted("api"))),
    path("api/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="api_schema"), name="api_docs"),
    *mounted("public"),
]
