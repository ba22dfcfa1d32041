"""The lists of programs, participants and customers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Member, Role, User, Workspace
from programs.models import Participant
from tests.conftest import AT
from tests.factories import CustomerFactory, ParticipantFactory, ProgramFactory, UserFactory
from tests.lists import assert_same_queries
from tracking.models import Referral


@pytest.fixture
def root(client: Client, owner: User, workspace: Workspace) -> str:
    """The address of the workspace, with its owner signed in."""
    client.force_login(owner)
    return f"/w/{workspace.slug}"


@pytest.mark.parametrize("path", ["programs/", "participants/", "customers/"])
def test_a_list_makes_the_same_queries_with_any_number_of_rows(
    client: Client, root: str, workspace: Workspace, path: str
) -> None:
    def grow(count: int) -> Any:
        # A program each: what stands in the filter grows with the list.
        return [ParticipantFactory.create(workspace=workspace) for _ in range(count)]

    assert_same_queries(client, f"{root}/{path}", grow=grow)


def test_participants_show_and_sort_by_the_friends_they_brought(
    client: Client, root: str, workspace: Workspace
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    people = [
        ParticipantFactory.create(
            workspace=workspace,
            program=program,
            customer=CustomerFactory.create(workspace=workspace, name=name),
        )
        for name in ("Ana", "Bo", "Cy")
    ]
    for participant, statuses in zip(
        people, (["started"], ["converted", "rejected", "started"], []), strict=True
    ):
        for status in statuses:
            Referral.objects.create(
                workspace=workspace,
                program=program,
                participant=participant,
                customer=CustomerFactory.create(workspace=workspace),
                status=status,
                started_at=AT,
                converted_at=AT if status == "converted" else None,
            )
    page = client.get(f"{root}/participants/", {"sort": "-friends"}).context["page"]
    found = [(row.customer.name, row.friends, row.converted) for row in page]
    assert found == [("Bo", 2, 1), ("Ana", 1, 0), ("Cy", 0, 0)]


def test_the_whole_list_is_exported(client: Client, root: str, workspace: Workspace) -> None:
    participant = ParticipantFactory.create(
        workspace=workspace,
        customer=CustomerFactory.create(workspace=workspace, name="=Ana", email="ana@x.example"),
    )
    answer = client.get(f"{root}/participants/", {"export": "csv"})
    lines = b"".join(answer).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Id,Participant,Shown to friends,E-mail,Program,Status,Friends,Bought")
    assert lines[1].startswith(f"{participant.public_id},'=Ana,")
    assert "ana@x.example" in lines[1]


def test_chosen_participants_are_suspended_and_each_result_is_told(
    client: Client, root: str, workspace: Workspace
) -> None:
    first, second = (ParticipantFactory.create(workspace=workspace) for _ in range(2))
    Participant.objects.for_workspace(workspace).filter(pk=second.pk).update(status="suspended")
    chosen = [first.public_id, second.public_id, "prt_nobody"]
    without = client.post(f"{root}/participants/bulk/", {"chosen": chosen, "action": "suspended"})
    assert without.status_code == 302
    assert "Say why they are suspended." in client.get(without.headers["Location"]).content.decode()
    data = {"chosen": chosen, "action": "suspended", "reason": "Own orders", "filters": "status=active"}
    page = client.post(f"{root}/participants/bulk/", data).content.decode()
    assert "1 of 2 changed" in page
    assert "Is suspended already." in page
    assert 'href="/w/acme/participants/?status=active"' in page
    first.refresh_from_db()
    assert first.status == "suspended"
    client.post(f"{root}/participants/bulk/", {"chosen": chosen, "action": "active"})
    assert set(Participant.objects.for_workspace(workspace).values_list("status", flat=True)) == {"active"}
    refused = client.post(f"{root}/participants/bulk/", {"chosen": chosen, "action": "deleted"})
    assert "A participant is active or suspended." in client.get(refused.headers["Location"]).content.decode()


def test_a_reader_is_offered_no_bulk_action(client: Client, workspace: Workspace) -> None:
    reader = UserFactory.create()
    Member.objects.create(workspace=workspace, user=reader, role=Role.READ_ONLY, joined_at=AT)
    client.force_login(reader)
    participant = ParticipantFactory.create(workspace=workspace)
    page = client.get(f"/w/{workspace.slug}/participants/").content.decode()
    assert "data-bulk" not in page
    answer = client.post(
        f"/w/{workspace.slug}/participants/bulk/", {"chosen": [participant.public_id], "action": "suspended"}
    )
    assert answer.status_code == 403
