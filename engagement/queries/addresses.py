"""The addresses that stand in mails, on landing pages and in the portal: whole, and on our own host."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse


def link_url(code: str) -> str:
    """Return the short address that counts a click and leads a friend on to the shop."""
    return _whole("link_redirect", code)


def landing_url(code: str) -> str:
    """Return the page that says who invites and what the friend gets."""
    return _whole("landing", code)


def portal_url(program_id: str) -> str:
    """Return where a program's participants sign in, by the program's public id."""
    return _whole("portal_sign_in", program_id)


def enter_url(secret: str) -> str:
    """Return the address that signs one participant in once."""
    return _whole("portal_enter", secret)


def terms_url(program_id: str) -> str:
    """Return the page with a program's terms, by the program's public id."""
    return _whole("terms", program_id)


def _whole(name: str, *args: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=args)}"
