"""The portal's door: who gets in, what an outsider can learn, and how often a link works."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services as account_services
from accounts.models import Workspace
from core import clock
from core.tenancy import tenant
from engagement import services
from engagement.models import MagicLink, Message
from engagement.services.sign_in import LINK_MARK, mailed_secret
from programs.models import Participant, Program
from tests.factories import CustomerFactory, ParticipantFactory, ProgramFactory, terms


@pytest.fixture(autouse=True)
def local_cache(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    participant: Participant = ParticipantFactory.create(
        workspace=workspace,
        program=ProgramFactory.create(workspace=workspace, name="Tea friends"),
        customer=CustomerFactory.create(workspace=workspace, email="ana@example.com", name="Ana"),
    )
    return participant


def address_of(program: Program) -> str:
    return f"/portal/{program.public_id}/"


def mailed_link(workspace: Workspace) -> str:
    with tenant(workspace):
        message = Message.objects.for_workspace(workspace).latest("pk")
    return f"/portal/enter/{mailed_secret(message.public_id)}/"


def sign_in(client: Client, participant: Participant) -> Any:
    """Sign the client in as a participant and return the last answer."""
    with tenant(participant.workspace):
        made = services.create_portal_link(participant=participant, at=clock.now())
    return client.post(re.sub("^.*(?=/portal/)", "", made.url))


def test_a_participant_is_mailed_a_link_that_the_mail_log_does_not_show(
    client: Client, workspace: Workspace, ana: Participant
) -> None:
    answer = client.post(address_of(ana.program), {"email": " Ana@Example.com "})
    assert (answer.status_code, answer["Location"]) == (302, f"{address_of(ana.program)}?sent=1")
    message = Message.objects.for_workspace(workspace).get()
    assert (message.kind, message.to_email, message.subject, message.state) == (
        "magic_link",
        "ana@example.com",
        "Sign in to Tea friends",
        "pending",
    )
    link = MagicLink.objects.for_workspace(workspace).get()
    secret = mailed_secret(message.public_id)
    assert link.expires_at - link.created_at == timedelta(minutes=30)
    assert LINK_MARK in message.text
    assert LINK_MARK in message.html
    assert secret not in message.text + message.html + link.secret_hash
    told = client.get(answer["Location"]).content.decode()
    assert "If this address takes part, a link is on its way." in told


def test_the_link_goes_to_the_address_on_file(client: Client, workspace: Workspace, ana: Participant) -> None:
    CustomerFactory.create(workspace=workspace, email="b.o.b@gmail.com", mailbox="bob@gmail.com")
    bob = ParticipantFactory.create(
        workspace=workspace,
        program=ana.program,
        customer=CustomerFactory.create(workspace=workspace, email="bob@gmail.com", mailbox="bob@gmail.com"),
    )
    client.post(address_of(ana.program), {"email": "B.ob+evil@googlemail.com"})
    message = Message.objects.for_workspace(workspace).get()
    assert (message.to_email, message.about) == ("bob@gmail.com", bob.public_id)


def test_the_answer_does_not_tell_who_takes_part(
    client: Client, workspace: Workspace, ana: Participant
) -> None:
    suspended = ParticipantFactory.create(
        workspace=workspace,
        program=ana.program,
        status="suspended",
        customer=CustomerFactory.create(workspace=workspace, email="sus@example.com"),
    )
    CustomerFactory.create(workspace=workspace, email="customer@example.com")
    elsewhere = ParticipantFactory.create(workspace=workspace)
    asked = (
        "ana@example.com",
        "stranger@example.com",
        suspended.customer.email,
        "customer@example.com",
        elsewhere.customer.email,
    )
    seen = []
    for email in asked:
        with CaptureQueriesContext(
            connection,
        ) as made:
            answer = client.post(address_of(ana.program), {"email": email})
        statements = [re.sub(r"\W.*", "", each["sql"]) for each in made.captured_queries]
        work = [word for word in statements if word in ("SELECT", "INSERT", "UPDATE", "DELETE")]
        page = client.get(answer["Location"])
        seen.append((answer.status_code, answer["Location"], answer.content, page.content, work))
    assert seen.count(seen[0]) == len(asked)
    assert seen[0][4].count("INSERT") == 2
    assert [message.to_email for message in Message.objects.for_workspace(workspace)] == ["ana@example.com"]
    assert MagicLink.objects.for_workspace(workspace).count() == 1


@pytest.mark.parametrize(
    "email", ["", "no address", "a@b\x00.example", "x" * 250 + "@example.com", '"a\x0bb"@c.example']
)
def test_what_is_no_address_is_refused_by_the_field(client: Client, ana: Participant, email: str) -> None:
    answer = client.post(address_of(ana.program), {"email": email})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["email"]


def test_asking_too_often_is_refused_for_anybody(
    client: Client, workspace: Workspace, ana: Participant
) -> None:
    for email in ("ana@example.com", "stranger@example.com"):
        for _ in range(3):
            assert client.post(address_of(ana.program), {"email": email}).status_code == 302
        answer = client.post(address_of(ana.program), {"email": email})
        assert (answer.status_code, answer["Retry-After"]) == (429, "900")
        assert "Too many links were asked for" in answer.content.decode()
    assert Message.objects.for_workspace(workspace).count() == 3
    for number in range(14):
        email = f"guess{number}@example.com"
        assert client.post(address_of(ana.program), {"email": email}).status_code == 302
    answer = client.post(address_of(ana.program), {"email": "guess99@example.com"})
    assert answer.status_code == 429


def test_a_window_that_ends_while_counting_lets_the_request_through(
    client: Client, workspace: Workspace, ana: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engagement.services.sign_in.WINDOW_SECONDS", 0)
    for _ in range(5):
        assert client.post(address_of(ana.program), {"email": "ana@example.com"}).status_code == 302
    assert Message.objects.for_workspace(workspace).count() == 5


@pytest.mark.parametrize("public_id", ["prg_01jzzzzzzzzzzzzzzzzzzzzzzz", "nonsense"])
def test_an_unknown_program_has_no_door(client: Client, db: None, public_id: str) -> None:
    answer = client.get(f"/portal/{public_id}/")
    assert answer.status_code == 404
    assert "There is no such program" in answer.content.decode()


def test_drafts_and_suspended_workspaces_have_no_door(client: Client, workspace: Workspace) -> None:
    draft = ProgramFactory.create(workspace=workspace, status="draft", live_version=None)
    assert client.get(address_of(draft)).status_code == 404
    program = ProgramFactory.create(workspace=workspace)
    assert client.get(address_of(program)).status_code == 200
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    assert client.get(address_of(program)).status_code == 404


def test_looking_at_the_link_does_not_use_it_up_and_the_button_does_once(
    client: Client, workspace: Workspace, ana: Participant
) -> None:
    client.post(address_of(ana.program), {"email": "ana@example.com"})
    address = mailed_link(workspace)
    for _ in range(2):
        page = client.get(address)
        assert page.status_code == 200
        assert page["Referrer-Policy"] == "same-origin"
        assert "no-store" in page["Cache-Control"]
    client.get("/accounts/login/")
    client.session.save()
    answer = client.post(address)
    assert (answer.status_code, answer["Location"]) == (302, "/portal/")
    assert client.get("/portal/").status_code == 200
    for again in (client.get(address), client.post(address), Client().post(address)):
        assert again.status_code == 410
        assert "This sign-in link no longer works" in again.content.decode()
        assert address_of(ana.program) in again.content.decode()


def test_signing_in_gives_the_session_a_new_key(client: Client, ana: Participant) -> None:
    session = client.session
    session["before"] = "kept"
    session.save()
    planted = str(session.session_key)
    client.cookies["session"] = planted
    sign_in(client, ana)
    assert client.cookies["session"].value != planted
    assert client.get("/portal/").status_code == 200
    stranger = Client()
    stranger.cookies["session"] = planted
    assert stranger.get("/portal/").status_code == 403


def test_a_link_expires(client: Client, workspace: Workspace, ana: Participant, at: datetime) -> None:
    made = services.create_portal_link(participant=ana, at=clock.now() - timedelta(minutes=30))
    address = re.sub("^.*(?=/portal/)", "", made.url)
    assert client.get(address).status_code == 410
    assert client.post(address).status_code == 410
    assert client.get("/portal/").status_code == 403
    assert MagicLink.objects.for_workspace(workspace).get().used_at is None


def test_an_unknown_link_gets_a_friendly_page(client: Client, db: None) -> None:
    answer = client.get("/portal/enter/nothing-like-it/")
    assert answer.status_code == 404
    assert "We do not know it." in answer.content.decode()


def test_members_and_participants_stay_apart(
    client: Client, workspace: Workspace, ana: Participant, owner: Any
) -> None:
    CustomerFactory.create(workspace=workspace, email=owner.email)
    client.force_login(owner)
    assert client.get("/portal/").status_code == 403
    sign_in(client, ana)
    assert client.get("/portal/").status_code == 200
    assert client.get(f"/w/{workspace.slug}/messages/").status_code == 200
    client.post("/portal/sign-out/")
    assert client.get("/portal/").status_code == 403
    assert client.get(f"/w/{workspace.slug}/messages/").status_code == 200
    participant_only = Client()
    sign_in(participant_only, ana)
    assert participant_only.get(f"/w/{workspace.slug}/messages/").status_code == 302


def test_signing_out_needs_a_post_and_leads_to_the_door(client: Client, ana: Participant) -> None:
    sign_in(client, ana)
    assert client.get("/portal/sign-out/").status_code == 405
    answer = client.post("/portal/sign-out/")
    assert (answer.status_code, answer["Location"]) == (302, address_of(ana.program))


def test_a_suspended_workspace_closes_the_portal(
    client: Client, workspace: Workspace, ana: Participant
) -> None:
    sign_in(client, ana)
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    assert client.get("/portal/").status_code == 403


def secret_key(workspace: Workspace, owner: Any, *scopes: str) -> str:
    actor = account_services.Actor(kind="user", label=owner.email, user=owner)
    _, token = account_services.create_api_key(
        workspace=workspace, kind="sk", name="shop", scopes=list(scopes), actor=actor, at=clock.now()
    )
    return f"Bearer {token}"


def test_a_shop_signs_its_own_customer_in(
    client: Client, workspace: Workspace, ana: Participant, owner: Any
) -> None:
    key = {"Authorization": secret_key(workspace, owner, "portal"), "Idempotency-Key": "once"}
    body = {"participant": ana.public_id}
    answers = [
        client.post("/api/v1/portal-links", body, content_type="application/json", headers=key)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    first, second = (answer.json() for answer in answers)
    assert set(first) == {"participant", "url", "expires_at"}
    assert first["participant"] == ana.public_id
    assert first["url"] != second["url"]
    assert first["url"].startswith("http://127.0.0.1:8000/portal/enter/")
    assert client.post(re.sub("^.*(?=/portal/)", "", first["url"])).status_code == 302
    assert client.get("/portal/").context["participant"] == ana


def test_portal_links_refuse_by_name(
    client: Client, workspace: Workspace, other_workspace: Workspace, ana: Participant, owner: Any
) -> None:
    with tenant(other_workspace):
        foreign = ParticipantFactory.create(workspace=other_workspace).public_id
    suspended = ParticipantFactory.create(workspace=workspace, status="suspended").public_id
    key = {"Authorization": secret_key(workspace, owner, "portal")}

    def ask(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, str, str | None]:
        answer = client.post("/api/v1/portal-links", body, content_type="application/json", headers=headers)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["param"]

    assert ask({}, key) == (400, "invalid", "participant")
    assert ask({"participant": foreign}, key) == (404, "not_found", "participant")
    assert ask({"participant": suspended}, key) == (409, "participant_suspended", "participant")
    other = {"Authorization": secret_key(workspace, owner, "read", "write")}
    assert ask({"participant": ana.public_id}, other) == (403, "missing_scope", None)
    assert MagicLink.objects.for_workspace(workspace).count() == 0


def test_terms_are_those_of_the_live_version(client: Client, workspace: Workspace) -> None:
    program = ProgramFactory.create(
        workspace=workspace, name="Tea friends", draft=terms(hold_days=14, terms_text="Be <b>fair</b>.")
    )
    Program.objects.for_workspace(workspace).update(draft=terms(hold_days=99))
    page = client.get(f"/terms/{program.public_id}/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "A reward is on hold for 14 days" in text
    assert "99" not in re.sub("<[^>]*>", "", text).replace("2026", "")
    assert "Be &lt;b&gt;fair&lt;/b&gt;." in text
    assert client.get("/terms/prg_01jzzzzzzzzzzzzzzzzzzzzzzz/").status_code == 404
