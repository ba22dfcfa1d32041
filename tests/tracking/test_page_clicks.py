"""Clicks that a page reports, answered by the entry as the API would, or handed on to it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from accounts import services
from accounts.models import ApiKey, Workspace
from accounts.services import SYSTEM
from core import clock
from core.tenancy import tenant
from programs.models import Link
from tests import factories
from tests.factories import AT
from tracking.entry import ClickEntry
from tracking.models import Click

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)
PLAIN = {"key": "Ana-K3F", "url": "https://shop.example/?via=ana-k3f&utm_source=newsletter", "referrer": ""}


def behind(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Say what reached Django."""
    start_response("299 Handed On", [])
    return [environ["wsgi.input"].read()]


@pytest.fixture
def entry(tmp_path: Path, transactional_db: None) -> Iterator[ClickEntry]:
    with override_settings(CLICK_SPOOL_DIR=tmp_path / "clicks", CLICK_SPOOL_BYTES=1 << 20):
        entry = ClickEntry(behind)
        yield entry
        entry.close()


@pytest.fixture
def link(transactional_db: None) -> Link:
    owner = factories.UserFactory.create()
    workspace = services.create_workspace(owner=owner, name="Acme", currency="EUR", at=AT)
    with tenant(workspace):
        link: Link = factories.LinkFactory.create(workspace=workspace, code="Ana-K3F")
    return link


def key_of(workspace: Workspace, *, origins: tuple[str, ...] = ()) -> tuple[ApiKey, str]:
    """Make a publishable key; returns it and its text."""
    with tenant(workspace):
        return services.create_api_key(
            workspace=workspace,
            kind="pk",
            name="Pages",
            scopes=["track:browser"],
            origins=list(origins),
            actor=SYSTEM,
            at=clock.now(),
        )


class Report:
    """What the entry answers to a report."""

    def __init__(self, entry: ClickEntry, token: str, body: Any = PLAIN, **headers: str) -> None:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/v1/track/click",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(sent)),
            "wsgi.input": io.BytesIO(sent),
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_USER_AGENT": PHONE,
            "REMOTE_ADDR": "203.0.113.5",
            **headers,
        }
        self.status = ""
        self.headers: dict[str, str] = {}

        def start(status: str, given: list[tuple[str, str]]) -> None:
            self.status, self.headers = status, dict(given)

        self.body = b"".join(entry(environ, start))

    @property
    def handed_on(self) -> bool:
        """Whether Django is to answer."""
        return self.status == "299 Handed On"


def clicks(workspace: Workspace) -> list[Click]:
    with tenant(workspace):
        return list(Click.objects.for_workspace(workspace).select_related("agent").order_by("pk"))


def test_a_first_visit_is_stored_and_answered_as_by_the_api(entry: ClickEntry, link: Link) -> None:
    key, token = key_of(link.workspace)
    report = Report(entry, token)
    (click,) = clicks(link.workspace)
    assert report.status == "201 Created"
    assert json.loads(report.body) == {
        "click_id": click.public_id,
        "visitor_id": click.visitor_id,
        "counted": True,
        "reason": "",
        "link": link.public_id,
    }
    assert report.headers["Access-Control-Allow-Origin"] == "*"
    assert report.headers["Content-Type"] == "application/json"
    assert (click.link_id, click.channel, click.counted) == (link.pk, "email", True)
    assert click.agent is not None
    assert click.agent.device == "phone"
    with tenant(link.workspace):
        assert ApiKey.objects.for_workspace(link.workspace).get(pk=key.pk).last_used_at is not None


def test_what_no_person_reports_is_stored_with_its_reason(entry: ClickEntry, link: Link) -> None:
    _, token = key_of(link.workspace)
    answer = json.loads(Report(entry, token, HTTP_USER_AGENT="curl/8.9").body)
    assert (answer["counted"], answer["reason"]) == (False, "datacentre")
    entry._visits.rate, entry._visits.burst = 0.0, 3.0
    reasons = [json.loads(Report(entry, token).body)["reason"] for _ in range(5)]
    assert reasons == ["", "", "", "flood", "flood"]
    assert len(clicks(link.workspace)) == 6


@pytest.mark.parametrize(
    "body",
    [
        {**PLAIN, "visitorId": "vis_0123456789"},
        {**PLAIN, "clickId": "clk_0123456789"},
        {**PLAIN, "occurredAt": "2026-01-01T00:00:00Z"},
        {**PLAIN, "userAgent": "x"},
        {**PLAIN, "colour": "red"},
        {**PLAIN, "key": "nobodys-code"},
        {"url": "https://shop.example/"},
        [PLAIN],
        b"{",
        b"",
        b'{"key": "ana-k3f"}' + b" " * 20_000,
    ],
)
def test_what_is_not_plain_reaches_django_whole(entry: ClickEntry, link: Link, body: Any) -> None:
    _, token = key_of(link.workspace)
    report = Report(entry, token, body)
    assert report.handed_on
    assert report.body == (body if isinstance(body, bytes) else json.dumps(body).encode())
    assert clicks(link.workspace) == []


def test_only_keys_that_may_report_clicks_here_are_answered(entry: ClickEntry, link: Link) -> None:
    _, shop_only = key_of(link.workspace, origins=("https://shop.example",))
    other = services.create_workspace(
        owner=factories.UserFactory.create(email="o@other.example"), name="Other", currency="EUR", at=AT
    )
    _, foreign = key_of(other)
    assert Report(entry, foreign).handed_on
    assert Report(entry, shop_only, HTTP_ORIGIN="https://evil.example").handed_on
    assert Report(entry, shop_only).handed_on
    assert Report(entry, "sk_" + "0" * 40).handed_on
    assert Report(entry, "pk_" + "0" * 40).handed_on
    assert Report(entry, shop_only, HTTP_IDEMPOTENCY_KEY="k").handed_on
    assert Report(entry, shop_only, CONTENT_TYPE="text/plain").handed_on
    assert clicks(link.workspace) == []
    assert Report(entry, shop_only, HTTP_ORIGIN="https://shop.example").status == "201 Created"


def test_a_revoked_key_is_known_within_two_seconds(entry: ClickEntry, link: Link) -> None:
    key, token = key_of(link.workspace)
    assert Report(entry, token).status == "201 Created"
    with tenant(link.workspace):
        services.revoke_api_key(key=key, actor=SYSTEM, at=clock.now())
    deadline = time.monotonic() + 2
    while not Report(entry, token).handed_on:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_address_that_tries_many_keys_asks_the_database_no_more(
    entry: ClickEntry, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("tracking.entry.directory._page_key", lambda token: asked.append(token))
    for number in range(200):
        assert Report(entry, f"pk_{number:040}").handed_on
    assert len(asked) < 80
    Report(entry, "pk_" + "9" * 40, REMOTE_ADDR="203.0.113.99")
    assert asked[-1] == "pk_" + "9" * 40


def test_an_address_that_tries_many_codes_asks_the_database_no_more(
    entry: ClickEntry, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = key_of(link.workspace)
    entry._made_up.rate, entry._made_up.burst = 0.0, 3.0
    asked: list[str] = []

    def nothing(keys: set[str]) -> dict[str, Any]:
        asked.extend(keys)
        return {}

    monkeypatch.setattr("tracking.link_targets.targets", nothing)
    for number in range(10):
        assert Report(entry, token, {**PLAIN, "key": f"nobody-{number}"}).handed_on
    assert asked == ["nobody-0", "nobody-1", "nobody-2"]
