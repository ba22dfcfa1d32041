"""How to get into the demo: addresses and logins as lines of text."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from accounts import queries as account_queries
from accounts.models import User
from core.tenancy import tenant
from engagement.queries.addresses import landing_url, link_url, portal_url
from programs.models import Link, Participant, Program
from referral_platform.demo import cast


def lines() -> list[str]:
    """Return what to open and with which login; nothing where the demo is not loaded."""
    owner = User.objects.filter(email=cast.OWNER.email).first()
    places = account_queries.memberships_of(owner) if owner else []
    workspace = next((place.workspace for place in places if place.workspace.slug == cast.SLUG), None)
    if workspace is None:
        return []
    with tenant(workspace):
        found = [
            f"Console         {settings.BASE_URL}{reverse('overview', args=[workspace.slug])}",
            *(f"  sign in as    {login.email}  ({_role(login.role)})" for login in cast.LOGINS),
            f"  password      {cast.PASSWORD}",
        ]
        participant = (
            Participant.objects.for_workspace(workspace)
            .filter(program__status=Program.Status.ACTIVE, status=Participant.Status.ACTIVE)
            .select_related("program", "customer")
            .order_by("pk")
            .first()
        )
        if participant is not None:
            link = (
                Link.objects.for_workspace(workspace).filter(participant=participant).order_by("pk").first()
            )
            found += [
                f"Portal          {portal_url(participant.program.public_id)}",
                f"  sign in as    {participant.customer.email}  (the link comes by mail, see below)",
            ]
            if link is not None:
                found += [
                    f"Referral link   {link_url(link.code, workspace)}",
                    f"Landing page    {landing_url(link.code)}",
                ]
    if settings.DEBUG:
        found.append(f"Mail            {settings.BASE_URL}{reverse('dev_mail')}")
    found.append(f"API             {settings.BASE_URL}{reverse('api_docs')}")
    return found


def _role(role: str) -> str:
    return role.replace("_", "-")
