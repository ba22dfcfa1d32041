"""The console's mail log: who may see it, what it finds, and sending a failed mail again."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, Member, Workspace
from core.tenancy import tenant
from engagement import services
from engagement.models import Message
from tests.factories import AT, UserFactory
from tests.lists import assert_same_queries


def queue_mail(workspace: Workspace, key: str, to: str = "ana@example.com", **fields: Any) -> Message:
    message = services.queue_message(
        workspace=workspace,
        mail=services.Mail(
            key=key,
            kind=fields.pop("kind", "reward_paid"),
            to_email=to,
            context={"name": "Ana", "amount": f"€{key}", "sign_in_url": "[personal-sign-in-link]"},
            about="pyt_1",
            at=AT,
        ),
    )
    assert message is not None
    if fields:
        Message.objects.for_workspace(workspace).filter(pk=message.pk).update(**fields)
    return message


@pytest.fixture
def inside(client: Client, owner: Any) -> Client:
    client.force_login(owner)
    return client


def subjects(client: Client, workspace: Workspace, query: str = "") -> list[str]:
    answer = client.get(f"/w/{workspace.slug}/messages/{query}")
    assert answer.status_code == 200
    return [message.subject for message in answer.context["page"]]


def test_the_list_is_newest_first_and_narrows(
    inside: Client, workspace: Workspace, other_workspace: Workspace
) -> None:
    queue_mail(workspace, "1")
    queue_mail(workspace, "2", to="ben@example.com", state="dead")
    queue_mail(workspace, "3", kind="magic_link", state="done")
    with tenant(other_workspace):
        queue_mail(other_workspace, "9")
    paid, failed = "Acme sent you €1", "Acme sent you €2"
    assert subjects(inside, workspace) == ["Sign in to", failed, paid]
    assert subjects(inside, workspace, "?kind=reward_paid") == [failed, paid]
    assert subjects(inside, workspace, "?state=dead") == [failed]
    assert subjects(inside, workspace, "?email=Ben@example.com") == [failed]
    assert subjects(inside, workspace, "?email=ben") == []
    assert subjects(inside, workspace, "?stage=invite") == ["Sign in to"]
    assert subjects(inside, workspace, "?stage=payout&q=ben") == [failed]
    assert subjects(inside, workspace, "?state=nonsense&email=%0A") == ["Sign in to", failed, paid]


def test_an_empty_list_says_what_will_be_there(inside: Client, workspace: Workspace) -> None:
    answer = inside.get(f"/w/{workspace.slug}/messages/")
    assert "No mails here yet" in answer.content.decode()


def test_a_message_shows_its_text_and_a_framed_preview(inside: Client, workspace: Workspace) -> None:
    message = queue_mail(workspace, "1", attempts=2, last_error="451 later")
    address = f"/w/{workspace.slug}/messages/{message.public_id}/"
    text = inside.get(address).content.decode()
    assert "451 later" in text
    assert re.search(rf'<iframe[^>]*src="{address}preview/"[^>]* sandbox ', text)
    assert "Will retry" in text
    assert "Try again" not in text
    phone = inside.get(address, {"as": "phone"}).content.decode()
    assert re.search(rf'<iframe[^>]*width="375"[^>]*src="{address}preview/"[^>]* sandbox ', phone)
    plain = inside.get(address, {"as": "text"}).content.decode()
    assert "we sent you €1." in plain
    assert "<iframe" not in plain
    preview = inside.get(f"{address}preview/")
    (style,) = re.findall("<style>(.*?)</style>", message.html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert preview["Content-Security-Policy"] == (
        f"sandbox; default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'self'"
    )
    assert preview["X-Frame-Options"] == "SAMEORIGIN"
    assert preview.content.decode() == message.html


def test_a_failed_message_is_sent_again_on_request(inside: Client, workspace: Workspace) -> None:
    message = queue_mail(workspace, "1", state="dead", attempts=12, last_error="550 no such user")
    address = f"/w/{workspace.slug}/messages/{message.public_id}/"
    assert "Try again" in inside.get(address).content.decode()
    answer = inside.post(f"{address}retry/")
    assert (answer.status_code, answer["Location"]) == (302, address)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 0)
    entry = AuditEntry.objects.for_workspace(workspace).get(action="message.retried")
    assert (entry.subject, entry.reason) == (message.public_id, "550 no such user")
    assert inside.post(f"{address}retry/").status_code == 409
    assert inside.get(f"{address}retry/").status_code == 405


def test_outsiders_and_readers(client: Client, workspace: Workspace, other_workspace: Workspace) -> None:
    message = queue_mail(workspace, "1", state="dead")
    address = f"/w/{workspace.slug}/messages/{message.public_id}/"
    assert client.get(address).status_code == 302
    outsider = UserFactory.create()
    client.force_login(outsider)
    for path in (f"/w/{workspace.slug}/messages/", address, f"{address}preview/"):
        assert client.get(path).status_code == 404
    assert client.post(f"{address}retry/").status_code == 404
    Member.objects.create(workspace=workspace, user=outsider, role="read_only")
    assert client.get(address).status_code == 200
    assert "Try again" not in client.get(address).content.decode()
    assert client.post(f"{address}retry/").status_code == 403
    with tenant(other_workspace):
        Member.objects.create(workspace=other_workspace, user=outsider, role="owner")
    assert client.get(f"/w/{other_workspace.slug}/messages/{message.public_id}/").status_code == 404
    message.refresh_from_db()
    assert message.state == "dead"


def test_the_list_asks_as_often_whatever_its_length(inside: Client, workspace: Workspace) -> None:
    serial = itertools.count()

    def grow(count: int) -> None:
        for _ in range(count):
            queue_mail(workspace, str(next(serial)))

    assert_same_queries(inside, f"/w/{workspace.slug}/messages/", grow)
