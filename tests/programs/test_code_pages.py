"""The console's pages of links and promo codes."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zxingcpp
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import AuditEntry, Member, Role, User, Workspace
from core import clock
from programs.models import Link, Participant, PromoCode
from tests.factories import LinkFactory, ParticipantFactory, PromoCodeFactory, UserFactory
from tests.lists import assert_same_queries
from tracking import services as tracking
from tracking.classification import ClickFacts

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def console(client: Client, owner: User, workspace: Workspace) -> Client:
    """The owner's browser."""
    client.force_login(owner)
    return client


@pytest.fixture
def link(workspace: Workspace) -> Link:
    """A link of somebody's."""
    made: Link = LinkFactory.create(workspace=workspace, code="anna")
    return made


def page(name: str, *args: str) -> str:
    """Return a page's address."""
    return reverse(name, args=["acme", *args])


def text_of(answer: Any) -> str:
    """Return a page's text in one line."""
    return " ".join(answer.content.decode().split())


def stored(link: Link) -> Link:
    """Return the link as it is stored."""
    return Link.objects.for_workspace(link.workspace_id).get(pk=link.pk)


def test_a_links_page_shows_address_code_and_destination(console: Client, link: Link) -> None:
    shown = text_of(console.get(page("link_detail", link.public_id)))
    for text in (link.referral_url, page("link_qr", link.public_id), "the program's page", "never"):
        assert text in shown
    assert page("link_clicks", link.public_id) in shown
    assert console.get(page("link_detail", "lnk_nobody")).status_code == 404


def test_a_link_is_edited_in_the_workspaces_zone(console: Client, link: Link) -> None:
    Workspace.objects.for_workspace(link.workspace_id).update(time_zone="Europe/Zagreb")
    edit = page("link_edit", link.public_id)
    data = {
        "destination_url": "https://shop.example/spring",
        "campaign": "Spring",
        "expires_on": "2031-06-30",
        "utm_source": "referral",
        "utm_medium": "{channel}",
    }
    assert console.post(edit, data)["Location"] == page("link_detail", link.public_id)
    now = stored(link)
    assert (now.destination_url, now.campaign) == ("https://shop.example/spring", "Spring")
    assert now.utm == {"source": "referral", "medium": "{channel}"}
    assert now.expires_at == datetime(2031, 6, 30, 22, 0, tzinfo=UTC)
    assert 'value="2031-06-30"' in text_of(console.get(edit))
    shown = text_of(console.get(page("link_detail", link.public_id)))
    assert "{channel}" in shown
    # Nothing new is written when nothing changed.
    entries = AuditEntry.objects.for_workspace(link.workspace_id).count()
    console.post(edit, data)
    assert AuditEntry.objects.for_workspace(link.workspace_id).count() == entries
    console.post(edit, {**data, "expires_on": ""})
    assert stored(link).expires_at is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("destination_url", "https://evil.example/"),
        ("expires_on", "2020-01-01"),
        ("expires_on", "soon"),
        ("utm_source", "a&b"),
        ("campaign", "x" * 81),
    ],
)
def test_what_is_wrong_stands_at_its_field(console: Client, link: Link, field: str, value: str) -> None:
    refused = console.post(page("link_edit", link.public_id), {field: value})
    assert refused.status_code == 400
    assert list(refused.context["form"].errors) == [field]


def test_an_ended_link_that_is_edited_keeps_its_end(console: Client, link: Link) -> None:
    ended = clock.now() - timedelta(days=3)
    Link.objects.for_workspace(link.workspace_id).update(expires_at=ended)
    day = ended.date().isoformat()
    saved = console.post(page("link_edit", link.public_id), {"campaign": "Late", "expires_on": day})
    assert saved.status_code == 302
    assert (stored(link).expires_at, stored(link).campaign) == (ended, "Late")
    assert "Expired" in text_of(console.get(page("link_detail", link.public_id)))


def test_a_link_is_archived_and_brought_back(console: Client, link: Link) -> None:
    console.post(page("link_archive", link.public_id))
    assert stored(link).status == "archived"
    console.post(page("link_restore", link.public_id))
    assert stored(link).status == "active"
    console.post(page("link_archive", link.public_id))
    Participant.objects.for_workspace(link.workspace_id).update(status="suspended")
    console.post(page("link_restore", link.public_id))
    assert stored(link).status == "archived"


def test_a_reader_sees_links_and_changes_none(client: Client, link: Link) -> None:
    reader = UserFactory.create()
    Member.objects.create(workspace=link.workspace, user=reader, role=Role.READ_ONLY)
    client.force_login(reader)
    for name in ("link_detail", "link_clicks", "link_qr", "link_qr_png"):
        assert client.get(page(name, link.public_id)).status_code == 200
    assert client.get(page("link_edit", link.public_id)).status_code == 403
    for name in ("link_edit", "link_archive", "link_restore"):
        assert client.post(page(name, link.public_id)).status_code == 403
    assert client.post(page("promo_code_bulk")).status_code == 403


def test_a_code_is_downloaded_in_colour(console: Client, link: Link) -> None:
    query = {"download": "1", "color": "#1d4e89", "background": "#ffffff", "size": "600", "level": "Q"}
    answer = console.get(page("link_qr_png", link.public_id), query)
    assert answer["Content-Disposition"] == 'attachment; filename="anna.png"'
    read = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.content)))
    assert [each.text for each in read] == [f"{link.referral_url}?ch=qr"]
    assert b'fill="#1d4e89"' in console.get(page("link_qr", link.public_id), query).content
    refused = console.get(page("link_qr", link.public_id), {"color": "#ffff00"})
    assert (refused.status_code, "hardly be scanned" in text_of(refused)) == (400, True)


def test_the_clicks_of_a_link_renew_themselves_until_paused(console: Client, link: Link) -> None:
    now = clock.now()
    people = [
        ClickFacts(user_agent=BROWSER, tags={"ch": "qr"}),
        ClickFacts(user_agent=BROWSER, tags={"ch": "whatsapp"}),
        ClickFacts(user_agent=BROWSER, tags={"ch": "whatsapp"}),
        ClickFacts(user_agent="Googlebot/2.1"),
    ]
    for number, facts in enumerate(people):
        tracking.record_click(link=link, visitor_id=f"vis_{number}", facts=facts, at=now)
    fragment = page("link_clicks", link.public_id)
    answer = console.get(fragment)
    clicks = answer.context["clicks"]
    assert (clicks.counted, clicks.uncounted) == (3, 1)
    assert [(each.name, each.clicks, each.percent) for each in clicks.channels] == [
        ("whatsapp", 2, 100),
        ("qr", 1, 50),
    ]
    assert [(each.name, each.clicks) for each in clicks.reasons] == [("bot", 1)]
    assert len(clicks.newest) == 4
    assert 'hx-trigger="every 5s"' in text_of(answer)
    paused = text_of(console.get(fragment, {"paused": "1"}))
    assert "every 5s" not in paused
    assert "Go on" in paused
    assert f"?link={link.public_id}" in paused
    assert console.get(page("link_clicks", "lnk_nobody")).status_code == 404


def test_the_lists_narrow_and_export(console: Client, workspace: Workspace, link: Link) -> None:
    other = LinkFactory.create(workspace=workspace, code="bruno", campaign="Spring", status="archived")
    assert "bruno" in text_of(console.get(page("link_list")))
    found = console.get(page("link_list"), {"q": "spring"})
    assert [row.pk for row in found.context["page"]] == [other.pk]
    found = console.get(page("link_list"), {"status": "active"})
    assert [row.pk for row in found.context["page"]] == [link.pk]
    file = console.get(page("link_list"), {"export": "csv"})
    content = b"".join(file) if file.streaming else file.content
    assert content.count(b"/r/") == 2


def test_promo_codes_are_archived_and_brought_back_together(console: Client, workspace: Workspace) -> None:
    codes = [PromoCodeFactory.create(workspace=workspace) for _ in range(3)]
    bulk, chosen = page("promo_code_bulk"), [code.public_id for code in codes[:2]]

    def live() -> int:
        return PromoCode.objects.for_workspace(workspace).filter(status="active").count()

    answer = console.post(bulk, {"chosen": chosen, "action": "archived", "filters": "status=active"})
    assert answer["Location"] == f"{page('promo_code_list')}?status=active"
    assert live() == 1
    console.post(bulk, {"chosen": chosen, "action": "active"})
    assert live() == 3
    console.post(bulk, {"chosen": chosen, "action": "burnt"})
    assert live() == 3
    file = console.get(page("promo_code_list"), {"export": "csv"})
    content = b"".join(file) if file.streaming else file.content
    assert all(code.code.encode() in content for code in codes)


def test_the_lists_ask_as_often_for_many_rows(console: Client, workspace: Workspace) -> None:
    ana = ParticipantFactory.create(workspace=workspace)

    def grow(rows: int) -> None:
        for _ in range(rows):
            LinkFactory.create(workspace=workspace, participant=ana)
            PromoCodeFactory.create(workspace=workspace, participant=ana)

    assert_same_queries(console, [page("link_list"), page("promo_code_list")], grow=grow)
