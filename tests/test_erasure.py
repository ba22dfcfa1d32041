"""One person is erased: nothing that names them is left or comes back, and no figure changes."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import services as accounts
from accounts.models import AuditEntry, Member, User, Workspace
from accounts.services import Actor
from core import clock
from core.errors import Conflict
from core.models import Event
from core.tenancy import tenant
from engagement.models import Message
from integrations.models import InboxItem
from integrations.tasks import read_inbox
from programs import queries, services
from programs.models import Customer, Link, Participant, PromoCode
from rewards import services as rewards
from rewards.models import Account, Reward, Transfer
from rewards.queries import payable
from tests.architecture.catalogue import tenant_models
from tests.architecture.world import BROWSER, deliver
from tests.conftest import AT, make_workspace
from tests.factories import CustomerFactory, LinkFactory, ParticipantFactory, PromoCodeFactory, UserFactory
from tests.integrations import shops
from tests.journeys.people import order
from tests.programs.test_services import at_once, racing_workspace
from tests.rewards import builders
from tests.tracking.conftest import token
from tracking import services as tracking
from tracking.classification import ClickFacts
from tracking.models import Click, Conversion, Credit, FraudListEntry, Referral, Sighting, Touchpoint

ACTOR = Actor(kind="user", label="olga@acme.example")
NAME, EMAIL, OWN_ID = "Frida Quirk", "frida.quirk@friends.example", "ext-frida-77"
ADDRESS, VISITOR = "203.0.113.9", "vis_quirkybrowser0001"
TELLING = ("frida", "quirk", OWN_ID, ADDRESS, VISITOR)
"""What must stand nowhere afterwards."""


def found_in(workspace: Workspace) -> list[str]:
    """Return the columns of the workspace's rows that hold anything telling, whatever their type."""
    found = []
    with tenant(workspace):
        for table, model in tenant_models().items():
            for row in model._default_manager.for_workspace(workspace).values():
                for column, value in row.items():
                    text = bytes(value).decode("utf-8", "replace") if isinstance(value, memoryview) else value
                    text = json.dumps(text, default=str, ensure_ascii=False).lower()
                    found += [f"{table}.{column}: {each}" for each in TELLING if each in text]
    return sorted(set(found))


def call(workspace: Workspace, path: str, body: dict[str, Any], key: str = "") -> Any:
    """Post to the API with a key of the workspace."""
    with tenant(workspace):
        secret = token(workspace, scopes=("track", "read", "write"))
    return Client().post(
        f"/api/v1/{path}",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}", **({"Idempotency-Key": key} if key else {})},
    )


def clicked(link: Link, *, minutes_ago: int) -> Click:
    """Click on the link with the friend's browser."""
    return tracking.record_click(
        link=link,
        visitor_id=VISITOR,
        facts=ClickFacts(user_agent=BROWSER, address=ADDRESS, referrer="https://news.example/"),
        at=clock.now() - timedelta(minutes=minutes_ago),
    )


def settled(workspace: Workspace) -> None:
    """Let every handler hear, and read what shops have sent."""
    deliver(workspace)
    read_inbox()
    deliver(workspace)


def played(owner: User, name: str, *, erased: bool) -> Workspace:
    """Play a referral in a workspace of its own; the friend is erased between click and conversion."""
    workspace = make_workspace(owner, name=name)
    with tenant(workspace):
        program = builders.program(
            workspace,
            builders.rule(),
            builders.rule(
                key="welcome",
                side="referee",
                event="signup",
                kind="credit",
                amount={"type": "fixed", "minor": 500},
            ),
        )
        ann = builders.participant(program, display_name="Ann")
        link = LinkFactory.create(workspace=workspace, participant=ann, code=f"ann-{name.lower()}")
        click = clicked(link, minutes_ago=120)
        shop = shops.connected(workspace)
    person = {
        "customerExternalId": OWN_ID,
        "customerEmail": EMAIL,
        "customerName": NAME,
        "metadata": {"greeting": f"Dear {NAME}"},
    }
    lead = {**person, "eventName": "Sign up", "clickId": click.public_id}
    assert call(workspace, "track/lead", lead, key="lead-1").status_code == 201
    early = order(1, total="20.00", email=EMAIL, modified="2026-11-21T20:00:00", status="pending")
    assert shop_tells(shop, "order.created", early) == 200
    settled(workspace)
    with tenant(workspace):
        friend = Customer.objects.for_workspace(workspace).get(external_id=OWN_ID)
        # The friend takes part as well, with everything that may hold a name.
        own, _ = services.enrol_participant(program=program, customer=friend, actor=ACTOR, at=AT)
        services.update_participant(participant=own, display_name=NAME, actor=ACTOR)
        builders.bank(friend, f"IBAN of {NAME}")
        rewards.submit_tax_details(
            customer=friend,
            country="DE",
            legal_name=NAME,
            form="dac7",
            number=f"No of {NAME}",
            actor=ACTOR,
            at=AT,
        )
        services.create_promo_code(participant=own, code="FRIDA10", actor=ACTOR, at=AT)
        FraudListEntry.objects.create(
            workspace=workspace, mode="allow", kind="email", pattern=EMAIL, created_by="o", created_at=AT
        )
    settled(workspace)
    if erased:
        with tenant(workspace):
            services.erase_customer(customer=friend, actor=ACTOR, at=clock.now())
        settled(workspace)
    # Told again, told with another click of the same browser, and told by the shop.
    assert call(workspace, "track/lead", lead).json()["duplicate"] is True
    with tenant(workspace):
        later = clicked(link, minutes_ago=30)
    sale = {**person, "amount": 10_000, "currency": "EUR", "invoiceId": "inv-1", "clickId": later.public_id}
    assert call(workspace, "track/sale", sale, key="sale-1").status_code == 201
    for number, total in ((2, "50.00"), (1, "20.00")):
        told = order(number, total=total, email=EMAIL, modified="2026-11-21T21:00:00")
        assert shop_tells(shop, "order.updated", told) == 200
    settled(workspace)
    return workspace


def shop_tells(shop: Any, topic: str, payload: dict[str, Any]) -> int:
    """Send what a shop sends, signed with its secret."""
    body = json.dumps(payload).encode()
    response = shops.send(
        shops.hook(shop),
        shops.CAPTURED["0016"],
        body,
        X_WC_Webhook_Topic=topic,
        X_WC_Webhook_Signature=shops.signature(body),
        X_WC_Webhook_Delivery_ID=f"{topic}-{payload['id']}-{payload['status']}",
    )
    return int(response.status_code)


def totals(workspace: Workspace) -> dict[str, Any]:
    """Return every figure that must be the same whether or not somebody was erased."""
    with tenant(workspace):
        return {
            "customers": Customer.objects.for_workspace(workspace).count(),
            "conversions": Counter(
                Conversion.objects.for_workspace(workspace).values_list(
                    "kind", "amount_minor", "currency", "status", "sequence"
                )
            ),
            "credits": Counter(
                Credit.objects.for_workspace(workspace).values_list("weight_ppm", "amount_minor", "currency")
            ),
            "referrals": Counter(Referral.objects.for_workspace(workspace).values_list("status", "channel")),
            "touchpoints": Touchpoint.objects.for_workspace(workspace).count(),
            "visitors": Click.objects.for_workspace(workspace).values("visitor_id").distinct().count(),
            "rewards": Counter(
                Reward.objects.for_workspace(workspace).values_list(
                    "side", "kind", "amount_minor", "unit", "status"
                )
            ),
            "balances": Counter(
                Account.objects.for_workspace(workspace).values_list("kind", "unit", "balance_minor")
            ),
            "transfers": Counter(
                Transfer.objects.for_workspace(workspace).values_list("amount_minor", flat=True)
            ),
        }


@pytest.mark.django_db
def test_a_person_erased_between_click_and_conversion_leaves_figures_and_no_trace() -> None:
    owner = UserFactory.create(email="olga@acme.example")
    kept, erased = played(owner, "Kept", erased=False), played(owner, "Erased", erased=True)
    assert totals(erased)["conversions"] == Counter(
        {
            ("signup", 0, "", "recorded", 1): 1,
            ("purchase", 10_000, "EUR", "recorded", 1): 1,
            ("purchase", 5_000, "EUR", "recorded", 2): 1,
            ("purchase", 2_000, "EUR", "recorded", 3): 1,
        }
    )
    assert totals(erased)["rewards"] == totals(kept)["rewards"]
    # A browser that comes again is not recognised, so it counts as another visitor.
    assert totals(erased) == {**totals(kept), "visitors": totals(kept)["visitors"] + 1}
    assert found_in(erased) == []
    assert len(found_in(kept)) > 20


@pytest.fixture
def frida(workspace: Workspace) -> Customer:
    """A customer who takes part, with a link and a promo code that hold the name."""
    friend = CustomerFactory.create(
        workspace=workspace, external_id=OWN_ID, email=EMAIL, mailbox=EMAIL, name=NAME, country="DE"
    )
    participant = ParticipantFactory.create(workspace=workspace, customer=friend, display_name=NAME)
    builders.bank(friend)
    LinkFactory.create(workspace=workspace, participant=participant, code="Frida-k3f")
    PromoCodeFactory.create(workspace=workspace, participant=participant, code="FRIDA10")
    return friend


def erase(customer: Customer) -> Customer:
    return services.erase_customer(customer=customer, actor=ACTOR, at=AT)


def test_what_names_a_person_goes_and_the_country_stays(workspace: Workspace, frida: Customer) -> None:
    erase(frida)
    row = Customer.objects.for_workspace(workspace).get()
    assert (row.name, row.email, row.country, row.erased_at) == ("", "", "DE", AT)
    assert row.external_id is not None
    assert (row.external_id[:7], row.mailbox[:7]) == ("erased:", "erased:")
    assert str(row) == "Erased person"
    participant = Participant.objects.for_workspace(workspace).get()
    assert (participant.display_name, participant.status) == ("", "suspended")
    link, promo = (
        Link.objects.for_workspace(workspace).get(),
        PromoCode.objects.for_workspace(workspace).get(),
    )
    assert (link.status, promo.status) == ("archived", "archived")
    assert {link.code[:7], link.code_key[:7], promo.code[:7], promo.code_key[:7]} == {"erased-"}
    [entry] = AuditEntry.objects.for_workspace(workspace).filter(action="customer.erased")
    assert (entry.subject, entry.before, entry.after) == (
        row.public_id,
        None,
        {"participants": [participant.public_id]},
    )
    [event] = Event.objects.for_workspace(workspace).filter(kind="customer.erased")
    assert event.data == {"customer": row.public_id, "participants": [participant.public_id]}


def test_erasing_again_changes_nothing(workspace: Workspace, frida: Customer) -> None:
    first = erase(frida)
    before = (first.external_id, first.mailbox, first.erased_at)
    again = services.erase_customer(customer=frida, actor=ACTOR, at=AT + timedelta(days=1))
    assert (again.external_id, again.mailbox, again.erased_at) == before
    assert AuditEntry.objects.for_workspace(workspace).filter(action="customer.erased").count() == 1
    assert Event.objects.for_workspace(workspace).filter(kind="customer.erased").count() == 1


def test_accounts_that_were_merged_are_one_person(workspace: Workspace, frida: Customer) -> None:
    other = CustomerFactory.create(workspace=workspace, name=NAME, same_person=frida)
    stranger = CustomerFactory.create(workspace=workspace, name="Somebody Else")
    erase(other)
    rows = Customer.objects.for_workspace(workspace)
    assert set(rows.filter(erased_at=AT).values_list("pk", flat=True)) == {frida.pk, other.pk}
    assert rows.get(pk=stranger.pk).name == "Somebody Else"


def test_id_and_address_find_whoever_was_erased_and_fill_nothing_in(
    workspace: Workspace, frida: Customer
) -> None:
    erase(frida)
    for own_id, email in ((OWN_ID, EMAIL), (OWN_ID, ""), (None, "Frida.Quirk@friends.example")):
        found = services.identify_customer(
            workspace=workspace, external_id=own_id, email=email, name=NAME, country="AT", at=AT
        )
        assert found.pk == frida.pk, (own_id, email)
    people = [
        services.Person(at=AT, external_id=OWN_ID, email=EMAIL),
        services.Person(at=AT, external_id="u2"),
    ]
    assert services.identify_customers(workspace=workspace, people=people)[0].pk == frida.pk
    rows = Customer.objects.for_workspace(workspace).order_by("pk")
    assert list(rows.values_list("name", "email", "country")) == [("", "", "DE"), ("", "", "")]


def test_whoever_was_known_by_address_alone_is_found_by_the_id_told_with_it(workspace: Workspace) -> None:
    friend = CustomerFactory.create(workspace=workspace, external_id=None, email=EMAIL, mailbox=EMAIL)
    erase(friend)
    for email in (EMAIL, ""):
        found = services.identify_customer(workspace=workspace, external_id=OWN_ID, email=email, at=AT)
        assert found.pk == friend.pk
    assert str(Customer.objects.for_workspace(workspace).get().external_id).startswith("erased:")


def test_the_usual_look_up_costs_no_statement_more(
    workspace: Workspace, frida: Customer, django_assert_num_queries: Any
) -> None:
    # Two savepoints, and one look-up.
    with django_assert_num_queries(5):
        services.identify_customer(workspace=workspace, external_id=OWN_ID, email=EMAIL, at=AT)


def test_an_erased_person_is_enrolled_and_changed_no_more(workspace: Workspace, frida: Customer) -> None:
    participant = Participant.objects.for_workspace(workspace).get()
    erase(frida)
    program = builders.program(workspace)
    frida.refresh_from_db()
    with pytest.raises(Conflict, match="erased"):
        services.enrol_participant(program=program, customer=frida, actor=ACTOR, at=AT)
    with pytest.raises(Conflict, match="erased"):
        services.update_participant(participant=participant, status="active", actor=ACTOR)
    [(_, refused)] = services.set_statuses(
        workspace=workspace, public_ids=[participant.public_id], status="active", reason="", actor=ACTOR
    )
    assert refused == "Was erased, and stays as they are."
    assert Participant.objects.for_workspace(workspace).get().status == "suspended"


def test_old_codes_say_that_they_are_not_in_use_and_stay_taken(workspace: Workspace, frida: Customer) -> None:
    link = Link.objects.for_workspace(workspace).get()
    erase(frida)
    found = queries.resolve_code("FRIDA-k3f")
    assert found is not None
    assert (found.workspace_id, found.link_id) == (workspace.pk, link.pk)
    ann = ParticipantFactory.create(workspace=workspace)
    with pytest.raises(services.CodeTaken):
        services.create_link(participant=ann, code="frida-k3f", actor=ACTOR, at=AT)
    with pytest.raises(services.CodeTaken):
        services.create_promo_code(participant=ann, code="frida10", actor=ACTOR, at=AT)


def test_cash_stays_in_the_books_and_is_not_paid_out(workspace: Workspace) -> None:
    program = builders.program(workspace)
    participant = builders.participant(program)
    conversion = builders.conversion(participant)
    rewards.settle_conversion(conversion=conversion, at=AT)
    rewards.release_due_rewards(workspace=workspace, at=AT)
    [row] = payable(workspace, "EUR")
    assert (row.amount_minor, row.left_out) == (1_000, "")
    erase(participant.customer)
    deliver(workspace)
    [row] = payable(workspace, "EUR")
    assert (row.amount_minor, row.left_out, row.destination) == (1_000, "suspended", "")


def test_waiting_mail_is_not_sent_and_a_message_to_others_keeps_its_reader(
    workspace: Workspace, frida: Customer
) -> None:
    participant = Participant.objects.for_workspace(workspace).get()
    to_her = _message(workspace, participant.public_id, EMAIL)
    brought = CustomerFactory.create(workspace=workspace)
    referral = Referral.objects.create(
        workspace=workspace,
        program=participant.program,
        participant=participant,
        customer=brought,
        status="started",
        started_at=AT,
    )
    about_her = _message(workspace, brought.public_id, "ben@friends.example")
    unrelated = _message(workspace, "cus_other", "eve@friends.example")
    erase(frida)
    deliver(workspace)
    for row in (to_her, about_her, unrelated):
        row.refresh_from_db()
    assert referral.public_id
    assert (to_her.to_email, to_her.state, to_her.subject) == ("", "dead", "(erased)")
    assert (about_her.to_email, about_her.state) == ("ben@friends.example", "dead")
    assert (unrelated.to_email, unrelated.state) == ("eve@friends.example", "pending")
    assert {NAME in row.text for row in (to_her, about_her)} == {False}


def _message(workspace: Workspace, about: str, to_email: str) -> Message:
    row: Message = Message.objects.create(
        workspace=workspace,
        key=f"x:{about}",
        kind="invitation",
        to_email=to_email,
        subject=f"{NAME} invites you",
        text=f"Hello from {NAME}",
        about=about,
        due_at=AT,
        created_at=AT,
    )
    return row


def test_a_stored_answer_about_many_loses_only_the_part_about_her(
    workspace: Workspace, frida: Customer
) -> None:
    participant = Participant.objects.for_workspace(workspace).get()
    other = ParticipantFactory.create(workspace=workspace, program=participant.program)
    links = [{"participant": each.public_id} for each in (participant, other)]
    first = call(workspace, "links/bulk", {"links": links}, key="bulk-1")
    assert first.status_code == 200
    erase(frida)
    deliver(workspace)
    again = call(workspace, "links/bulk", {"links": links}, key="bulk-1")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["results"] == [accounts.answers.GONE, first.json()["results"][1]]


def test_a_shops_message_without_an_outcome_is_known_by_its_address(
    workspace: Workspace, frida: Customer
) -> None:
    shop = shops.connected(workspace)
    payload = {"id": 3, "status": "-", "email": EMAIL, "first_name": "Frida"}
    assert shop_tells(shop, "customer.created", payload) == 200
    read_inbox()
    erase(frida)
    deliver(workspace)
    [item] = InboxItem.objects.for_workspace(workspace)
    assert (item.state, bytes(item.body)) == ("done", b"")


# Two at once


@pytest.mark.django_db(transaction=True)
def test_two_who_erase_at_once_leave_one_record_of_it() -> None:
    workspace = racing_workspace()
    with tenant(workspace):
        friend = CustomerFactory.create(workspace=workspace, external_id=OWN_ID, email=EMAIL, mailbox=EMAIL)

    def run() -> Any:
        row = Customer.objects.for_workspace(workspace).get(pk=friend.pk)
        return erase(row)

    results = at_once(workspace, run, run)
    assert [str(each) for each in results] == ["Erased person", "Erased person"]
    with tenant(workspace):
        assert Event.objects.for_workspace(workspace).filter(kind="customer.erased").count() == 1
    settled(workspace)
    assert found_in(workspace) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(3))
def test_a_conversion_that_comes_in_while_somebody_is_erased_counts_and_names_nobody(turn: int) -> None:
    workspace = racing_workspace()
    with tenant(workspace):
        friend = CustomerFactory.create(
            workspace=workspace, external_id=OWN_ID, email=EMAIL, mailbox=EMAIL, name=NAME
        )
        link = LinkFactory.create(workspace=workspace, code=f"ann-{turn}")
        click = clicked(link, minutes_ago=60)

    def convert() -> Any:
        customer = services.identify_customer(
            workspace=workspace, external_id=OWN_ID, email=EMAIL, name=NAME, at=AT
        )
        fact = tracking.ConversionFact(
            kind="signup",
            customer=customer,
            source="api",
            source_key=f"Sign up:{OWN_ID}",
            event_name="Sign up",
            click=click,
            metadata={"name": NAME},
            occurred_at=clock.now(),
            at=clock.now(),
        )
        return tracking.record_conversion(workspace=workspace, fact=fact)

    def run() -> Any:
        return erase(Customer.objects.for_workspace(workspace).get(pk=friend.pk))

    recorded, _ = at_once(workspace, convert, run) if turn % 2 else reversed(at_once(workspace, run, convert))
    assert recorded.created
    settled(workspace)
    with tenant(workspace):
        assert Conversion.objects.for_workspace(workspace).count() == 1
        assert Sighting.objects.for_workspace(workspace).count() == 0
        again = convert()
    assert again.created is False
    assert found_in(workspace) == []


# The console and the API


def test_the_console_erases_once_the_id_was_written(
    client: Client, owner: User, workspace: Workspace, frida: Customer
) -> None:
    client.force_login(owner)
    home = f"/w/{workspace.slug}/customers/{frida.public_id}/"
    shown = client.get(home).content.decode()
    assert "Erase this person" in shown
    assert "Download what we hold" in shown
    refused = client.post(f"{home}erase/", {"confirm": NAME})
    assert refused.status_code == 400
    assert f"Write {frida.public_id} to confirm." in refused.content.decode()
    assert Customer.objects.for_workspace(workspace).get().name == NAME
    done = client.post(f"{home}erase/", {"confirm": frida.public_id}, follow=True)
    assert "This person was erased" in done.content.decode()
    left = client.get(home).content.decode()
    assert "Erased person" in left
    assert "frida" not in left.lower()


@pytest.mark.parametrize("role", ["finance", "analyst", "support", "read_only"])
def test_only_owners_and_admins_erase_and_export(
    client: Client, workspace: Workspace, frida: Customer, role: str
) -> None:
    member = UserFactory.create()
    Member.objects.create(workspace=workspace, user=member, role=role)
    client.force_login(member)
    home = f"/w/{workspace.slug}/customers/{frida.public_id}/"
    assert "Erase this person" not in client.get(home).content.decode()
    assert client.get(f"{home}export/").status_code == 403
    assert client.post(f"{home}erase/", {"confirm": frida.public_id}).status_code == 403
    assert Customer.objects.for_workspace(workspace).get().erased_at is None


def test_the_export_holds_what_every_app_knows(
    client: Client, owner: User, workspace: Workspace, frida: Customer
) -> None:
    link = LinkFactory.create(workspace=workspace, code="ann-1")
    fact = tracking.ConversionFact(
        kind="signup",
        customer=frida,
        source="api",
        source_key="s1",
        click=clicked(link, minutes_ago=60),
        metadata={"note": "hello"},
        occurred_at=clock.now(),
        at=clock.now(),
    )
    tracking.record_conversion(workspace=workspace, fact=fact)
    _message(workspace, frida.public_id, EMAIL)
    client.force_login(owner)
    answer = client.get(f"/w/{workspace.slug}/customers/{frida.public_id}/export/")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{frida.public_id}.json"'
    held = answer.json()
    assert set(held) == {
        "customer",
        "participations",
        "changes",
        "tracking",
        "rewards",
        "engagement",
        "integrations",
    }
    assert held["customer"]["email"] == EMAIL
    [account] = held["rewards"]["payout_accounts"]
    assert (account["method"], account["details"]["iban"]) == ("bank", builders.IBAN)
    assert [each["code"] for each in held["participations"][0]["links"]] == ["Frida-k3f"]
    assert [each["visitor_id"] for each in held["tracking"]["clicks"]] == [VISITOR]
    assert held["tracking"]["conversions"][0]["metadata"] == {"note": "hello"}
    assert [each["subject"] for each in held["engagement"]["messages"]] == [f"{NAME} invites you"]
    secret = token(workspace, scopes=("write",))
    path = f"/api/v1/customers/{frida.public_id}/export"
    assert Client().get(path, headers={"Authorization": f"Bearer {secret}"}).json() == held
    reads = token(workspace, scopes=("read",))
    assert Client().get(path, headers={"Authorization": f"Bearer {reads}"}).status_code == 403


def test_the_api_erases_and_answers_the_same_again(workspace: Workspace, frida: Customer) -> None:
    path = f"customers/{frida.public_id}/erase"
    first = call(workspace, path, {}, key="erase-1")
    deliver(workspace)
    second = call(workspace, path, {}, key="erase-1")
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()
    assert (first.json()["name"], first.json()["email"]) == ("", "")
    assert first.json()["erased_at"] is not None
    assert call(workspace, "customers/cus_none/erase", {}).status_code == 404
