"""The addresses that stand in mails, on landing pages and in the portal: whole, and on our own host."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from accounts.models import Workspace
from programs.models import short_url


def link_url(code: str, workspace: Workspace) -> str:
    """Return the short address that counts a click and leads a friend on to the shop."""
    return short_url(workspace, code)


def landing_url(code: str) -> str:
    """Return the page that says who invites and what the friend gets."""
    return _whole("landing", code)


def shared_url(code: str, channel: str) -> str:
    """Return the landing page's address as a channel carries it, so that its clicks count for the channel."""
    return f"{landing_url(code)}?{urlencode({'ch': channel})}"


def preview_url(code: str) -> str:
    """Return the picture that stands beside a shared landing page."""
    return _whole("landing_card", code)


def embed_url(token: str) -> str:
    """Return the page that shows the portal inside another one."""
    return f"{_whole('portal_embed')}?{urlencode({'token': token})}"


def portal_url(program_id: str) -> str:
    """Return where a program's participants sign in, by the program's public id."""
    return _whole("portal_sign_in", program_id)


def enter_url(secret: str) -> str:
    """Return the address that signs one participant in once."""
    return _whole("portal_enter", secret)


def confirm_url(token: str) -> str:
    """Return the page on which a friend confirms an e-mail address."""
    return _whole("confirm_email", token)


def terms_url(program_id: str) -> str:
    """Return the page with a program's terms, by the program's public id."""
    return _whole("terms", program_id)


def liability_url(slug: str) -> str:
    """Return the console's page on what is owed, with caps and budgets, by the workspace's slug."""
    return _whole("liability", slug)


def _whole(name: str, *args: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=args)}"
