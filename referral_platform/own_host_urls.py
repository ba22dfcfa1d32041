"""Every address on a workspace's own domain: links by their bare code, and the pages of participants."""

from django.urls import path

from accounts import urls as accounts
from engagement import urls as engagement
from referral_platform.own_hosts import short_link
from tracking import urls as tracking

_BRAND = {"brand_sheet", "brand_logo"}

urlpatterns = [
    *(route for route in accounts.public if route.name in _BRAND),
    *tracking.public,
    *engagement.public,
    path("<str:code>", short_link, name="own_link"),
]

handler400 = "core.middleware.bad_request"
handler403 = "core.middleware.permission_denied"
handler404 = "core.middleware.page_not_found"
handler500 = "core.middleware.server_error"
