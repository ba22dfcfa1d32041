"""Confirming an e-mail address: who is mailed how often, what the link gives away, and who can use it."""

from __future__ import annotations

import base64
import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection as database
from django.test import Client

from accounts.models import User, Workspace
from accounts.services import SYSTEM
from core import clock, events
from core.tenancy import tenant
from engagement import services
from engagement.models import Message
from engagement.services.confirmation import LINK_MARK, confirmation_token
from engagement.services.sign_in import mailed_secret
from engagement.tasks import send_messages
from programs.models import Customer, ProgramVersion
from tests.conftest import make_workspace
from tests.factories import AT, ConversionFactory, CustomerFactory, ParticipantFactory, ProgramFactory, terms
from tracking import services as tracking
from tracking.models import ConversionCheck

DAY = timedelta(days=1)
ADDRESS = "fay.friend@example.com"


@pytest.fixture
def fay(workspace: Workspace) -> Customer:
    made: Customer = CustomerFactory.create(
        workspace=workspace, email=ADDRESS, mailbox=ADDRESS, name="Fay Friend"
    )
    return made


def checked(customer: Customer, at: datetime = AT) -> ConversionCheck:
    """Record a purchase of a program that wants the address confirmed, and let every handler hear of it."""
    workspace = customer.workspace
    program = ProgramFactory.create(workspace=workspace, draft=terms(fraud={"verify_email": True}))
    version = ProgramVersion.objects.for_workspace(workspace).get(program=program)
    conversion = ConversionFactory.create(workspace=workspace, customer=customer)
    tracking.ask_checks(workspace=workspace, decided=[(conversion, version)], at=at)
    heard()
    check: ConversionCheck = ConversionCheck.objects.for_workspace(workspace).get(conversion=conversion)
    return check


def heard() -> None:
    while events.deliver_due():
        pass


def verified_at(customer: Customer) -> datetime | None:
    customer.refresh_from_db()
    return customer.email_verified_at


def mails(workspace: Workspace) -> list[Message]:
    return list(Message.objects.for_workspace(workspace).filter(kind="verify_email").order_by("pk"))


def sent_path(settings: Any) -> str:
    """Send what is due and return the path of the link in the newest mail."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    send_messages()
    found = re.search(r"(?<=http://127\.0\.0\.1:8000)/confirm/\S+", str(mail.outbox[-1].body))
    assert found is not None
    return found[0]


def test_the_friend_is_asked_by_a_mail_whose_link_the_log_does_not_show(
    workspace: Workspace, fay: Customer, settings: Any
) -> None:
    checked(fay)
    (message,) = mails(workspace)
    assert (message.to_email, message.subject, message.about, message.created_at) == (
        ADDRESS,
        "Please confirm your e-mail address for Acme",
        fay.public_id,
        AT,
    )
    assert LINK_MARK in message.text
    assert LINK_MARK in message.html
    path = sent_path(settings)
    sent = mail.outbox[-1]
    assert isinstance(sent, EmailMultiAlternatives)
    ((html, _),) = sent.alternatives
    assert path in str(html)
    assert LINK_MARK not in str(html) + str(mail.outbox[-1].body)
    assert "Hello Fay," in str(mail.outbox[-1].body)


def test_the_link_gives_the_address_away_in_no_spelling(fay: Customer) -> None:
    token = confirmation_token(
        workspace_id=fay.workspace_id, customer_id=fay.public_id, email=ADDRESS, now=AT
    )
    payload = token.split(":")[0].lstrip(".")
    plain = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    for text in (token, plain.decode("latin-1")):
        for part in (ADDRESS, "fay", "friend", "example"):
            assert part not in text.lower()
    other = confirmation_token(workspace_id=fay.workspace_id, customer_id="cus_other", email=ADDRESS, now=AT)
    assert token.split(":")[0] != other.split(":")[0]


def test_opening_the_link_confirms_nothing_and_the_button_does(
    client: Client, workspace: Workspace, fay: Customer, settings: Any
) -> None:
    check = checked(fay)
    path = sent_path(settings)
    for method in ("get", "head", "get"):
        answer = getattr(client, method)(path)
        assert answer.status_code == 200
    assert b"Is this your e-mail address?" in answer.content
    assert ADDRESS.encode() not in answer.content
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert verified_at(fay) is None

    done = client.post(path)
    assert (done.status_code, done["Location"]) == (302, path)
    assert b"Thank you, your address is confirmed" in client.get(path).content
    confirmed_at = verified_at(fay)
    check.refresh_from_db()
    assert confirmed_at is not None
    assert (check.status, check.detail) == ("passed", "The address was confirmed.")
    # Once more, as an impatient person does.
    assert client.post(path).status_code == 200
    assert verified_at(fay) == confirmed_at


def test_the_button_is_refused_to_other_sites(workspace: Workspace, fay: Customer, settings: Any) -> None:
    checked(fay)
    assert Client(enforce_csrf_checks=True).post(sent_path(settings)).status_code == 403
    assert verified_at(fay) is None


def test_a_link_works_for_thirty_days(client: Client, fay: Customer) -> None:
    token = confirmation_token(
        workspace_id=fay.workspace_id, customer_id=fay.public_id, email=ADDRESS, now=AT
    )
    path = f"/confirm/{token}/"
    with clock.standing_at(AT + 30 * DAY):
        closed = client.get(path), client.post(path)
    assert [answer.status_code for answer in closed] == [410, 410]
    assert b"This link has expired" in closed[0].content
    assert verified_at(fay) is None
    with clock.standing_at(AT + 30 * DAY - timedelta(seconds=1)):
        assert client.post(path).status_code == 302


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_not_our_link_is_answered_alike(
    client: Client,
    workspace: Workspace,
    other_workspace: Workspace,
    fay: Customer,
    settings: Any,
    method: str,
) -> None:
    given: dict[str, Any] = {
        "workspace_id": workspace.pk,
        "customer_id": fay.public_id,
        "email": ADDRESS,
        "now": AT,
    }
    good = confirmation_token(**given)
    payload, _, signature = good.partition(":")
    bad = [
        "none",
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        "A" + good[1:] if good[0] != "A" else "B" + good[1:],
        f"{payload}x:{signature}",
        good * 9,
        confirmation_token(**{**given, "workspace_id": other_workspace.pk}),
        confirmation_token(**{**given, "email": "eve@example.com"}),
        confirmation_token(**{**given, "customer_id": "cus_none"}),
        services.sign_portal_token(participant=ParticipantFactory.create(workspace=workspace), now=AT).token,
    ]
    with clock.standing_at(AT):
        answers = [getattr(client, method)(f"/confirm/{token}/") for token in bad]
        assert [answer.status_code for answer in answers] == [404] * len(bad)
        assert {b"This link does not work" in answer.content for answer in answers} == {True}
        Workspace.objects.for_workspace(workspace).update(status="suspended")
        assert getattr(client, method)(f"/confirm/{good}/").status_code == 404
    assert verified_at(fay) is None


def test_a_link_is_dead_once_the_address_is_another(
    client: Client, workspace: Workspace, fay: Customer, settings: Any
) -> None:
    checked(fay)
    path = sent_path(settings)
    Customer.objects.for_workspace(workspace).filter(pk=fay.pk).update(email="fay@other.example")
    assert client.post(path).status_code == 404
    assert verified_at(fay) is None


def test_a_mail_a_day_and_three_in_all(workspace: Workspace, fay: Customer) -> None:
    times = [timedelta(), timedelta(hours=23), DAY, DAY, 3 * DAY, 30 * DAY]
    counts = []
    for passed in times:
        checked(fay, AT + passed)
        counts.append(len(mails(workspace)))
    assert counts == [1, 1, 2, 2, 3, 3]
    assert [message.created_at - AT for message in mails(workspace)] == [timedelta(), DAY, 3 * DAY]


def test_asking_again_mails_within_the_same_limits(workspace: Workspace, fay: Customer) -> None:
    check = checked(fay)
    for passed, sent in ((timedelta(hours=1), 1), (2 * DAY, 2)):
        tracking.ask_again(check=check, actor=SYSTEM, at=AT + passed)
        heard()
        assert len(mails(workspace)) == sent


def test_who_has_confirmed_meanwhile_is_not_asked(workspace: Workspace, fay: Customer) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=terms(fraud={"verify_email": True}))
    version = ProgramVersion.objects.for_workspace(workspace).get(program=program)
    conversion = ConversionFactory.create(workspace=workspace, customer=fay)
    tracking.ask_checks(workspace=workspace, decided=[(conversion, version)], at=AT)
    tracking.verify_email(customer=fay, at=AT)
    heard()
    assert mails(workspace) == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_mail_once(owner: User) -> None:
    workspace = make_workspace(owner)
    with tenant(workspace):
        fay = CustomerFactory.create(workspace=workspace)
        program = ProgramFactory.create(workspace=workspace, draft=terms(fraud={"verify_email": True}))
        version = ProgramVersion.objects.for_workspace(workspace).get(program=program)
        conversion = ConversionFactory.create(workspace=workspace, customer=fay)
        tracking.ask_checks(workspace=workspace, decided=[(conversion, version)], at=AT)
    barrier = threading.Barrier(2)

    def work() -> None:
        with tenant(workspace):
            check = (
                ConversionCheck.objects.for_workspace(workspace)
                .select_related("conversion__customer")
                .get(conversion=conversion)
            )
            barrier.wait(10)
            services.ask_to_confirm(workspace=workspace, asked=[(check, AT)])
        database.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    with tenant(workspace):
        assert len(mails(workspace)) == 1


# The portal's link


def test_signing_in_by_a_mailed_link_confirms_the_address(client: Client, workspace: Workspace) -> None:
    ana = ParticipantFactory.create(
        workspace=workspace,
        customer=CustomerFactory.create(
            workspace=workspace, email="ana@example.com", mailbox="ana@example.com"
        ),
    )
    client.post(f"/portal/{ana.program.public_id}/", {"email": "ana@example.com"})
    message = Message.objects.for_workspace(workspace).get(kind="magic_link")
    path = f"/portal/enter/{mailed_secret(message.public_id)}/"
    assert client.get(path).status_code == 200
    assert verified_at(ana.customer) is None
    assert client.post(path).status_code == 302
    assert verified_at(ana.customer) is not None


def test_signing_in_by_a_link_from_the_shop_confirms_nothing(client: Client, workspace: Workspace) -> None:
    ana = ParticipantFactory.create(workspace=workspace)
    made = services.create_portal_link(participant=ana, at=clock.now())
    assert client.post(re.sub("^.*(?=/portal/)", "", made.url)).status_code == 302
    assert verified_at(ana.customer) is None
