"""What a participant sees in the portal: everything that is theirs, and nothing of anybody else."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from accounts.models import Workspace
from core import clock
from core.tenancy import tenant
from engagement import services
from programs import qr
from programs.models import Link, Participant, Program
from tests.engagement import rows
from tests.factories import AT, CustomerFactory, LinkFactory, ParticipantFactory, ProgramFactory, terms

CASH = {
    "key": "referrer-purchase",
    "side": "referrer",
    "event": "purchase",
    "kind": "cash",
    "amount": {"type": "percentage", "bps": 1000},
}


def participant(
    workspace: Workspace, name: str, program: Program | None = None, **fields: Any
) -> Participant:
    made: Participant = ParticipantFactory.create(
        workspace=workspace,
        program=program or ProgramFactory.create(workspace=workspace, draft=terms(rewards=[CASH])),
        customer=CustomerFactory.create(
            workspace=workspace, email=f"{name.lower()}@example.com", name=f"{name} Family"
        ),
        **fields,
    )
    LinkFactory.create(workspace=workspace, participant=made, code=f"{name.lower()}-code")
    return made


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    return participant(workspace, "Ana")


def signed_in(participant: Participant, client: Client | None = None) -> Client:
    """Return a browser in which a participant is signed in."""
    made = services.create_portal_link(participant=participant, at=clock.now())
    browser = client or Client()
    browser.post(re.sub("^.*(?=/portal/)", "", made.url))
    return browser


@pytest.fixture
def inside(client: Client, ana: Participant) -> Client:
    """A browser in which Ana is signed in."""
    return signed_in(ana, client)


def text_of(client: Client, query: str = "") -> str:
    answer = client.get(f"/portal/{query}")
    assert answer.status_code == 200
    return " ".join(unescape(re.sub("<[^>]*>", " ", answer.content.decode())).split())


def test_an_empty_portal_says_what_happens_next(inside: Client, ana: Participant) -> None:
    answer = inside.get("/portal/")
    text = text_of(inside)
    assert 'value="http://127.0.0.1:8000/r/ana-code"' in answer.content.decode()
    assert 'href="http://127.0.0.1:8000/join/ana-code/"' in answer.content.decode()
    assert "<h1" in answer.content.decode()
    assert "Bring a friend, get 10 %" in text
    assert "Your first friend is the first step 0 / 1" in text
    assert "No clicks yet." in text
    assert "Badges 0 / 8" in text
    assert "Leaderboard" not in text
    assert "You get 10 % of each purchase as cash." in text
    assert "Clicks 0 Friends joined 0 Earned €0.00" in text
    assert "No rewards yet. As soon as a friend does what the offer asks for" in text
    assert "Nobody yet. Send your link to a friend" in text
    assert "No payouts yet." in text
    assert "no-store" in answer["Cache-Control"]


def test_statistics_friends_rewards_balances_and_payouts(
    inside: Client, workspace: Workspace, ana: Participant
) -> None:
    link = Link.objects.for_workspace(workspace).get(participant=ana)
    for counted in (True, True, False):
        rows.click(link, counted)
    ben = CustomerFactory.create(workspace=workspace, name="Ben Bauer", email="ben@example.com")
    bought = rows.referral(ana, ben, "converted")
    rows.credit(bought)
    rows.credit(bought, "purchase")
    rows.credit(bought, "purchase")
    joined = rows.referral(ana, CustomerFactory.create(workspace=workspace, name="", email="x@example.com"))
    rows.credit(joined)
    refused = rows.referral(ana, CustomerFactory.create(workspace=workspace, name="Rex"), "rejected")
    rows.credit(refused, status="rejected")
    rows.reward(bought)
    rows.reward(bought, status="paid", amount_minor=2_500)
    rows.reward(bought, kind="discount", status="issued", amount_minor=0, fulfilment={"code": "TEA-15"})
    rows.reward(refused, status="denied", amount_minor=7_777)
    rows.reward(bought, status="reversed", amount_minor=900, reversed_minor=900, fulfilment={"code": "GONE"})
    rows.reward(bought, amount_minor=600, reversed_minor=200)
    rows.reward(bought, amount_minor=300, status="approved")
    rows.account(ana.customer, "pending", 1_000)
    rows.account(ana.customer, "payable", -400)
    rows.account(ana.customer, "paid_out", 2_500)
    rows.account(ana.customer, "in_transit", 0)
    rows.account(ana.customer, "points", 50, "PTS")
    rows.payout(ana.customer)
    text = text_of(inside)
    assert "Clicks 2 Friends joined 2 Earned €42.00" in text
    assert "Friends signed up 2 Friends purchased 1" in text
    assert "4 more friends to the badge “High five” 1 / 5" in text
    assert "Ben Purchased ·" in text
    assert "A friend Joined, no purchase yet ·" in text
    assert "Rex Not counted ·" in text
    assert "€10.00 in cash Ben bought something · Mar 2, 2026 Available on Apr 1, 2026 On hold" in text
    assert "€25.00 in cash Ben bought something · Mar 2, 2026 Paid out" in text
    assert "A discount Ben bought something · Mar 2, 2026 Your code: TEA-15 Ready to use" in text
    assert "€77.77" not in text
    assert "The order was returned or does not count. Taken back" in text
    assert "GONE" not in text
    assert "€4.00 in cash Ben bought something" in text
    assert "€3.00 in cash Ben bought something · Mar 2, 2026 Ready for the next payout" in text
    assert "It was €6.00; €2.00 was taken back, because a part of the order was returned." in text
    assert "On hold: €10.00" in text
    assert (
        "Ready for payout: -€4.00 Orders were returned after you had their reward, so €4.00 is carried "
        "forward: your next rewards make up for it first." in text
    )
    assert "Paid out so far: €25.00" in text
    assert "Points: 50 points" in text
    assert "On its way" not in text
    assert "€25.00 Mar 2, 2026 · reference REF-7 Sent" in text
    for personal in ("Bauer", "ben@example.com", "x@example.com"):
        assert personal not in inside.get("/portal/").content.decode()


def test_nothing_of_anybody_else_shows(
    inside: Client, workspace: Workspace, other_workspace: Workspace, ana: Participant
) -> None:
    for place, program in ((workspace, ana.program), (workspace, None), (other_workspace, None)):
        with tenant(place):
            other = participant(place, f"Other{place.pk}{bool(program)}", program)
            friend = CustomerFactory.create(workspace=place, name="Leaky", email="leak@example.com")
            brought = rows.referral(other, friend, "converted")
            rows.credit(brought)
            rows.credit(brought, "purchase")
            rows.reward(brought, amount_minor=9_999)
            rows.account(other.customer, "payable", 8_888)
            rows.payout(other.customer, 7_777)
            rows.click(Link.objects.for_workspace(place).get(participant=other))
    text = text_of(inside)
    for foreign in ("Leaky", "€99.99", "€88.88", "€77.77", "Family"):
        assert foreign not in text
    assert "Clicks 0 Friends joined 0 Earned €0.00" in text


def test_ones_own_welcome_reward_shows_without_naming_the_inviter(
    inside: Client, workspace: Workspace, ana: Participant
) -> None:
    inviter = participant(workspace, "Ida", ana.program)
    rows.reward(rows.referral(inviter, ana.customer), side="referee", amount_minor=500)
    text = text_of(inside)
    assert "€5.00 in cash You bought something · Mar 2, 2026 Available on Apr 1, 2026 On hold" in text
    assert "Ida" not in text


def test_lists_are_paged_apart(inside: Client, workspace: Workspace, ana: Participant) -> None:
    for number in range(8):
        friend = CustomerFactory.create(workspace=workspace, name=f"Friend{number:02d}")
        rows.referral(ana, friend, at=AT + timedelta(hours=number))
    first, second = text_of(inside), text_of(inside, "?friends=2&rewards=9")
    assert [f"Friend{n:02d}" in first for n in (7, 2, 1, 0)] == [True, True, False, False]
    assert [f"Friend{n:02d}" in second for n in (7, 2, 1, 0)] == [False, False, True, True]
    assert "Page 2 of 2" in second
    assert "Friend07" in text_of(inside, "?friends=zzz")


def test_three_friends_cost_no_more_queries_than_one(
    inside: Client, workspace: Workspace, ana: Participant
) -> None:
    def add_friend() -> None:
        brought = rows.referral(ana, status="converted")
        rows.credit(brought)
        rows.reward(brought)
        rows.payout(ana.customer)
        LinkFactory.create(workspace=workspace, participant=ana)

    # The first visit of a day is remembered.
    inside.get("/portal/")

    def count() -> int:
        with CaptureQueriesContext(connection) as made:
            inside.get("/portal/")
        return len(made)

    add_friend()
    one = count()
    add_friend()
    add_friend()
    assert count() == one


def test_the_qr_code_holds_the_own_link_and_no_others(
    inside: Client, workspace: Workspace, other_workspace: Workspace, ana: Participant
) -> None:
    own = Link.objects.for_workspace(workspace).get(participant=ana)
    answer = inside.get(f"/portal/qr/{own.public_id}.png")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer.content == qr.qr_png("http://127.0.0.1:8000/r/ana-code", size=1024)
    assert Image.open(io.BytesIO(answer.content)).size == (999, 999)
    drawn = inside.get(f"/portal/qr/{own.public_id}.svg")
    assert (drawn.status_code, drawn["Content-Type"]) == (200, "image/svg+xml")
    assert drawn.content == qr.qr_svg("http://127.0.0.1:8000/r/ana-code", size=512)
    neighbour = participant(workspace, "Ida", ana.program)
    with tenant(other_workspace):
        stranger = participant(other_workspace, "Stranger")
    for other in (neighbour, stranger):
        with tenant(other.workspace):
            link = Link.objects.for_workspace(other.workspace).get(participant=other)
        assert inside.get(f"/portal/qr/{link.public_id}.png").status_code == 404
    for ending in ("png", "svg"):
        assert Client().get(f"/portal/qr/{own.public_id}.{ending}").status_code == 403


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ("paused", "The program is taking a break."),
        ("ended", "The program has ended."),
        ("suspended", "Your participation is suspended"),
    ],
)
def test_what_stands_still_is_said(
    inside: Client, workspace: Workspace, ana: Participant, changed: str, sentence: str
) -> None:
    if changed == "suspended":
        Participant.objects.for_workspace(workspace).update(status="suspended")
    else:
        Program.objects.for_workspace(workspace).update(status=changed)
    assert sentence in text_of(inside)


def test_a_program_without_cash_asks_for_no_payout_details(client: Client, workspace: Workspace) -> None:
    points = {**CASH, "kind": "points"}
    member = participant(
        workspace, "Pia", ProgramFactory.create(workspace=workspace, draft=terms(rewards=[points]))
    )
    made = services.create_portal_link(participant=member, at=clock.now())
    client.post(re.sub("^.*(?=/portal/)", "", made.url))
    assert "Payouts" not in text_of(client)
