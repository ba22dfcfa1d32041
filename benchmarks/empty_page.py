"""The least a console page can be asked for: nothing, behind the same middleware, sign-in and workspace."""

from __future__ import annotations

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_platform.settings")
settings.ROOT_URLCONF = __name__

# These read the settings and models, so they come after.
from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()

from accounts.access import console_view  # noqa: E402


@console_view("view")
def empty(request: HttpRequest) -> HttpResponse:
    """Answer nothing."""
    return HttpResponse()


urlpatterns = [path("w/<slug:slug>/", empty)]
