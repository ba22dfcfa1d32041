"""Where people's money goes: what is taken, what is shown, who may change it, and what is never told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from django.test import Client
from django.urls import reverse

from accounts import secrets
from accounts.models import AuditEntry, User, Workspace
from accounts.services import Actor
from core.errors import Conflict, DomainError, Invalid
from programs import services as programs
from programs.models import Customer
from rewards import queries, services
from rewards.bank_files.iban import valid_iban
from rewards.models import PayoutAccount
from rewards.payout_details import FIELDS, label_of
from tests.factories import AT, CustomerFactory
from tests.rewards import builders
from tests.rewards.builders import IBAN, approved, bank, participant, person, program

SECRET = "2120300000000202051"


@pytest.fixture
def ana(workspace: Workspace) -> Customer:
    return CustomerFactory.create(workspace=workspace, name="Ana Kos")


def own(customer: Customer) -> Actor:
    return Actor(kind="participant", label=f"prt_of_{customer.pk}")


def choose(customer: Customer, method: str, at: Any = AT, **details: str) -> PayoutAccount:
    return services.choose_payout_account(
        customer=customer, method=method, details=details, actor=own(customer), at=at
    )


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (IBAN, True),
        ("de02 1203 0000 0000 2020 51", True),
        ("SI56191000000123438", True),
        ("GB82WEST12345698765432", True),
        ("DE02120300000000202052", False),
        ("DE021203000000002020511", False),
        ("ZZ02120300000000202051", False),
        ("DE0212030000000020205", False),
        ("", False),
        ("DE02 1203 0000 0000 2020 5Ü", False),
    ],
)
def test_an_iban_is_checked_by_country_length_and_digits(text: str, valid: bool) -> None:
    assert valid_iban(text) is valid


@pytest.mark.parametrize(
    ("method", "details", "label"),
    [
        ("bank", {"iban": "SI56191000000123438"}, "SI…3438"),
        ("bank", {"account": "12-34-56 12345678"}, "…5678"),
        ("bank", {"account": "1234"}, "…"),
        ("paypal", {"email": "ana.kos@mail.example"}, "a…@….example"),
    ],
)
def test_a_label_shows_too_little_to_be_used(method: str, details: dict[str, str], label: str) -> None:
    assert label_of(method, details) == label


def test_details_are_sealed_to_their_row_and_told_nowhere(workspace: Workspace, ana: Customer) -> None:
    account = choose(ana, "bank", holder="Ana Kos", country="de", iban="DE02 1203 0000 0000 2020 51")
    account.refresh_from_db()
    assert (account.label, account.status, str(account)) == ("DE…2051", "ready", "bank DE…2051")
    assert queries.open_details(account) == {"holder": "Ana Kos", "country": "DE", "iban": IBAN}
    assert SECRET not in account.sealed_details
    with pytest.raises(InvalidToken):
        secrets.decrypt(account.sealed_details, bound_to="pac_other")
    [entry] = AuditEntry.objects.for_workspace(workspace).filter(action="payout_account.chosen")
    assert (entry.subject, entry.actor) == (ana.public_id, own(ana).label)
    assert entry.after == {"method": "bank", "label": "DE…2051", "status": "ready"}
    assert SECRET not in json.dumps([entry.before, entry.after])


@pytest.mark.parametrize(
    ("method", "details", "param"),
    [
        ("bank", {"country": "DE", "iban": IBAN}, "holder"),
        ("bank", {"holder": "A", "country": "Germany", "iban": IBAN}, "country"),
        ("bank", {"holder": "A", "country": "DE", "iban": IBAN[:-1] + "2"}, "iban"),
        ("bank", {"holder": "A", "country": "DE"}, "iban"),
        ("bank", {"holder": "A", "country": "DE", "iban": IBAN, "account": "7"}, "account"),
        ("bank", {"holder": "A\nB", "country": "DE", "iban": IBAN}, "holder"),
        ("bank", {"holder": "A", "country": "DE", "iban": IBAN, "email": "a@b.example"}, "email"),
        ("paypal", {"email": "nobody"}, "email"),
        ("gift_card", {}, "email"),
        ("stripe", {}, "method"),
        ("cash", {}, "method"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    ana: Customer, method: str, details: dict[str, str], param: str
) -> None:
    with pytest.raises(Invalid) as refused:
        choose(ana, method, **details)
    assert refused.value.param == param
    assert not queries.payout_accounts_of(ana).exists()


def test_an_iban_in_the_field_for_other_accounts_is_taken_as_one(ana: Customer) -> None:
    account = choose(ana, "bank", holder="Ana", country="DE", account="DE02 1203 0000 0000 2020 51")
    assert queries.open_details(account)["iban"] == IBAN


def test_the_account_chosen_last_is_paid(workspace: Workspace, ana: Customer) -> None:
    bank(ana)
    paypal = choose(ana, "paypal", at=AT.replace(hour=13), email="ana@mail.example")
    found = queries.payout_destinations(workspace, [ana.pk])[ana.pk]
    assert (found.method, found.label, found.account, found.refused) == (
        "paypal",
        "a…@….example",
        paypal,
        "",
    )
    # Choosing the older one again needs no new details, and writes one entry.
    count = AuditEntry.objects.for_workspace(workspace).count()
    for _ in range(2):
        bank(ana, at=AT.replace(hour=14))
    assert queries.payout_destinations(workspace, [ana.pk])[ana.pk].method == "bank"
    assert AuditEntry.objects.for_workspace(workspace).count() == count + 1


def test_a_refused_account_is_not_passed_over(workspace: Workspace, ana: Customer) -> None:
    bank(ana)
    paypal = choose(ana, "paypal", at=AT.replace(hour=13), email="ana@mail.example")
    with pytest.raises(Invalid) as nothing:
        services.refuse_payout_account(account=paypal, reason=" ", actor=person())
    assert nothing.value.param == "reason"
    services.refuse_payout_account(account=paypal, reason="Not hers", actor=person())
    found = queries.payout_destinations(workspace, [ana.pk])[ana.pk]
    assert found.refused == "The payout account was refused: Not hers"
    # The same details do not help; others do, and staff may overrule.
    with pytest.raises(Conflict) as again:
        choose(ana, "paypal", at=AT.replace(hour=14), email="ana@mail.example")
    assert again.value.message == "We could not use this account: Not hers"
    services.choose_payout_account(
        customer=ana, method="paypal", details={"email": "ana@mail.example"}, actor=person(), at=AT
    )
    paypal.refresh_from_db()
    assert (paypal.status, paypal.note) == ("ready", "")


def test_an_account_that_was_never_set_up_to_the_end_is_passed_over(
    workspace: Workspace, ana: Customer
) -> None:
    stripe = services.begin_onboarding(customer=ana, method="stripe", actor=own(ana), at=AT.replace(hour=13))
    found = queries.payout_destinations(workspace, [ana.pk])[ana.pk]
    assert (found.method, found.refused) == ("stripe", "The payout account is not set up to the end.")
    bank(ana)
    assert queries.payout_destinations(workspace, [ana.pk])[ana.pk].method == "bank"
    for _ in range(2):
        services.note_onboarding(
            account=stripe, details={"account_id": "acct_17"}, label="acct_…17", ready=True, actor=person()
        )
    found = queries.payout_destinations(workspace, [ana.pk])[ana.pk]
    assert (found.method, found.label, found.refused) == ("stripe", "acct_…17", "")
    assert queries.full_address(found.account) == "acct_17"
    noted = AuditEntry.objects.for_workspace(workspace).filter(action="payout_account.noted")
    assert noted.count() == 1


def test_everybodys_account_costs_one_query(workspace: Workspace, django_assert_num_queries: Any) -> None:
    people = [CustomerFactory.create(workspace=workspace) for _ in range(5)]
    for each in people[:4]:
        bank(each)
    with django_assert_num_queries(1):
        found = queries.payout_destinations(workspace, [each.pk for each in people])
    assert set(found) == {each.pk for each in people[:4]}
    assert queries.payout_destinations(workspace, []) == {}


def test_nobody_is_paid_to_a_refused_account(workspace: Workspace) -> None:
    ben = participant(program(workspace))
    approved(ben)
    account = queries.payout_accounts_of(ben.customer).get()
    services.refuse_payout_account(account=account, reason="Closed", actor=person())
    [row] = queries.payable(workspace, "EUR")
    assert (row.left_out, row.sentence) == ("account_refused", "The payout account was refused: Closed")


def test_a_payout_knows_the_account_in_full_and_shows_its_label(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    payout = queries.payouts_of(batch).get()
    assert (payout.destination, payout.account and payout.account.label) == ("DE…2051", "DE…2051")
    assert queries.full_address(payout.account) == IBAN


def test_an_erased_persons_accounts_go_and_the_payout_stays(workspace: Workspace) -> None:
    ben = participant(program(workspace))
    approved(ben)
    batch = builders.paid_batch(workspace)
    programs.erase_customer(customer=ben.customer, actor=person(), at=AT)
    services.forget_customer(workspace=workspace, customer=ben.customer)
    assert not queries.payout_accounts_of(ben.customer).exists()
    payout = queries.payouts_of(batch).get()
    assert (payout.amount_minor, payout.account, payout.destination) == (1000, None, "")
    with pytest.raises(DomainError) as refused:
        bank(ben.customer)
    assert refused.value.code == "customer_erased"


def page(customer: Customer, name: str = "payout_account", method: str = "bank") -> str:
    return reverse(name, args=[customer.workspace.slug, customer.public_id, method])


@pytest.fixture
def olga(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def test_staff_set_and_refuse_an_account(olga: Client, ana: Customer) -> None:
    details = {"holder": "Ana Kos", "country": "DE", "iban": IBAN}
    wrong = olga.post(page(ana), {**details, "iban": "DE03"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (400, ["iban"])
    assert olga.post(page(ana), details).status_code == 302
    shown = olga.get(page(ana)).content.decode()
    assert "DE…2051" in shown
    assert SECRET not in shown
    missing = olga.post(page(ana, "payout_account_refuse"), {"reason": ""})
    assert (missing.status_code, list(missing.context["refuse_form"].errors)) == (400, ["reason"])
    assert olga.post(page(ana, "payout_account_refuse"), {"reason": "Not hers"}).status_code == 302
    account = queries.payout_accounts_of(ana).get()
    assert (account.status, account.note) == ("refused", "Not hers")
    customer = olga.get(reverse("customer_detail", args=[ana.workspace.slug, ana.public_id]))
    assert "Not hers" in customer.content.decode()
    assert SECRET not in customer.content.decode()
    assert olga.get(page(ana, method="cash")).status_code == 404
    assert all(olga.get(page(ana, method=method)).status_code == 200 for method in FIELDS)
