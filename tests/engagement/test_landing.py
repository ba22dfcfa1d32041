"""What a friend sees who follows an invitation, in each state it can be in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from programs.models import Link, Participant, Program
from tests.factories import CustomerFactory, LinkFactory, ParticipantFactory, ProgramFactory, terms
from tracking.models import Click

DISCOUNT = {
    "key": "welcome",
    "side": "referee",
    "event": "purchase",
    "kind": "discount",
    "discount": {"type": "percentage", "bps": 1500},
    "first_only": True,
}


def link(workspace: Workspace, display_name: str = "Ana A.", **changes: Any) -> Link:
    participant = ParticipantFactory.create(
        workspace=workspace,
        program=ProgramFactory.create(workspace=workspace, draft=terms(**{"rewards": [DISCOUNT], **changes})),
        customer=CustomerFactory.create(workspace=workspace, email="ana@example.com", name="Ana Ansel"),
        display_name=display_name,
    )
    made: Link = LinkFactory.create(workspace=workspace, participant=participant, code="Ana-Tea")
    return made


def test_the_invitation_says_who_invites_what_you_get_and_what_to_do(
    client: Client, workspace: Workspace
) -> None:
    link(workspace)
    answer = client.get("/join/ana-tea/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<h1>Ana A. invites you to Acme</h1>" in text
    assert "You get a discount of 15 % for the first purchase." in text
    assert text.count('href="/r/Ana-Tea"') == 1
    assert text.count("<li>") == 3
    assert '<meta property="og:title" content="Ana A. invites you to Acme">' in text
    assert (
        '<meta property="og:description" content="You get a discount of 15 % for the first purchase.">'
        in text
    )
    assert '<meta property="og:url" content="http://127.0.0.1:8000/join/Ana-Tea/">' in text
    assert "Ansel" not in text
    assert "ana@example.com" not in text
    assert Click.objects.for_workspace(workspace).count() == 0


def test_names_are_escaped_and_addresses_are_not_shown_as_names(client: Client, workspace: Workspace) -> None:
    made = link(workspace, display_name='<script>"')
    assert "&lt;script&gt;&quot; invites you" in client.get("/join/ana-tea/").content.decode()
    Participant.objects.for_workspace(workspace).filter(pk=made.participant_id).update(
        display_name="Win at evil.example"
    )
    assert "<h1>A friend invites you to Acme</h1>" in client.get("/join/ana-tea/").content.decode()


@pytest.mark.parametrize("code", ["nobody", "x" * 200, "%E2%98%83", "a b"])
def test_an_unknown_code_gets_a_friendly_page(client: Client, workspace: Workspace, code: str) -> None:
    answer = client.get(f"/join/{code}/")
    assert answer.status_code == 404
    assert "We do not know this invitation" in answer.content.decode()


@pytest.mark.parametrize(
    ("status", "code", "title"),
    [
        ("paused", 200, "This invitation is taking a break"),
        ("ended", 410, "This program has ended"),
        ("draft", 404, "We do not know this invitation"),
    ],
)
def test_programs_that_do_not_run(
    client: Client, workspace: Workspace, status: str, code: int, title: str
) -> None:
    link(workspace)
    Program.objects.for_workspace(workspace).update(status=status)
    answer = client.get("/join/ana-tea/")
    assert answer.status_code == code
    assert f"<h1>{title}</h1>" in answer.content.decode()
    assert "/r/" not in answer.content.decode()


@pytest.mark.parametrize("gone", ["archived", "expired", "suspended"])
def test_links_that_are_over(client: Client, workspace: Workspace, at: Any, gone: str) -> None:
    made = link(workspace)
    if gone == "suspended":
        Participant.objects.for_workspace(workspace).update(status="suspended")
    elif gone == "expired":
        made.expires_at = at - timedelta(days=400)
        made.save()
    else:
        made.status = Link.Status.ARCHIVED
        made.save()
    answer = client.get("/join/ana-tea/")
    assert answer.status_code == 410
    assert "Ask Ana A. for a new one." in answer.content.decode()
    assert "/r/" not in answer.content.decode()


def test_a_suspended_workspace_takes_a_break(client: Client, workspace: Workspace) -> None:
    link(workspace)
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    answer = client.get("/join/ana-tea/")
    assert answer.status_code == 200
    assert "taking a break" in answer.content.decode()


def test_a_program_without_a_reward_for_friends_still_invites(client: Client, workspace: Workspace) -> None:
    link(workspace, rewards=[])
    text = client.get("/join/ana-tea/").content.decode()
    assert "Ana A. likes Acme and thinks you will too." in text
    assert '<meta property="og:description" content="Have a look.">' in text
