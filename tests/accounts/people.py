"""People with roles, and what a workspace holds, for the tests of accounts."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.messages import get_messages
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, AuditEntry, Invitation, Member, Role, User, Workspace
from accounts.services import Actor
from core.tenancy import tenant
from tests.conftest import AT
from tests.factories import PASSWORD, UserFactory


def joined(workspace: Workspace, role: str, email: str = "") -> Member:
    """Put a person into the workspace with a role; the address names the role unless given."""
    user = UserFactory.create(email=email or f"{role}@acme.example", name="")
    with tenant(workspace):
        return Member.objects.create(workspace=workspace, user=user, role=role, joined_at=AT)


def acting(user: User) -> Actor:
    """Return the person as the one who acts."""
    return Actor(kind="user", label=user.email, user=user)


def owner_of(workspace: Workspace) -> Member:
    """Return the member who has been owner for longest."""
    with tenant(workspace):
        return (
            Member.objects.for_workspace(workspace)
            .filter(role=Role.OWNER)
            .select_related("user", "workspace")
            .order_by("pk")[0]
        )


def audited(workspace: Workspace) -> list[tuple[str, str, Any, Any]]:
    """Return (action, actor, before, after) of every audit entry, oldest first."""
    with tenant(workspace):
        entries = AuditEntry.objects.for_workspace(workspace).order_by("pk")
        return [(entry.action, entry.actor, entry.before, entry.after) for entry in entries]


def everything(workspace: Workspace) -> list[Any]:
    """Return all that the account pages can change in a workspace, for "nothing changed"."""
    with tenant(workspace):
        return [
            list(model.objects.for_workspace(workspace).order_by("pk").values())
            for model in (Workspace, Member, Invitation, ApiKey, AuditEntry)
        ]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(name: str, *args: str) -> str:
    return reverse(name, args=["acme", *args])


def told(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def sign_up(client: Client, email: str) -> None:
    """Sign up by the forms and the mailed code; ends where sign-up leads."""
    expected = client.session.get("after_login") or "/"
    entered = client.post(reverse("account_signup"), {"email": email, "password1": PASSWORD})
    assert entered["Location"] == reverse("account_email_verification_sent")
    done = client.post(entered["Location"], {"code": mailed_code()})
    assert done["Location"] == expected


def mailed_code() -> str:
    found = re.search(r"^([A-Z0-9]{4}-?[A-Z0-9]{4}|[A-Z0-9]{6})$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found is not None, mail.outbox[-1].body
    return found[1]
