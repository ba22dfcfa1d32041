"""Why there is a reward or none, and asking to have it looked at again, in the portal and embedded."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from accounts.services import Actor
from core import clock
from core.tenancy import tenant
from engagement import services
from programs.models import Customer, Link, Participant
from rewards.models import Reward
from tests.engagement import rows
from tests.engagement.test_portal import participant, signed_in
from tests.factories import AT, CustomerFactory
from tracking import services as tracking_services
from tracking.classification import ClickFacts
from tracking.models import Appeal, Conversion, Referral

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
WORDS = "Fay told me that she used my link."
STAFF = Actor(kind="user", label="olga@acme.example")


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    return participant(workspace, "Ana")


@pytest.fixture
def ida(workspace: Workspace, ana: Participant) -> Participant:
    return participant(workspace, "Ida", ana.program)


@pytest.fixture
def inside(ana: Participant) -> Client:
    return signed_in(ana)


@pytest.fixture
def fay(workspace: Workspace) -> Customer:
    return CustomerFactory.create(
        workspace=workspace, name="Fay Farmer", email="fay@example.com", mailbox="fay@example.com"
    )


def bought(friend: Customer, *path: tuple[Participant, int]) -> Conversion:
    """Record a purchase after clicks on participants' links, each so many days before it."""
    click = None
    for who, days in path:
        click = tracking_services.record_click(
            link=Link.objects.for_workspace(friend.workspace_id).get(participant=who),
            visitor_id="vis_fay",
            facts=ClickFacts(user_agent=BROWSER),
            at=AT - timedelta(days=days),
        )
    return tracking_services.record_conversion(
        workspace=friend.workspace,
        fact=tracking_services.ConversionFact(
            kind="purchase",
            customer=friend,
            source="api",
            source_key="inv-1",
            amount_minor=10_000,
            currency="EUR",
            click=click,
            occurred_at=AT,
            at=AT,
        ),
    ).conversion


def text_of(answer: Any) -> str:
    assert answer.status_code in (200, 400, 409, 429), answer.status_code
    return " ".join(unescape(re.sub("<[^>]*>", " ", answer.content.decode())).split())


def why(conversion: Conversion) -> str:
    return f"/portal/why/{conversion.public_id}/"


def test_a_reward_is_explained_with_the_way_and_what_comes_next(
    inside: Client, ana: Participant, fay: Customer
) -> None:
    conversion = bought(fay, (ana, 3), (ana, 1))
    bringing = Referral.objects.for_workspace(ana.workspace).get()
    rows.reward(bringing, conversion=conversion, available_at=AT.replace(year=2099))
    answer = inside.get(why(conversion))
    text = text_of(answer)
    assert "Why this reward Purchase of Fay, Mar 2, 2026" in text
    assert "You were credited with the whole order." in text
    assert (
        "Your part in it Your link was opened. This program counts the last visit only. Feb 27, 2026 "
        "Your link was opened. It counts. Mar 1, 2026" in text
    )
    assert (
        "What happens next It is on hold until 2 March 2099, because orders can be returned until then."
        in text
    )
    assert "Something is wrong? Tell us" in text
    assert "no-store" in answer["Cache-Control"]


def test_no_reward_is_explained_without_anybody_else(
    inside: Client, ana: Participant, ida: Participant, fay: Customer
) -> None:
    conversion = bought(fay, (ana, 3), (ida, 1))
    page = inside.get(why(conversion)).content.decode()
    text = text_of(inside.get(why(conversion)))
    assert "Why no reward Purchase of A friend, Mar 2, 2026" in text
    assert "Somebody else's more recent link was used before the purchase." in text
    assert "Feb 27, 2026" in text
    assert "Nothing: this brings no reward to you." in text
    for foreign in ("Ida", ida.public_id, "ida-code", "Mar 1, 2026", "Fay", "Farmer", "fay@example.com"):
        assert foreign not in page, foreign
    for foreign in (fay.public_id, "customer-", "inv-1", "100.00"):
        assert foreign not in page, foreign


def test_a_friend_appears_as_the_portal_shows_friends(
    inside: Client, ana: Participant, fay: Customer
) -> None:
    page = inside.get(why(bought(fay, (ana, 1)))).content.decode()
    assert "Fay" in page
    for personal in ("Farmer", "fay@example.com", fay.public_id):
        assert personal not in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"status": "held", "reason": "same_device"},
            "Acme takes a closer look before it is confirmed. You need not do anything.",
        ),
        (
            {"status": "denied", "reason": "same_device"},
            "By the terms it brings no reward. If you think that is wrong, ask Acme.",
        ),
    ],
)
def test_a_doubt_is_put_softly(
    inside: Client, ana: Participant, fay: Customer, fields: dict[str, str], sentence: str
) -> None:
    conversion = bought(fay, (ana, 1))
    rows.reward(Referral.objects.for_workspace(ana.workspace).get(), conversion=conversion, **fields)
    page = inside.get(why(conversion)).content.decode()
    assert sentence in unescape(page)
    assert "device" not in page.lower().replace("device-width", "")


def test_what_one_had_no_part_in_does_not_exist(
    inside: Client,
    workspace: Workspace,
    other_workspace: Workspace,
    ana: Participant,
    ida: Participant,
    fay: Customer,
) -> None:
    others = bought(fay, (ida, 1))
    with tenant(other_workspace):
        stranger = participant(other_workspace, "Stranger")
        friend = CustomerFactory.create(workspace=other_workspace)
        foreign = bought(friend, (stranger, 1))
    for public_id in (others.public_id, foreign.public_id, "cnv_none"):
        assert inside.get(f"/portal/why/{public_id}/").status_code == 404
        assert inside.post(f"/portal/why/{public_id}/", {"message": WORDS}).status_code == 404
    assert not Appeal.objects.for_workspace(workspace).exists()


def test_who_is_signed_out_sees_nothing(client: Client, ana: Participant, fay: Customer) -> None:
    place = why(bought(fay, (ana, 1)))
    for address in (place, "/portal/missing-friend/"):
        assert client.get(address).status_code == 403
        assert client.post(address, {"message": WORDS}).status_code == 403
    assert not Appeal.objects.for_workspace(ana.workspace).exists()


def test_asking_and_the_answer(inside: Client, ana: Participant, ida: Participant, fay: Customer) -> None:
    conversion = bought(fay, (ana, 3), (ida, 1))
    sent: Any = inside.post(why(conversion), {"message": WORDS}, follow=True)
    assert sent.redirect_chain == [(f"{why(conversion)}?sent=1", 302)]
    text = text_of(sent)
    assert "Thank you. A person looks at it, and you get the answer by mail and here." in text
    assert "We are looking at it" in text
    assert WORDS in text
    assert 'name="message"' not in sent.content.decode()
    appeal = Appeal.objects.for_workspace(ana.workspace).get()
    assert (appeal.participant, appeal.conversion, appeal.message) == (ana, conversion, WORDS)
    assert text_of(signed_in(ida).get(why(conversion))).count(WORDS) == 0
    tracking_services.answer_appeal(
        appeal=appeal, status="declined", answer="The other link came later.", actor=STAFF, at=AT
    )
    answer = inside.get(why(conversion))
    assert "It stays as it is" in text_of(answer)
    assert "Our answer: The other link came later." in text_of(answer)
    assert 'name="message"' in answer.content.decode()
    assert "olga@acme.example" not in answer.content.decode()


def test_a_second_click_on_send_opens_nothing_more(inside: Client, ana: Participant, fay: Customer) -> None:
    conversion = bought(fay, (ana, 1))
    for message in (WORDS, WORDS, "Something else altogether."):
        assert inside.post(why(conversion), {"message": message}).status_code == 302
    assert Appeal.objects.for_workspace(ana.workspace).get().message == WORDS


@pytest.mark.parametrize("message", ["", "short", "         x         ", "x" * 2001])
def test_what_is_too_short_or_too_long_is_given_back(
    inside: Client, ana: Participant, fay: Customer, message: str
) -> None:
    for address in (why(bought(fay, (ana, 1))), "/portal/missing-friend/"):
        answer = inside.post(address, {"message": message})
        assert answer.status_code == 400
        assert 'class="errors"' in answer.content.decode()
    assert not Appeal.objects.for_workspace(ana.workspace).exists()


def test_the_words_are_shown_as_text(inside: Client, ana: Participant) -> None:
    inside.post("/portal/missing-friend/", {"message": "<b>Cleo</b> is missing."})
    page = inside.get("/portal/missing-friend/").content.decode()
    assert "&lt;b&gt;Cleo&lt;/b&gt; is missing." in page


def test_a_missing_friend_is_reported_from_the_list_of_friends(
    inside: Client, ana: Participant, fay: Customer
) -> None:
    portal = inside.get("/portal/").content.decode()
    assert 'action="/portal/missing-friend/"' in portal
    known, unknown = (
        inside.post("/portal/missing-friend/", {"message": f"{email} ordered inv-1 through my link."})
        for email in ("fay@example.com", "nobody@example.com")
    )
    # Nothing is looked up, so nothing tells who is a customer.
    assert known.status_code == unknown.status_code == 302
    assert known["Location"] == unknown["Location"] == "/portal/missing-friend/?sent=1"
    first, second = Appeal.objects.for_workspace(ana.workspace).order_by("pk")
    assert (first.conversion, second.conversion) == (None, None)
    inside.post("/portal/missing-friend/", {"message": "And a third friend of mine."})
    refused = inside.post("/portal/missing-friend/", {"message": "And a fourth friend of mine."})
    assert refused.status_code == 409
    assert "3 reports are waiting for an answer already." in text_of(refused)
    assert Appeal.objects.for_workspace(ana.workspace).count() == 3


def test_too_many_in_a_day_are_put_off(inside: Client, ana: Participant) -> None:
    now = ana.workspace.local_time(clock.now())
    Appeal.objects.bulk_create(
        Appeal(workspace=ana.workspace, participant=ana, message=WORDS, status="declined", opened_at=now)
        for _ in range(10)
    )
    refused = inside.post("/portal/missing-friend/", {"message": WORDS})
    assert (refused.status_code, refused["Retry-After"]) == (429, "86400")
    assert "Please try again tomorrow." in text_of(refused)


def test_the_lists_lead_to_the_reasons(
    inside: Client, ana: Participant, ida: Participant, fay: Customer
) -> None:
    conversion = bought(fay, (ana, 1))
    rows.reward(Referral.objects.for_workspace(ana.workspace).get(), conversion=conversion)
    own = rows.reward(rows.referral(ida, ana.customer), side="referee")
    page = inside.get("/portal/").content.decode()
    assert page.count(f'href="{why(conversion)}"') == 2
    assert own.conversion.public_id not in page
    assert inside.get(why(conversion)).status_code == 200
    assert Reward.objects.for_workspace(ana.workspace).count() == 2


def test_forms_need_the_token_of_the_page(ana: Participant, fay: Customer) -> None:
    strict = signed_in(ana)
    strict.handler.enforce_csrf_checks = True
    for address in (why(bought(fay, (ana, 1))), "/portal/missing-friend/"):
        assert strict.post(address, {"message": WORDS}).status_code == 403
    assert not Appeal.objects.for_workspace(ana.workspace).exists()


def test_embedded_it_works_without_a_cookie(
    client: Client, ana: Participant, ida: Participant, fay: Customer
) -> None:
    conversion = bought(fay, (ana, 3), (ida, 1))
    token = services.sign_portal_token(participant=ana, now=clock.now()).token
    place = f"/portal/embed/why/{conversion.public_id}/"
    strict = Client(enforce_csrf_checks=True)
    whole = strict.get("/portal/embed/", {"token": token}).content.decode()
    assert 'action="/portal/embed/missing-friend/"' in whole
    shown = strict.get(place, {"token": token})
    page = shown.content.decode()
    assert "Somebody else's more recent link was used" in unescape(page)
    assert "csrfmiddlewaretoken" not in page
    assert 'data-embed="open"' in page
    assert f'href="/portal/embed/?token={token.replace(":", "%3A")}#friends"' in page
    assert "frame-ancestors https://shop.example" in shown["Content-Security-Policy"]
    assert not shown.cookies
    for address in (place, "/portal/embed/missing-friend/"):
        done: Any = strict.post(address, {"token": token, "message": WORDS}, follow=True)
        assert [status for _, status in done.redirect_chain] == [302]
        assert "Thank you." in text_of(done)
        assert not done.cookies
        assert strict.get(address).status_code == 403
        assert strict.post(address, {"message": WORDS}).status_code == 403
    assert Appeal.objects.for_workspace(ana.workspace).count() == 2
    other = services.sign_portal_token(participant=ida, now=clock.now()).token
    assert WORDS not in strict.get(place, {"token": other}).content.decode()
    assert strict.get("/portal/embed/why/cnv_none/", {"token": token}).status_code == 404
