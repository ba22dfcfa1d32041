"""People invited by their addresses, one or many."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User, Workspace
from core.models import Event
from programs.forms import InviteForm
from programs.models import Customer, Participant, Program
from programs.queries import programs_of
from tests.factories import ParticipantFactory, ProgramFactory


@pytest.fixture
def address(client: Client, owner: User, workspace: Workspace) -> str:
    """The page, with the workspace's owner signed in."""
    client.force_login(owner)
    return f"/w/{workspace.slug}/participants/invite/"


def test_pasted_people_are_invited_and_each_result_is_told(
    client: Client, address: str, workspace: Workspace
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    known = ParticipantFactory.create(workspace=workspace, program=program)
    people = f"Ana Kos <ana@x.example>\nbo@x.example; ANA@x.example,\n{known.customer.email}\nno address"
    Customer.objects.for_workspace(workspace).filter(pk=known.customer_id).update(external_id=None)
    answer = client.post(address, {"program": program.public_id, "people": people})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "2 invitations sent" in page
    assert "Takes part already." in page
    assert "This is not an e-mail address." in page
    joined = Participant.objects.for_workspace(workspace).exclude(pk=known.pk).order_by("pk")
    assert [(row.customer.email, row.display_name) for row in joined] == [
        ("ana@x.example", "Ana"),
        ("bo@x.example", ""),
    ]
    told = Event.objects.for_workspace(workspace).filter(kind="participant.enrolled")
    assert {event.data["participant"] for event in told} == {row.public_id for row in joined}


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ("", "This field is required."),
        (" ,;,\n", "Give at least one e-mail address."),
        ("\n".join(f"p{n}@x.example" for n in range(201)), "These are 201 people; 200 at a time at most."),
    ],
)
def test_too_few_or_too_many_people_are_refused(workspace: Workspace, people: str, message: str) -> None:
    program = ProgramFactory.create(workspace=workspace)
    form = InviteForm({"program": program.public_id, "people": people}, programs=programs_of(workspace))
    assert not form.is_valid()
    assert form.errors == {"people": [message]}


def test_only_an_active_program_invites(client: Client, address: str, workspace: Workspace) -> None:
    assert "No program is active" in client.get(address).content.decode()
    program = ProgramFactory.create(workspace=workspace)
    Program.objects.for_workspace(workspace).filter(pk=program.pk).update(status="paused")
    answer = client.post(address, {"program": program.public_id, "people": "ana@x.example"})
    assert answer.status_code == 400
    assert Participant.objects.for_workspace(workspace).count() == 0
