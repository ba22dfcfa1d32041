"""What a friend sees who follows an invitation, in each state it can be in."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from accounts.models import Workspace
from core import clock
from engagement import pictures, services
from programs.models import Link, Participant, Program
from tests.engagement import rows
from tests.factories import CustomerFactory, LinkFactory, ParticipantFactory, ProgramFactory, terms
from tracking.models import Click, Referral, Touchpoint

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
    assert ">Ana A. invites you to Acme</h1>" in text
    assert ">15 % off</p>" in text
    assert "You get a discount of 15 % for the first purchase." in text
    assert text.count('href="/r/Ana-Tea"') == 1
    assert text.count("<li><strong") == 3
    assert 'The code <strong class="font-semibold">Ana-Tea</strong> goes with you.' in text
    assert '<meta property="og:title" content="Ana A. invites you to Acme">' in text
    assert (
        '<meta property="og:description" content="You get a discount of 15 % for the first purchase.">'
        in text
    )
    assert '<meta property="og:url" content="http://127.0.0.1:8000/join/Ana-Tea/">' in text
    assert '<meta property="og:image" content="http://127.0.0.1:8000/join/Ana-Tea/card.png">' in text
    assert '<meta name="twitter:card" content="summary_large_image">' in text
    assert not answer.cookies
    assert "Ansel" not in text
    assert "ana@example.com" not in text
    assert Click.objects.for_workspace(workspace).count() == 0


def test_names_are_escaped_and_addresses_are_not_shown_as_names(client: Client, workspace: Workspace) -> None:
    made = link(workspace, display_name='<script>"')
    assert "&lt;script&gt;&quot; invites you" in client.get("/join/ana-tea/").content.decode()
    Participant.objects.for_workspace(workspace).filter(pk=made.participant_id).update(
        display_name="Win at evil.example"
    )
    assert ">A friend invites you to Acme</h1>" in client.get("/join/ana-tea/").content.decode()


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


VISITOR = "vis_00000000000000000000000000"


def came_before(made: Link, visitor: str = VISITOR, status: str = "started") -> Referral:
    """Let a friend have come by the link in a browser that keeps this cookie."""
    click = rows.click(made)
    Click.objects.for_workspace(made.workspace).filter(pk=click.pk).update(visitor_id=visitor)
    brought = rows.referral(made.participant, status=status)
    Touchpoint.objects.create(
        workspace=made.workspace,
        kind="click",
        program=made.participant.program,
        participant=made.participant,
        customer=brought.customer,
        click=click,
        channel="link",
        occurred_at=click.occurred_at,
    )
    return brought


def test_the_own_invitation_leads_to_the_portal(client: Client, workspace: Workspace) -> None:
    made = link(workspace)
    entered = services.create_portal_link(participant=made.participant, at=clock.now())
    client.post(re.sub("^.*(?=/portal/)", "", entered.url))
    answer = client.get("/join/ana-tea/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<h1>This is your own invitation</h1>" in text
    assert 'href="/portal/"' in text
    assert "/r/" not in text
    assert "private" in answer["Cache-Control"]


def test_another_participant_sees_the_invitation_as_a_friend_does(
    client: Client, workspace: Workspace
) -> None:
    made = link(workspace)
    other = ParticipantFactory.create(workspace=workspace, program=made.participant.program)
    entered = services.create_portal_link(participant=other, at=clock.now())
    client.post(re.sub("^.*(?=/portal/)", "", entered.url))
    assert ">Ana A. invites you to Acme</h1>" in client.get("/join/ana-tea/").content.decode()


def test_who_came_by_an_invitation_before_is_sent_on_to_the_shop(
    client: Client, workspace: Workspace
) -> None:
    made = link(workspace)
    came_before(made)
    client.cookies["referral_visitor"] = VISITOR
    text = client.get("/join/ana-tea/").content.decode()
    assert "<h1>You are invited already</h1>" in text
    assert 'href="https://shop.example/welcome"' in text
    assert "/r/" not in text


@pytest.mark.parametrize(
    ("cookie", "status"),
    [(VISITOR, "rejected"), ("vis_11111111111111111111111111", "started"), ("x", "started")],
)
def test_others_are_invited(client: Client, workspace: Workspace, cookie: str, status: str) -> None:
    made = link(workspace)
    came_before(made, status=status)
    client.cookies["referral_visitor"] = cookie
    assert ">Ana A. invites you to Acme</h1>" in client.get("/join/ana-tea/").content.decode()


def test_the_picture_is_drawn_for_every_invitation_there_is(client: Client, workspace: Workspace) -> None:
    link(workspace, display_name="日本")
    answer = client.get("/join/ana-tea/card.png")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(answer.content)).size == (1200, 630)
    assert answer["Cache-Control"] == "public, max-age=3600"
    assert not answer.cookies
    assert client.get("/join/nobody/card.png").status_code == 404
    assert Click.objects.for_workspace(workspace).count() == 0


@pytest.mark.parametrize("color", ["#4f46e5", "#ffd34e", "#000000", "#ffffff"])
def test_pictures_of_any_length_and_colour(color: str) -> None:
    long = "Extraordinarily " * 20
    drawn = pictures.invitation_card(workspace=long, inviter="X" * 300, benefit=long, color=color)
    image = Image.open(io.BytesIO(drawn)).convert("RGB")
    assert image.size == (1200, 630)
    # The margin stays free on the left, so nothing runs out of the picture.
    assert len(image.crop((0, 0, 80, 630)).getcolors() or ()) == 1
