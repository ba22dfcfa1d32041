"""The team's pages and both ends of an invitation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import queries, services
from accounts.models import Invitation, Role, User, Workspace
from accounts.navigation import entrance
from core.tenancy import tenant
from tests.accounts.people import (
    acting,
    address,
    audited,
    everything,
    joined,
    owner_of,
    sign_up,
    signed_in,
    told,
)
from tests.conftest import AT, make_workspace
from tests.factories import UserFactory

OLGA = "olga@acme.example"

BOB = "bob@new.example"


def test_a_role_is_changed_but_the_last_owner_keeps_theirs(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)
    first, anna = owner_of(acme), joined(acme, Role.ANALYST)
    kept = client.post(address("member_role", first.public_id), {"role": "admin"})
    assert kept["Location"] == address("team")
    assert told(kept) == ["A workspace keeps at least one owner."]
    bad = client.post(address("member_role", anna.public_id), {"role": "king"})
    assert told(bad)[-1] == "Role: Select a valid choice. king is not one of the available choices."
    assert audited(acme)[1:] == []
    done = client.post(address("member_role", anna.public_id), {"role": "finance"})
    assert told(done)[-1] == "analyst@acme.example has the role Finance now."
    assert audited(acme)[1:] == [("member.role_changed", OLGA, {"role": "analyst"}, {"role": "finance"})]


def test_a_removed_member_is_out_at_once(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)
    anna = joined(acme, Role.ADMIN)
    theirs = signed_in(anna.user)
    assert theirs.get(address("team")).status_code == 200
    stays = client.post(address("member_remove", owner_of(acme).public_id))
    assert told(stays) == ["A workspace keeps at least one owner."]
    client.post(address("member_remove", anna.public_id))
    assert theirs.get(address("team")).status_code == 404
    assert client.post(address("member_remove", anna.public_id)).status_code == 404
    assert audited(acme)[1:] == [("member.removed", OLGA, {"role": "admin"}, None)]


def test_who_removes_themselves_lands_at_home(acme: Workspace) -> None:
    anna = joined(acme, Role.ADMIN)
    assert signed_in(anna.user).post(address("member_remove", anna.public_id))["Location"] == "/"


def invited_link() -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+(/invitations/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


@pytest.mark.django_db(transaction=True)
def test_an_invitation_from_the_form_to_the_new_member() -> None:
    owner = UserFactory.create(email=OLGA, name="Olga Owner")
    acme = make_workspace(owner)
    client = signed_in(owner)
    sent = client.post(address("team_invite"), {"email": BOB, "role": "finance"})
    assert sent["Location"] == address("team")
    listed = client.get(address("team")).content.decode()
    assert f"Invitation sent to {BOB}." in listed
    assert [(m.to, m.subject) for m in mail.outbox] == [([BOB], "Olga Owner invites you to Acme")]
    link = invited_link()
    assert link.split("/")[2] not in listed

    stranger = Client()
    first = stranger.get(link)
    assert (first.status_code, first["Cache-Control"]) == (
        200,
        "max-age=0, no-cache, no-store, must-revalidate, private",
    )
    # The address comes by the session: in the page's own it would stand in logs.
    form = stranger.get(reverse("account_signup")).context["form"]
    assert form["email"].value() == BOB
    assert BOB not in first.content.decode().replace(f"<strong>{BOB}</strong>", "")
    sign_up(stranger, BOB)
    assert stranger.session.get("after_login") is None
    shown = stranger.get(link)
    assert "Join Acme" in shown.content.decode()
    joined_at = stranger.post(link)
    bob = User.objects.get(email=BOB)
    assert joined_at["Location"] == entrance(queries.memberships_of(bob)[0])
    assert [(m.workspace.slug, m.role) for m in queries.memberships_of(bob)] == [
        ("acme", "finance"),
        ("acme-sandbox", "finance"),
    ]
    assert audited(acme)[1:] == [
        ("member.invited", OLGA, None, {"email": BOB, "role": "finance"}),
        ("member.joined", BOB, None, {"role": "finance"}),
    ]
    before = everything(acme)
    assert "no longer open" in stranger.get(link).content.decode()
    assert stranger.post(link).status_code == 409
    assert everything(acme) == before


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_away_is_said_and_inviting_again_works(settings: Any) -> None:
    owner = UserFactory.create(email=OLGA)
    make_workspace(owner)
    client = signed_in(owner)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    response = client.post(address("team_invite"), {"email": BOB, "role": "finance"}, follow=True)
    assert f"The mail to {BOB} could not be sent. Invite them again later." in response.content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.post(address("team_invite"), {"email": BOB, "role": "finance"})
    assert [m.to for m in mail.outbox] == [[BOB]]


def test_inviting_badly_names_the_field(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)
    before = everything(acme)
    for data, field in (
        ({"email": "bob", "role": "admin"}, "email"),
        ({"email": BOB, "role": "king"}, "role"),
        ({"email": OLGA, "role": "admin"}, "email"),
    ):
        refused = client.post(address("team_invite"), data)
        assert (refused.status_code, list(refused.context["form"].errors)) == (400, [field])
    assert everything(acme) == before
    assert mail.outbox == []


def open_invitation(acme: Workspace, owner: User) -> tuple[Invitation, str]:
    with tenant(acme):
        invitation, secret = services.invite_member(
            workspace=acme, email=BOB, role="analyst", actor=acting(owner), at=AT
        )
        # The page reads the real clock.
        Invitation.objects.for_workspace(acme).update(expires_at=AT + timedelta(days=36500))
    return invitation, reverse("invitation_accept", args=[secret])


def test_an_invitation_refuses_another_person(acme: Workspace, owner: User) -> None:
    _, link = open_invitation(acme, owner)
    before = everything(acme)
    other = signed_in(UserFactory.create(email="carl@new.example"))
    page = other.get(link).content.decode()
    assert BOB in page
    assert "carl@new.example" in page
    refused = other.post(link)
    assert refused.status_code == 403
    assert f"sent to {BOB}" in refused.content.decode()
    assert everything(acme) == before


def test_an_unknown_invitation_is_a_friendly_page(db: None) -> None:
    page = Client().get(reverse("invitation_accept", args=["nonsense"]))
    assert page.status_code == 404
    assert "This invitation link is unknown." in page.content.decode()


def test_an_invitation_is_taken_back(acme: Workspace, owner: User) -> None:
    invitation, link = open_invitation(acme, owner)
    client = signed_in(owner)
    assert BOB in client.get(address("team")).content.decode()
    done = client.post(address("invitation_revoke", invitation.public_id))
    assert told(done) == [f"The invitation of {BOB} is taken back."]
    assert "no longer open" in Client().get(link).content.decode()
    assert audited(acme)[2:] == [("member.invitation_revoked", OLGA, {"email": BOB, "role": "analyst"}, None)]
