"""Every root address of the product."""

from django.urls import URLPattern, URLResolver, include, path

from accounts.urls import console as accounts_console
from accounts.urls import public as accounts_public

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(accounts_public)),
    path("accounts/", include("allauth.urls")),
    path("w/<slug:slug>/", include(accounts_console)),
]
