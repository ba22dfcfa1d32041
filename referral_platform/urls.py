"""Every root address of the product: each app's lists (public, console, api), mounted in one place."""

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
    lists = (getattr(_urls(app), kind, []) for app in APPS)
    return [each for found in lists if isinstance(found, list) for each in found]


urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
    path("w/<slug:slug>/", include(mounted("console"))),
    path("api/v1/", include(mounted("api"))),
    path("api/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="api_schema"), name="api_docs"),
    *mounted("public"),
]

handler400 = "core.middleware.bad_request"
handler403 = "core.middleware.permission_denied"
handler404 = "core.middleware.page_not_found"
handler500 = "core.middleware.server_error"
