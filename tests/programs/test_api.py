from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services as account_services
from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock
from core.tenancy import tenant
from programs.models import Customer, Link, Participant, Program, ProgramVersion, PromoCode
from tests.factories import (
    CustomerFactory,
    LinkFactory,
    ParticipantFactory,
    ProgramFactory,
    PromoCodeFactory,
    terms,
)


class Api:
    """Calls the API with a key."""

    def __init__(self, client: Client, token: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: str) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/v1/{path}",
            json.dumps(body if body is not None else {}),
            content_type="application/json",
            headers={**self.headers, **headers},
        )

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(
            f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=self.headers
        )


@pytest.fixture
def api(workspace: Workspace, client: Client) -> Api:
    """The API under a key that may read and write."""
    _, token = account_services.create_api_key(
        workspace=workspace, kind="sk", name="test", scopes=["read", "write"], actor=SYSTEM, at=clock.now()
    )
    return Api(client, token)


def error_of(answer: Any, status: int) -> tuple[str, str | None]:
    assert answer.status_code == status, answer.content
    error = answer.json()["error"]
    return error["code"], error["param"]


def test_a_program_is_created_edited_and_published(api: Api, workspace: Workspace) -> None:
    made = api.post("programs", {"name": "Friends", "kind": "affiliate"})
    assert made.status_code == 201
    program = made.json()
    assert (program["name"], program["kind"], program["status"]) == ("Friends", "affiliate", "draft")
    assert (program["live_version"], program["terms"]) == (None, None)
    assert program["draft"]["rewards"][0]["amount"] == {"type": "percentage", "bps": 2000}

    path = f"programs/{program['id']}"
    edited = api.patch(path, {"name": "Fans", "terms": terms()})
    assert (edited.status_code, edited.json()["name"], edited.json()["draft"]) == (200, "Fans", terms())

    published = api.post(f"{path}/publish").json()
    assert (published["status"], published["live_version"], published["terms"]) == ("active", 1, terms())
    assert api.get(path).json() == published

    paused = api.post(f"{path}/status", {"status": "paused", "reason": "Summer"})
    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    assert error_of(api.post(f"{path}/status", {"status": "draft"}), 409) == ("status_refused", "status")
    listed = api.get("programs", status="paused").json()["data"]
    assert listed == [
        {key: paused.json()[key] for key in ("id", "name", "kind", "status", "live_version", "created_at")}
    ]
    assert api.get("programs", status="active").json() == {"data": [], "has_more": False}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "Friends", "kind": "lottery"}, "kind"),
        ({"name": "Friends", "currency": "XXX"}, "currency"),
        ({"name": "Friends", "colour": "red"}, "colour"),
        ({"name": "Friends", "id": "prg_1"}, "id"),
    ],
)
def test_a_bad_program_names_the_field(
    api: Api, workspace: Workspace, body: dict[str, str], param: str
) -> None:
    assert error_of(api.post("programs", body), 400)[1] == param
    assert Program.objects.for_workspace(workspace).count() == 0


def test_faults_of_terms_are_all_named_where_they_stand_in_the_request(
    api: Api, workspace: Workspace
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    answer = api.patch(
        f"programs/{program.public_id}", {"name": "Other", "terms": terms(hold_days=-1, surprise=1)}
    )
    assert error_of(answer, 400) == ("terms_invalid", "terms.hold_days")
    faults = [fault["param"] for fault in answer.json()["error"]["details"]["errors"]]
    assert faults == ["terms.hold_days", "terms.surprise"]
    program.refresh_from_db()
    assert (program.name, program.draft) == ("Refer a friend", terms())
    assert error_of(api.patch(f"programs/{program.public_id}", {"terms": "none"}), 400)[1] == "terms"
    assert error_of(api.patch(f"programs/{program.public_id}", {"terms": {}}), 400)[1] == "terms.schema"


def test_terms_about_fraud_go_with_the_document(api: Api, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    path = f"programs/{program.public_id}"
    fraud = {"hold_at": 40, "weights": {"ring": 80}, "off": ["same_ip"], "verify_email": True}
    edited = api.patch(path, {"terms": terms(fraud=fraud)}).json()

    assert edited["draft"]["fraud"] == {**terms()["fraud"], **fraud}
    refused = api.patch(path, {"terms": terms(fraud={"off": ["moon"], "ring_size": 0})})
    assert error_of(refused, 400) == ("terms_invalid", "terms.fraud.off.0")
    faults = [fault["param"] for fault in refused.json()["error"]["details"]["errors"]]
    assert faults == ["terms.fraud.off.0", "terms.fraud.ring_size"]


def test_incomplete_terms_are_refused_for_publishing(api: Api, workspace: Workspace) -> None:
    program = ProgramFactory.create(
        workspace=workspace, status="draft", live_version=None, draft=terms(destination_url="")
    )
    answer = api.post(f"programs/{program.public_id}/publish")
    assert error_of(answer, 400) == ("terms_invalid", "destination_url")
    assert ProgramVersion.objects.for_workspace(workspace).count() == 0


def test_enrolling_answers_201_once_and_200_after(api: Api, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    body = {
        "program": program.public_id,
        "external_id": "u-1",
        "email": "Ana@x.example",
        "name": "Ana Kos",
        "country": "SI",
    }
    first = api.post("participants", body)
    assert first.status_code == 201
    participant = Participant.objects.for_workspace(workspace).get()
    customer = Customer.objects.for_workspace(workspace).get()
    link = Link.objects.for_workspace(workspace).get()
    assert first.json() == {
        "id": participant.public_id,
        "program": program.public_id,
        "customer": {
            "id": customer.public_id,
            "external_id": "u-1",
            "email": "ana@x.example",
            "name": "Ana Kos",
            "country": "SI",
            "attributes": {},
            "created_at": first.json()["customer"]["created_at"],
            "erased_at": None,
        },
        "status": "active",
        "display_name": "Ana",
        "enrolled_at": first.json()["enrolled_at"],
        "links": [
            {
                "id": link.public_id,
                "code": link.code,
                "referral_url": link.referral_url,
                "status": "active",
            }
        ],
        "referral_url": link.referral_url,
    }
    again = api.post("participants", body)
    assert (again.status_code, again.json()) == (200, first.json())
    assert Participant.objects.for_workspace(workspace).count() == 1

    for query in (
        {"external_id": "u-1"},
        {"email": "ANA@x.example"},
        {"program": program.public_id},
        {"status": "active"},
    ):
        assert [row["id"] for row in api.get("participants", **query).json()["data"]] == [
            participant.public_id
        ]
    for query in ({"external_id": "u-2"}, {"email": "no@x.example"}, {"program": "prg_x"}):
        assert api.get("participants", **query).json()["data"] == []
    assert error_of(api.get("participants", status="gone"), 400)[1] == "status"


def test_a_repeated_idempotency_key_replays_the_enrolment(api: Api, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    body = {"program": program.public_id, "external_id": "u-1"}
    first = api.post("participants", body, **{"Idempotency-Key": "k1"})
    again = api.post("participants", body, **{"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"program": None}, 400, "program"),
        ({"program": "prg_unknown"}, 404, "program"),
        ({"external_id": None}, 400, "external_id"),
        ({"external_id": "u" * 256}, 400, "external_id"),
        ({"external_id": "a\tb"}, 400, "external_id"),
        ({"email": "ana"}, 400, "email"),
        ({"email": {"a": 1}}, 400, "email"),
        ({"country": "S1"}, 400, "country"),
        ({"name": "n" * 121}, 400, "name"),
        ({"display_name": "n" * 61}, 400, "display_name"),
        ({"tier": "gold"}, 400, "tier"),
    ],
)
def test_a_bad_enrolment_names_the_field_and_stores_nobody(
    api: Api, workspace: Workspace, change: dict[str, Any], status: int, param: str
) -> None:
    program = ProgramFactory.create(workspace=workspace)
    body = {"program": program.public_id, "external_id": "u-1", **change}
    assert error_of(api.post("participants", body), status)[1] == param
    assert Customer.objects.for_workspace(workspace).count() == 0
    assert Participant.objects.for_workspace(workspace).count() == 0


def test_a_refused_enrolment_leaves_no_customer_behind(api: Api, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, status="paused")
    answer = api.post("participants", {"program": program.public_id, "external_id": "u-1"})
    assert error_of(answer, 409) == ("program_not_active", "program")
    assert Customer.objects.for_workspace(workspace).count() == 0


def test_a_participant_is_suspended_with_a_reason(api: Api, workspace: Workspace) -> None:
    link = LinkFactory.create(workspace=workspace)
    path = f"participants/{link.participant.public_id}"
    assert error_of(api.patch(path, {"status": "suspended"}), 400) == ("required", "reason")
    changed = api.patch(path, {"status": "suspended", "reason": "Spam", "display_name": "A"}).json()
    assert (changed["status"], changed["display_name"]) == ("suspended", "A")
    assert api.get(path).json() == changed
    assert error_of(api.patch(path, {"customer": "cus_1"}), 400)[1] == "customer"


def test_links_are_made_listed_and_archived(api: Api, workspace: Workspace) -> None:
    participant = ParticipantFactory.create(workspace=workspace, display_name="Ana")
    body = {
        "participant": participant.public_id,
        "code": "Ana-2",
        "destination_url": "https://shop.example/a",
    }
    made = api.post("links", body)
    assert made.status_code == 201
    link = made.json()
    assert (link["code"], link["destination_url"], link["status"], link["expires_at"]) == (
        "Ana-2",
        "https://shop.example/a",
        "active",
        None,
    )
    assert (link["participant"], link["program"]) == (
        participant.public_id,
        participant.program.public_id,
    )
    assert link["referral_url"].endswith("/r/Ana-2")
    assert error_of(api.post("links", {**body, "code": "ANA-2"}), 409) == ("code_taken", "code")
    assert error_of(api.post("links", {**body, "code": "a_b"}), 400)[1] == "code"
    assert error_of(api.post("links", {**body, "code": "c-d", "destination_url": "//e.example"}), 400) == (
        "invalid_format",
        "destination_url",
    )
    assert error_of(api.post("links", {"participant": "prt_x"}), 404)[1] == "participant"
    random = api.post("links", {"participant": participant.public_id}).json()
    assert random["code"].startswith("ana-")
    assert [row["id"] for row in api.get("links").json()["data"]] == [random["id"], link["id"]]
    assert [row["id"] for row in api.get("links", code="ANA-2").json()["data"]] == [link["id"]]

    archived = api.post(f"links/{link['id']}/archive").json()
    assert archived["status"] == "archived"
    assert [row["id"] for row in api.get("links", status="active").json()["data"]] == [random["id"]]
    assert api.get(f"participants/{participant.public_id}").json()["referral_url"] == random["referral_url"]


def test_a_qr_code_comes_as_png_and_svg(api: Api, workspace: Workspace) -> None:
    link = LinkFactory.create(workspace=workspace, code="ana")
    png = api.get(f"links/{link.public_id}/qr", size="300")
    assert (png.status_code, png.headers["Content-Type"]) == (200, "image/png")
    assert png.content.startswith(b"\x89PNG\r\n\x1a\n")
    width = int.from_bytes(png.content[16:20], "big")
    assert 200 < width <= 300
    svg = api.get(f"links/{link.public_id}/qr", format="svg", size="64")
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert svg.content.startswith(b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"')
    path = f"links/{link.public_id}/qr"
    assert error_of(api.get(path, format="gif"), 400)[1] == "format"
    assert error_of(api.get(path, size="63"), 400)[1] == "size"
    assert error_of(api.get(path, size="2049"), 400)[1] == "size"
    assert error_of(api.get(path, colour="red"), 400)[1] == "colour"
    assert error_of(api.get("links/lnk_x/qr"), 404)[0] == "not_found"


def test_promo_codes_are_made_and_listed(api: Api, workspace: Workspace) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    made = api.post("promo-codes", {"participant": participant.public_id, "code": "ANA10"})
    assert made.status_code == 201
    promo = made.json()
    assert (promo["code"], promo["status"], promo["participant"]) == (
        "ANA10",
        "active",
        participant.public_id,
    )
    again = api.post("promo-codes", {"participant": participant.public_id, "code": "ana10"})
    assert error_of(again, 409) == ("code_taken", "code")
    assert error_of(api.post("promo-codes", {"participant": participant.public_id}), 400)[1] == "code"
    assert PromoCode.objects.for_workspace(workspace).count() == 1
    assert api.get("promo-codes", participant=participant.public_id).json()["data"] == [promo]
    assert api.get("promo-codes", program=participant.program.public_id).json()["data"] == [promo]


def test_customers_are_listed_and_found(api: Api, workspace: Workspace) -> None:
    ana = CustomerFactory.create(workspace=workspace, external_id="u-1", email="ana@x.example")
    CustomerFactory.create(workspace=workspace)
    shown = api.get(f"customers/{ana.public_id}").json()
    assert (shown["external_id"], shown["email"]) == ("u-1", "ana@x.example")
    assert api.get("customers", email="ANA@x.example").json() == {"data": [shown], "has_more": False}
    assert api.get("customers", external_id="u-1").json()["data"] == [shown]
    assert len(api.get("customers").json()["data"]) == 2


def test_nothing_of_another_workspace_is_there(
    api: Api, workspace: Workspace, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        link = LinkFactory.create(workspace=other_workspace, code="theirs")
        PromoCodeFactory.create(workspace=other_workspace, participant=link.participant)
        participant = link.participant
        program, customer = participant.program, participant.customer
    mine = ProgramFactory.create(workspace=workspace)
    for listed in ("participants", "customers", "links", "promo-codes"):
        assert api.get(listed).json()["data"] == []
    assert [row["id"] for row in api.get("programs").json()["data"]] == [mine.public_id]
    answers = [
        api.get(f"programs/{program.public_id}"),
        api.patch(f"programs/{program.public_id}", {"name": "Mine"}),
        api.post(f"programs/{program.public_id}/publish"),
        api.post(f"programs/{program.public_id}/status", {"status": "ended"}),
        api.get(f"participants/{participant.public_id}"),
        api.patch(f"participants/{participant.public_id}", {"display_name": "Mine"}),
        api.post("participants", {"program": program.public_id, "external_id": "u-1"}),
        api.get(f"customers/{customer.public_id}"),
        api.post("links", {"participant": participant.public_id}),
        api.post(f"links/{link.public_id}/archive"),
        api.get(f"links/{link.public_id}/qr"),
        api.post("promo-codes", {"participant": participant.public_id, "code": "MINE"}),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert Customer.objects.for_workspace(workspace).count() == 0
    with tenant(other_workspace):
        program.refresh_from_db()
        link.refresh_from_db()
        assert (program.name, program.status, link.status) == ("Refer a friend", "active", "active")


@pytest.mark.parametrize("path", ["programs", "participants", "customers", "links", "promo-codes"])
def test_a_list_asks_the_same_questions_for_one_row_and_for_three(
    api: Api, workspace: Workspace, path: str
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(path).status_code == 200
        return len(captured)

    def add() -> None:
        link = LinkFactory.create(workspace=workspace)
        PromoCodeFactory.create(workspace=workspace, participant=link.participant)

    add()
    api.get(path)
    one = count()
    add()
    add()
    assert len(api.get(path).json()["data"]) == 3
    assert count() == one


def test_a_key_that_may_only_read_changes_nothing(workspace: Workspace, client: Client) -> None:
    _, token = account_services.create_api_key(
        workspace=workspace, kind="sk", name="reader", scopes=["read"], actor=SYSTEM, at=clock.now()
    )
    api = Api(client, token)
    assert error_of(api.post("programs", {"name": "Friends"}), 403) == ("missing_scope", None)
    assert api.get("programs").status_code == 200
