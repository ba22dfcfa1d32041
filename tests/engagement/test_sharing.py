"""Links that carry their channel: from the button to the stored click."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import Workspace
from engagement.queries.sharing import channel_words, share_links
from programs import queries as program_queries
from programs.models import Link, Participant
from tests.engagement.test_portal import participant
from tracking.models import Click

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
PREVIEW = {"User-Agent": "facebookexternalhit/1.1"}


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    return participant(workspace, "Ana")


def test_every_way_carries_its_channel(ana: Participant) -> None:
    (link,) = share_links(ana, program_queries.live_terms(ana.program))
    assert link.url == "http://127.0.0.1:8000/r/ana-code"
    assert link.short == "127.0.0.1:8000/r/ana-code"
    assert link.phone_url == "http://127.0.0.1:8000/join/ana-code/?ch=share"
    assert [way.channel for way in link.ways] == [
        "whatsapp",
        "sms",
        "email",
        "x",
        "facebook",
        "linkedin",
        "telegram",
    ]
    for way in link.ways:
        parts = urlsplit(way.href)
        values = [value for values in parse_qs(parts.query.lstrip("&")).values() for value in values]
        carried = f"http://127.0.0.1:8000/join/ana-code/?ch={way.channel}"
        assert any(value.endswith(carried) for value in values), way.href
        assert "+" not in way.href
    assert link.message.startswith("I like Acme and think you will too.")


def test_a_click_from_the_landing_page_is_stored_with_the_channel(
    client: Client, workspace: Workspace, ana: Participant
) -> None:
    page = client.get("/join/ana-code/?ch=whatsapp&utm_campaign=may&other=1", headers=BROWSER)
    (button,) = re.findall(r'href="(/r/[^"]*)"', page.content.decode())
    assert unescape(button) == "/r/ana-code?ch=whatsapp&utm_campaign=may"
    assert Click.objects.for_workspace(workspace).count() == 0
    assert client.get(unescape(button), headers=BROWSER).status_code == 302
    click = Click.objects.for_workspace(workspace).get()
    assert (click.channel, click.counted) == ("whatsapp", True)


def test_previews_of_either_address_unfurl_the_landing_page_and_count_nothing(
    client: Client, workspace: Workspace, ana: Participant
) -> None:
    page = client.get("/join/ana-code/?ch=whatsapp", headers=PREVIEW)
    assert 'property="og:image"' in page.content.decode()
    assert Click.objects.for_workspace(workspace).count() == 0
    short = client.get("/r/ana-code", headers=PREVIEW)
    assert (short.status_code, short["Location"]) == (302, "/join/ana-code/")
    click = Click.objects.for_workspace(workspace).get()
    assert (click.counted, click.reason) == (False, "preview")


def test_archived_links_are_not_shared(workspace: Workspace, ana: Participant) -> None:
    Link.objects.for_workspace(workspace).update(status="archived")
    assert share_links(ana, program_queries.live_terms(ana.program)) == ()


def test_channels_have_names() -> None:
    assert [channel_words(channel) for channel in ("whatsapp", "x", "qr", "my_blog")] == [
        "WhatsApp",
        "X",
        "QR code",
        "My blog",
    ]
