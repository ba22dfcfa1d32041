"""The redirect, and the console's pages on what happened."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Member, User, Workspace
from core.tenancy import tenant
from programs.models import Customer, Link, Participant, Program
from tests import factories
from tests.lists import assert_same_queries
from tests.tracking.conftest import BROWSER, NOW, Clicker
from tracking import services
from tracking.models import Click, ClickLoss, Conversion


@pytest.fixture
def link(workspace: Workspace, ana: Participant) -> Link:
    return factories.LinkFactory.create(workspace=workspace, participant=ana, code="ana-k3f")


def follow(client: Client, path: str, **headers: str) -> Any:
    return client.get(path, headers={"User-Agent": BROWSER, **headers})


def test_a_click_is_stored_before_the_friend_is_sent_on(client: Client, link: Link) -> None:
    answer = follow(client, "/r/Ana-K3F?ch=qr&utm_source=x&secret=1", Referer="https://chat.example/a")
    click = Click.objects.for_workspace(link.workspace).get()
    assert answer.status_code == 302
    assert answer.headers["Location"] == (
        f"https://shop.example/welcome?utm_source=x&via=ana-k3f&referral_click={click.public_id}"
    )
    assert (click.counted, click.channel, click.referrer_host) == (True, "qr", "chat.example")
    cookie = answer.cookies["referral_visitor"]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == (click.visitor_id, "Lax", True)
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_visitor_keeps_the_cookie(client: Client, link: Link) -> None:
    follow(client, "/r/ana-k3f")
    follow(client, "/r/ana-k3f")
    first, second = Click.objects.for_workspace(link.workspace).order_by("pk")
    assert first.visitor_id == second.visitor_id
    assert second.reason == "duplicate"


def test_head_is_stored_and_not_counted(client: Client, link: Link) -> None:
    assert client.head("/r/ana-k3f", headers={"User-Agent": BROWSER}).status_code == 302
    assert Click.objects.for_workspace(link.workspace).get().reason == "head"


@pytest.mark.parametrize("code", ["nobody", "x" * 300, "..%2f..", "ana-k3f%0d%0aX:1"])
def test_an_unknown_code_gets_a_friendly_page(client: Client, link: Link, code: str) -> None:
    answer = follow(client, f"/r/{code}")
    assert answer.status_code == 404
    assert Click.objects.for_workspace(link.workspace).count() == 0
    assert "X" not in answer.headers


def test_an_archived_link_is_gone(client: Client, link: Link) -> None:
    Link.objects.for_workspace(link.workspace).update(status="archived")
    assert follow(client, "/r/ana-k3f").status_code == 410


@pytest.mark.parametrize(("status", "answered"), [("paused", 200), ("ended", 410)])
def test_a_program_that_does_not_run_says_so_and_keeps_the_click(
    client: Client, link: Link, program: Program, status: str, answered: int
) -> None:
    Program.objects.for_workspace(link.workspace).update(status=status)
    assert follow(client, "/r/ana-k3f").status_code == answered
    click = Click.objects.for_workspace(link.workspace).get()
    assert (click.counted, click.reason) == (False, f"program_{status}")


@pytest.fixture
def conversion(workspace: Workspace, ana: Participant, friend: Customer, click: Clicker) -> Conversion:
    return services.record_conversion(
        workspace=workspace,
        fact=services.ConversionFact(
            kind="purchase",
            customer=friend,
            source="api",
            source_key="inv-1",
            amount_minor=10_000,
            currency="EUR",
            occurred_at=NOW,
            at=NOW,
            click=click(ana),
        ),
    ).conversion


PAGES = ("referrals/", "conversions/", "clicks/")


@pytest.mark.parametrize("path", PAGES)
def test_lists_show_their_rows_and_an_empty_state(
    client: Client, owner: User, workspace: Workspace, path: str
) -> None:
    client.force_login(owner)
    answer = client.get(f"/w/{workspace.slug}/{path}")
    assert answer.status_code == 200
    assert b"here yet" in answer.content


def test_each_list_asks_the_database_as_often_for_any_number_of_rows(
    client: Client, owner: User, workspace: Workspace, ana: Participant, click: Clicker
) -> None:
    client.force_login(owner)

    def grow(count: int) -> None:
        for _ in range(count):
            customer = factories.CustomerFactory.create(workspace=workspace)
            services.record_conversion(
                workspace=workspace,
                fact=services.ConversionFact(
                    kind="purchase",
                    customer=customer,
                    source="api",
                    source_key=customer.public_id,
                    amount_minor=100,
                    currency="EUR",
                    occurred_at=NOW,
                    at=NOW,
                    click=click(ana, visitor=f"vis_{customer.pk}"),
                ),
            )

    assert_same_queries(client, [f"/w/{workspace.slug}/{path}" for path in PAGES], grow)


def test_the_conversion_page_tells_the_story_with_names(
    client: Client, owner: User, workspace: Workspace, conversion: Conversion, ana: Participant
) -> None:
    client.force_login(owner)
    page = client.get(f"/w/{workspace.slug}/conversions/{conversion.public_id}/").content.decode()
    assert "Credited to Ana by last click" in page
    assert "still give exactly this result" in page
    assert "€100.00" in page


def test_the_referral_page_shows_each_step(
    client: Client, owner: User, workspace: Workspace, conversion: Conversion
) -> None:
    client.force_login(owner)
    referral = conversion.credits.for_workspace(workspace).get().referral
    page = client.get(f"/w/{workspace.slug}/referrals/{referral.public_id}/").content.decode()
    assert "First purchase" in page
    assert "Purchase recorded" in page


def test_rejecting_needs_a_reason_and_the_permission(
    client: Client, owner: User, workspace: Workspace, conversion: Conversion
) -> None:
    path = f"/w/{workspace.slug}/conversions/{conversion.public_id}/reject/"
    reader = factories.UserFactory.create()
    Member.objects.create(workspace=workspace, user=reader, role="read_only")
    client.force_login(reader)
    assert client.post(path, {"reason": "x"}).status_code == 403
    client.force_login(owner)
    assert client.post(path, {}).status_code == 400
    conversion.refresh_from_db()
    assert conversion.status == "recorded"
    assert client.post(path, {"reason": "fake order"}).status_code == 302
    conversion.refresh_from_db()
    assert conversion.status == "rejected"


def test_outsiders_get_404_and_strangers_the_sign_in(
    client: Client, workspace: Workspace, other_workspace: Workspace, conversion: Conversion
) -> None:
    path = f"/w/{workspace.slug}/conversions/{conversion.public_id}/"
    assert client.get(path).headers["Location"].startswith("/accounts/login/")
    client.force_login(User.objects.get(email="stefan@other.example"))
    assert client.get(path).status_code == 404
    with tenant(other_workspace):
        assert client.get(f"/w/{other_workspace.slug}/conversions/{conversion.public_id}/").status_code == 404


def test_lost_clicks_are_shown(client: Client, workspace: Workspace, owner: User) -> None:
    client.force_login(owner)
    ClickLoss.objects.create(workspace=workspace, clicks=7, first_at=NOW, last_at=NOW)
    page = client.get(f"/w/{workspace.slug}/clicks/").content.decode()
    assert "7 clicks could not be stored" in page
