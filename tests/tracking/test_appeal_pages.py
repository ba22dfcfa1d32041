"""The support pages of the console, and the API's calls on appeals."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Member, User, Workspace
from analytics import queries as analytics_queries
from core.tenancy import tenant
from programs.models import Customer, Participant
from tests import factories
from tests.lists import assert_same_queries
from tests.tracking.conftest import NOW, Call, Clicker, token
from tests.tracking.test_appeals import WORDS, answered, buy, opened
from tracking.models import Appeal, Conversion


@pytest.fixture
def conversion(
    workspace: Workspace, ana: Participant, ben: Participant, friend: Customer, click: Clicker
) -> Conversion:
    """A purchase for which Ben is credited and Ana is not."""
    click(ana, days_ago=3)
    return buy(workspace, friend, click=click(ben, days_ago=1))


@pytest.fixture
def appeal(ana: Participant, conversion: Conversion) -> Appeal:
    return opened(ana, conversion).appeal


def signed_in(workspace: Workspace, role: str) -> Client:
    user: User = factories.UserFactory.create()
    Member.objects.create(workspace=workspace, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def inside(workspace: Workspace) -> Client:
    return signed_in(workspace, "support")


def address(workspace: Workspace, *parts: str) -> str:
    return "/".join(("", "w", workspace.slug, "appeals", *parts, ""))


def text_of(answer: Any) -> str:
    return " ".join(unescape(re.sub("<[^>]*>", " ", answer.content.decode())).split())


def test_the_list_finds_and_narrows(
    inside: Client, workspace: Workspace, ana: Participant, ben: Participant, appeal: Appeal
) -> None:
    missing = answered(opened(ben, None, "Where is Cleo?").appeal, "declined", "She bought without a link.")

    def listed(query: str = "") -> list[str]:
        page = inside.get(address(workspace) + query).context["page"]
        return [row.public_id for row in page]

    assert listed() == [missing.public_id, appeal.public_id]
    for query, found in (
        ("?status=open", [appeal]),
        ("?status=declined", [missing]),
        ("?status=granted", []),
        ("?about=missing", [missing]),
        ("?about=order", [appeal]),
        (f"?program={ana.program.public_id}", [missing, appeal]),
        (f"?participant={ana.public_id}", [appeal]),
        (f"?conversion={appeal.conversion.public_id}", [appeal]),
        ("?q=cleo", [missing]),
        ("?q=ana@example", [appeal]),
        ("?q=inv-1", [appeal]),
        ("?from=2026-03-03", []),
    ):
        assert listed(query) == [each.public_id for each in found], query
    page = inside.get(address(workspace)).content.decode()
    cells = [" ".join(cell.split()) for cell in re.findall(r"<td[^>]*>([^<]*)</td>", page)]
    assert [cell for cell in cells if cell in ("inv-1", "A missing friend")] == ["A missing friend", "inv-1"]
    assert "Nothing matches these filters" in text_of(inside.get(address(workspace) + "?status=granted"))


def test_an_empty_list_says_what_will_be_there(inside: Client, workspace: Workspace) -> None:
    assert "Nobody asks for anything here" in text_of(inside.get(address(workspace)))


def test_the_file_holds_whole_words(workspace: Workspace, ana: Participant) -> None:
    opened(ana, None, "word " * 60)
    answer: Any = signed_in(workspace, "analyst").get(address(workspace) + "?export=csv")
    content = b"".join(answer.streaming_content)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0]["Their words"] == ("word " * 60).strip()


def test_the_list_costs_the_same_however_long(inside: Client, workspace: Workspace, ana: Participant) -> None:
    def grow(number: int) -> None:
        Appeal.objects.bulk_create(
            Appeal(workspace=workspace, participant=ana, message=WORDS, opened_at=NOW) for _ in range(number)
        )

    assert_same_queries(inside, address(workspace), grow)


def test_an_appeal_shows_the_words_what_they_read_and_what_they_asked_besides(
    inside: Client, workspace: Workspace, ana: Participant, appeal: Appeal
) -> None:
    other = answered(opened(ana, None).appeal, "declined", "Nobody came.")
    answer = inside.get(address(workspace, appeal.public_id))
    text, page = text_of(answer), answer.content.decode()
    assert WORDS in text
    assert "Somebody else's more recent link was used before the purchase." in text
    assert "Your link was opened This program counts the last visit only." in text
    assert f"/conversions/{appeal.conversion.public_id}/" in page
    assert f"/participants/{ana.public_id}/" in page
    assert f"/appeals/{other.public_id}/" in page
    assert "Send the answer" in text
    said = text_of(inside.get(address(workspace, other.public_id)))
    assert "A missing friend" in said
    assert "Nobody came." in said
    assert "Send the answer" not in said


def test_the_words_are_text_and_no_markup(inside: Client, workspace: Workspace, ana: Participant) -> None:
    made = opened(ana, None, "<script>alert(1)</script> lost").appeal
    page = inside.get(address(workspace, made.public_id)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_answering(inside: Client, workspace: Workspace, appeal: Appeal) -> None:
    place = address(workspace, appeal.public_id, "answer")
    for body in ({}, {"status": "granted"}, {"status": "open", "answer": "Hm."}, {"answer": "Hm."}):
        assert inside.post(place, body).status_code == 400
    appeal.refresh_from_db()
    assert appeal.status == "open"
    done: Any = inside.post(place, {"status": "granted", "answer": "You are right."}, follow=True)
    assert done.redirect_chain == [(address(workspace, appeal.public_id), 302)]
    assert "Answered. They get a mail" in text_of(done)
    appeal.refresh_from_db()
    assert (appeal.status, appeal.answer) == ("granted", "You are right.")
    late = inside.post(place, {"status": "declined", "answer": "No."})
    assert late.status_code == 400
    assert "This appeal was answered before." in text_of(late)
    appeal.refresh_from_db()
    assert appeal.status == "granted"


@pytest.mark.parametrize("role", ["read_only", "analyst", "finance"])
def test_who_may_not_manage_participants_reads_only(workspace: Workspace, appeal: Appeal, role: str) -> None:
    client = signed_in(workspace, role)
    assert "Send the answer" not in text_of(client.get(address(workspace, appeal.public_id)))
    body = {"status": "granted", "answer": "You are right."}
    assert client.post(address(workspace, appeal.public_id, "answer"), body).status_code == 403
    appeal.refresh_from_db()
    assert appeal.status == "open"


def test_anothers_appeal_is_not_found(
    inside: Client, workspace: Workspace, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        foreign = opened(factories.ParticipantFactory.create(workspace=other_workspace), None).appeal
    assert inside.get(address(workspace, foreign.public_id)).status_code == 404
    body = {"status": "granted", "answer": "You are right."}
    assert inside.post(address(workspace, foreign.public_id, "answer"), body).status_code == 404


def test_the_overview_counts_open_appeals(workspace: Workspace, ana: Participant, appeal: Appeal) -> None:
    def matters() -> list[tuple[str, int, str, str]]:
        found = analytics_queries.standing(workspace, at=NOW).matters
        return [(each.label, each.count, each.url_name, each.query) for each in found]

    one = ("participant asks to have something looked at", 1, "appeal_list", "status=open")
    assert one in matters()
    opened(ana, None)
    assert ("participants ask to have something looked at", 2, "appeal_list", "status=open") in matters()
    for each in Appeal.objects.for_workspace(workspace):
        answered(each)
    assert not [each for each in matters() if each[2] == "appeal_list"]


# The API.


@pytest.fixture
def key(workspace: Workspace) -> str:
    return token(workspace, scopes=("read", "write"))


def test_the_explanation_is_the_participants_own(
    call: Call, ana: Participant, ben: Participant, conversion: Conversion
) -> None:
    lost = call(f"participants/{ana.public_id}/explanations/{conversion.public_id}")
    assert lost.status_code == 200
    assert lost.json() == {
        "participant": ana.public_id,
        "conversion": conversion.public_id,
        "kind": "purchase",
        "occurred_at": "2026-03-02T12:00:00Z",
        "credited": False,
        "share_ppm": 0,
        "reason": "not_last_click",
        "sentence": "Somebody else's more recent link was used before the purchase.",
        "standing": "",
        "check": "",
        "touches": [
            {
                "at": "2026-02-27T12:00:00Z",
                "kind": "click",
                "what": "Your link was opened.",
                "sentence": "This program counts the last visit only.",
                "reason": "not_last_click",
                "counts": False,
            }
        ],
        "rewards": [],
    }
    won = call(f"participants/{ben.public_id}/explanations/{conversion.public_id}").json()
    assert (won["credited"], won["share_ppm"]) == (True, 1_000_000)
    assert ana.public_id not in json.dumps(won)


def test_the_explanation_of_nothing_is_not_found(
    call: Call, workspace: Workspace, ana: Participant, conversion: Conversion
) -> None:
    stranger = factories.ParticipantFactory.create(workspace=workspace)
    for who, what in (
        (stranger.public_id, conversion.public_id),
        ("prt_none", conversion.public_id),
        (ana.public_id, "cnv_none"),
    ):
        assert call(f"participants/{who}/explanations/{what}").status_code == 404


def test_an_appeal_is_opened_and_answered_by_the_api(
    call: Call, key: str, ana: Participant, conversion: Conversion
) -> None:
    body = {"participant": ana.public_id, "conversion": conversion.public_id, "message": WORDS}
    made = call("appeals", body, key=key)
    assert made.status_code == 201
    said = made.json()
    assert {name: value for name, value in said.items() if name not in ("id", "opened_at")} == {
        "participant": ana.public_id,
        "program": ana.program.public_id,
        "conversion": conversion.public_id,
        "status": "open",
        "message": WORDS,
        "answer": "",
        "answered_by": "",
        "answered_at": None,
    }
    again = call("appeals", body, key=key)
    assert (again.status_code, again.json()) == (200, said)
    done = call(f"appeals/{said['id']}/answer", {"status": "granted", "answer": "You are right."}, key=key)
    assert (done.status_code, done.json()["status"], done.json()["answer"]) == (
        200,
        "granted",
        "You are right.",
    )
    assert call(f"appeals/{said['id']}").json() == done.json()
    late = call(f"appeals/{said['id']}/answer", {"status": "declined", "answer": "No."}, key=key)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "appeal_answered")


def test_a_repetition_under_a_key_opens_nothing(call: Call, key: str, ana: Participant) -> None:
    body = {"participant": ana.public_id, "message": "Cleo is missing."}
    first = call("appeals", body, key=key, **{"Idempotency-Key": "one"})
    again = call("appeals", body, key=key, **{"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    assert first.json()["conversion"] is None


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"participant": "prt_none"}, 404, "participant"),
        ({"conversion": "cnv_none"}, 404, "conversion"),
        ({"message": "short"}, 400, "message"),
        ({"message": "x" * 2001}, 400, "message"),
        ({"mesage": "A typing error."}, 400, "mesage"),
    ],
)
def test_bad_bodies_name_the_field(
    call: Call,
    key: str,
    workspace: Workspace,
    ana: Participant,
    change: dict[str, str],
    status: int,
    param: str,
) -> None:
    refused = call("appeals", {"participant": ana.public_id, "message": WORDS, **change}, key=key)
    assert (refused.status_code, refused.json()["error"]["param"]) == (status, param)
    assert not Appeal.objects.for_workspace(workspace).exists()


def test_a_conversion_without_a_part_is_not_found(
    call: Call, key: str, workspace: Workspace, conversion: Conversion
) -> None:
    stranger = factories.ParticipantFactory.create(workspace=workspace)
    body = {"participant": stranger.public_id, "conversion": conversion.public_id, "message": WORDS}
    refused = call("appeals", body, key=key)
    assert (refused.status_code, refused.json()["error"]["param"]) == (404, "conversion")


def test_a_key_that_reads_does_not_write(call: Call, ana: Participant, appeal: Appeal) -> None:
    assert call("appeals", {"participant": ana.public_id, "message": WORDS}).status_code == 403
    refused = call(f"appeals/{appeal.public_id}/answer", {"status": "granted", "answer": "Yes."})
    assert refused.status_code == 403


def test_the_api_lists_and_narrows(call: Call, ana: Participant, ben: Participant, appeal: Appeal) -> None:
    missing = answered(opened(ben, None).appeal, "declined", "No.")

    def listed(query: str = "") -> list[str]:
        return [each["id"] for each in call(f"appeals{query}").json()["data"]]

    assert listed() == [missing.public_id, appeal.public_id]
    assert listed("?status=open") == [appeal.public_id]
    assert listed(f"?participant={ben.public_id}") == [missing.public_id]
    assert listed(f"?conversion={appeal.conversion.public_id}") == [appeal.public_id]
    assert listed(f"?program={ana.program.public_id}&limit=1") == [missing.public_id]
