"""How a participant is paid and taxed, in the portal and inside another page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import AuditEntry, Workspace
from core import answers, clock
from engagement import services as engagement_services
from programs.models import Participant
from referral_platform.subscriptions import ANSWER_PARTS
from rewards import queries, services
from rewards.onboarding import Onboarding
from tests.engagement.test_portal import participant, signed_in, text_of
from tests.rewards.builders import IBAN, person

BANK = {"method": "bank", "holder": "Ana Kos", "country": "DE", "iban": IBAN}
TAX = {"country": "DE", "legal_name": "Ana Kos", "form": "dac7", "number": "12345678901"}


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    return participant(workspace, "Ana")


@pytest.fixture
def inside(ana: Participant) -> Client:
    return signed_in(ana)


@pytest.fixture
def token(ana: Participant) -> str:
    return engagement_services.sign_portal_token(participant=ana, now=clock.now()).token


def test_a_participant_chooses_how_to_be_paid(inside: Client, workspace: Workspace, ana: Participant) -> None:
    assert "We do not know yet how to send your money." in text_of(inside)
    answer = inside.post("/portal/how-paid/", BANK)
    assert (answer.status_code, answer["Location"]) == (302, "/portal/how-paid/?saved=1")
    shown = inside.get(answer["Location"]).content.decode()
    assert "Your payout details are saved." in shown
    assert "DE…2051" in shown
    assert IBAN not in shown
    assert "Your money goes to: Bank account DE…2051" in text_of(inside)
    entry = AuditEntry.objects.for_workspace(workspace).get(action="payout_account.chosen")
    assert (entry.actor_kind, entry.actor) == ("participant", ana.public_id)
    inside.post("/portal/how-paid/", {"method": "gift_card", "email": "ana@mail.example"})
    found = queries.destination_of(ana.customer)
    assert found is not None
    assert found.method == "gift_card"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**BANK, "iban": IBAN[:-1] + "9"}, "iban"),
        ({**BANK, "holder": ""}, "holder"),
        ({**BANK, "country": "XX"}, "country"),
        ({**BANK, "account": "7"}, "account"),
        ({"method": "paypal", "email": "nobody"}, "email"),
    ],
)
def test_a_bad_account_names_the_field_and_changes_nothing(
    inside: Client, ana: Participant, body: dict[str, str], field: str
) -> None:
    answer = inside.post("/portal/how-paid/", body)
    assert answer.status_code == 400
    forms = {each["method"]: each["form"] for each in answer.context["methods"]}
    assert list(forms[body["method"]].errors) == [field]
    assert not queries.payout_accounts_of(ana.customer).exists()


def test_a_refusal_is_told_with_its_reason(inside: Client, ana: Participant) -> None:
    inside.post("/portal/how-paid/", BANK)
    account = queries.payout_accounts_of(ana.customer).get()
    services.refuse_payout_account(account=account, reason="The name differs.", actor=person())
    assert "We could not use it: The name differs." in inside.get("/portal/how-paid/").content.decode()
    assert "The payout account was refused: The name differs." in text_of(inside)
    assert inside.post("/portal/how-paid/", BANK).status_code == 409


def test_stripe_is_offered_where_a_connection_sets_accounts_up(inside: Client, ana: Participant) -> None:
    assert "Set up with Stripe" not in inside.get("/portal/how-paid/").content.decode()
    assert inside.post("/portal/how-paid/", {"method": "stripe"}).status_code == 200
    asked: list[Onboarding] = []

    def link(onboarding: Onboarding) -> str:
        asked.append(onboarding)
        return "https://connect.stripe.example/setup/1"

    answers.configure(
        {**ANSWER_PARTS, "payout_methods": {"stripe": bool}, "payout_onboarding": {"stripe": link}}
    )
    try:
        assert "Set up with Stripe" in inside.get("/portal/how-paid/").content.decode()
        shown = inside.post("/portal/how-paid/", {"method": "stripe"}).content.decode()
    finally:
        answers.configure(ANSWER_PARTS)
    assert 'href="https://connect.stripe.example/setup/1"' in shown
    assert asked[0].return_url == "http://testserver/portal/how-paid/"
    account = queries.payout_accounts_of(ana.customer).get()
    assert (account.method, account.status, asked[0].account.pk) == ("stripe", "incomplete", account.pk)


def test_an_account_is_chosen_without_a_cookie(ana: Participant, token: str) -> None:
    strict: Any = Client(enforce_csrf_checks=True)
    answer = strict.post("/portal/embed/how-paid/", {"token": token, **BANK})
    assert answer.status_code == 302
    assert not answer.cookies
    assert parse_qs(urlsplit(answer["Location"]).query) == {"token": [token], "saved": ["1"]}
    shown = strict.get(answer["Location"])
    assert "Your payout details are saved." in shown.content.decode()
    assert not shown.cookies
    assert queries.payout_accounts_of(ana.customer).count() == 1
    assert strict.post("/portal/embed/how-paid/", BANK).status_code == 403
    assert strict.post("/portal/embed/tax/", {"token": token, **TAX}).status_code == 302
    assert queries.tax_details_of(ana.customer) is not None


def test_tax_details_are_given_and_corrected(inside: Client, ana: Participant) -> None:
    assert "Tax details" not in text_of(inside)
    bad = inside.post("/portal/tax/", {**TAX, "form": "w9"})
    assert (bad.status_code, list(bad.context["form"].errors)) == (400, ["form"])
    answer = inside.post("/portal/tax/", TAX)
    assert (answer.status_code, answer["Location"]) == (302, "/portal/tax/?saved=1")
    details = queries.tax_details_of(ana.customer)
    assert details is not None
    services.refuse_tax_details(details=details, reason="Blurred", actor=person(), at=details.submitted_at)
    shown = inside.get("/portal/tax/").content.decode()
    assert "Blurred" in shown
    assert "number ending in 8901" in shown
    assert TAX["number"] not in shown
    assert "Tax details" in text_of(inside)
