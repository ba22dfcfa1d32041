"""Every root address of the product: each app's lists (public, console, api), mounted in one place."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts import urls as accounts
from analytics import urls as analytics
from engagement import urls as engagement
from integrations import urls as integrations
from programs import urls as programs
from referral_platform.styleguide import styleguide
from rewards import urls as rewards
from tracking import urls as tracking

Addresses = list[URLPattern | URLResolver]

PUBLIC: Addresses = [*accounts.public, *tracking.public, *engagement.public]
CONSOLE: Addresses = [
    *accounts.console,
    *programs.console,
    *tracking.console,
    *rewards.console,
    *engagement.console,
    *integrations.console,
    *analytics.console,
]
API: Addresses = [
    *accounts.api,
    *programs.api,
    *tracking.api,
    *rewards.api,
    *engagement.api,
    *integrations.api,
    *analytics.api,
]

urlpatterns: Addresses = [
    path("accounts/", include("allauth.urls")),
    path("w/<slug:slug>/", include(CONSOLE)),
    path("api/v1/", include(API)),
    path("api/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    # The split view serves its script by itself: the content security policy allows none inside a page.
    path(
        "api/docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api_schema", template_name="api_docs.html"),
        name="api_docs",
    ),
    path("styleguide/", styleguide, name="styleguide"),
    *PUBLIC,
]

handler400 = "core.middleware.bad_request"
handler403 = "core.middleware.permission_denied"
handler404 = "core.middleware.page_not_found"
handler500 = "core.middleware.server_error"
