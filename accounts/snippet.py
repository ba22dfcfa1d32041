"""The line of HTML that brings the tracking snippet into a site's pages."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from accounts.models import ApiKey

PLACEHOLDER: Final = "pk_…"


def snippet_tag(key: ApiKey | None = None) -> str:
    """Return the script tag with a publishable key, or with a placeholder for one.

    The address is the file's lasting one, not the one that changes with its content.
    """
    token = key.public_token if key else PLACEHOLDER
    address = f"{settings.BASE_URL}{settings.STATIC_URL}sdk/referral.js"
    return f'<script src="{address}" data-key="{token}" defer></script>'
