from typing import Any

import pytest
from django.test import Client

from accounts import services as account_services
from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM, Actor
from core import clock
from core.errors import Conflict, Invalid
from programs import services
from programs.attributes import clean_attributes, merged
from programs.export_queries import held_about
from programs.models import Customer
from programs.services import Person
from tests.conftest import AT
from tests.factories import CustomerFactory, ParticipantFactory, ProgramFactory
from tests.programs.test_api import Api, api
from tests.programs.test_views import Console, console

ACTOR = Actor(kind="user", label="olga@acme.example")
pytestmark = pytest.mark.django_db
__all__ = ["api", "console"]


def known(workspace: Workspace, external_id: str = "cust_1") -> dict[str, Any]:
    found: dict[str, Any] = Customer.objects.for_workspace(workspace).get(external_id=external_id).attributes
    return found


def test_attributes_are_texts_whole_numbers_and_truth_values() -> None:
    given = {"plan": " gold ", "seats": -3, "vip": True, "old": None, "empty": ""}
    assert clean_attributes(given) == {"plan": "gold", "seats": -3, "vip": True, "old": None, "empty": ""}
    assert clean_attributes(None) == {}
    assert merged({"plan": "tin", "old": 1}, {"plan": "gold", "old": None}) == {"plan": "gold"}


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({f"k{number}": 1 for number in range(51)}, "attributes", "too_many"),
        ({"a b": 1}, "attributes.a b", "invalid_format"),
        ({"x" * 41: 1}, f"attributes.{'x' * 40}", "invalid_format"),
        ({"": 1}, "attributes.", "invalid_format"),
        ({"plan": 1.5}, "attributes.plan", "not_a_scalar"),
        ({"plan": ["gold"]}, "attributes.plan", "not_a_scalar"),
        ({"plan": "x" * 201}, "attributes.plan", "too_long"),
        ({"plan": "a\x00b"}, "attributes.plan", "invalid_characters"),
        ({"plan": 10**15 + 1}, "attributes.plan", "out_of_range"),
    ],
)
def test_what_is_no_attribute_is_named(given: Any, param: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        clean_attributes(given)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_fifty_are_the_most_in_all() -> None:
    many = {f"k{number}": number for number in range(50)}
    assert merged({}, many) == many
    with pytest.raises(Invalid):
        merged(many, {"more": 1})
    assert len(merged(many, {"more": 1, "k0": None})) == 50


def test_what_is_told_of_a_person_is_kept_by_key(workspace: Workspace) -> None:
    tell: dict[str, Any] = {"workspace": workspace, "external_id": "cust_1", "at": AT}
    services.identify_customer(**tell, attributes={"plan": "gold", "seats": 1})
    services.identify_customer(**tell, attributes={"seats": True, "city": "Graz"})
    assert known(workspace) == {"plan": "gold", "seats": True, "city": "Graz"}
    assert known(workspace)["seats"] is True
    services.identify_customer(**tell)
    services.identify_customer(**tell, attributes={"city": None})
    assert known(workspace) == {"plan": "gold", "seats": True}
    services.identify_customer(**tell, attributes={"plan": "tin"}, trusted=False)
    assert known(workspace)["plan"] == "gold"


def test_people_told_of_together_keep_theirs(workspace: Workspace) -> None:
    people = [
        Person(at=AT, external_id="a", attributes={"plan": "gold"}),
        Person(at=AT, external_id="b"),
        Person(at=AT, external_id="a", attributes={"seats": 2}),
    ]
    services.identify_customers(workspace=workspace, people=people)
    assert known(workspace, "a") == {"plan": "gold", "seats": 2}
    assert known(workspace, "b") == {}


def test_the_api_sets_and_shows_them(workspace: Workspace, api: Api) -> None:
    program = ProgramFactory.create(workspace=workspace)
    body = {"program": program.public_id, "external_id": "cust_1", "attributes": {"plan": "gold"}}
    made = api.post("participants", body).json()
    assert made["customer"]["attributes"] == {"plan": "gold"}
    address = f"customers/{made['customer']['id']}"
    changed = api.patch(address, {"attributes": {"plan": "tin", "seats": 4}})
    assert (changed.status_code, changed.json()["attributes"]) == (200, {"plan": "tin", "seats": 4})
    assert api.get(address).json()["attributes"] == {"plan": "tin", "seats": 4}
    refused = api.patch(address, {"attributes": {"plan": 1.5}})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "attributes.plan")
    assert known(workspace) == {"plan": "tin", "seats": 4}


def test_a_sign_up_tells_of_them(workspace: Workspace, client: Client) -> None:
    _, token = account_services.create_api_key(
        workspace=workspace, kind="sk", name="test", scopes=["track"], actor=SYSTEM, at=clock.now()
    )
    api = Api(client, token)
    body = {
        "eventName": "Sign up",
        "customerExternalId": "cust_1",
        "customerAttributes": {"plan": "gold", "vip": True},
    }
    assert api.post("track/lead", body).status_code == 201
    assert known(workspace) == {"plan": "gold", "vip": True}


def test_a_change_is_in_the_audit_by_its_keys(workspace: Workspace) -> None:
    customer = CustomerFactory.create(workspace=workspace, attributes={"plan": "gold", "vip": True})
    for _ in range(2):
        services.set_attributes(
            customer=customer, attributes={"plan": "secret-plan", "vip": True, "gone": None}, actor=ACTOR
        )
    [entry] = AuditEntry.objects.for_workspace(workspace).filter(action="customer.updated")
    assert entry.after == {"attributes": ["plan"]}
    assert customer.attributes == {"plan": "secret-plan", "vip": True}


def test_they_are_exported_and_erased_with_the_person(workspace: Workspace) -> None:
    customer = CustomerFactory.create(workspace=workspace, external_id="anna-1", attributes={"plan": "gold"})
    assert held_about(customer)["customer"]["attributes"] == {"plan": "gold"}
    services.erase_customer(customer=customer, actor=ACTOR, at=AT)
    assert customer.attributes == {}
    services.identify_customer(workspace=workspace, external_id="anna-1", attributes={"plan": "gold"}, at=AT)
    with pytest.raises(Conflict) as caught:
        services.set_attributes(customer=customer, attributes={"plan": "gold"}, actor=ACTOR)
    assert caught.value.code == "erased"
    customer.refresh_from_db(from_queryset=Customer.objects.for_workspace(workspace))
    assert customer.attributes == {}


def test_both_pages_of_a_person_show_them(console: Console, workspace: Workspace) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    customer = participant.customer
    pages = (f"customers/{customer.public_id}/", f"participants/{participant.public_id}/")
    for page in pages:
        assert "conditions of programs can ask for them" in console.get(page).content.decode()
    services.set_attributes(
        customer=customer, attributes={"plan": "<gold>", "vip": True, "old": False}, actor=ACTOR
    )
    for page in pages:
        shown = console.get(page).content.decode()
        for part in ("<code>plan</code>", "&lt;gold&gt;", "yes", "no"):
            assert part in shown
