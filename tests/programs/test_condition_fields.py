import json
from typing import Any

import pytest
from django.utils.html import escape

from accounts.models import Workspace
from programs.condition_facts import FACTS
from programs.conditions import Facts
from programs.forms.conditions import builder_facts, fault_words, words_of
from programs.terms import parse_terms
from programs.trials import Check, checks, trial_facts, trial_fields
from tests.factories import ProgramFactory, terms
from tests.programs.test_views import Console, console, shown_terms

pytestmark = pytest.mark.django_db
__all__ = ["console"]

GERMANY = {"all": [{"fact": "customer.country", "op": "is", "value": "DE"}]}
LOYAL = {"any": [{"fact": "customer.attributes.plan", "op": "one_of", "value": ["gold", "silver"]}]}


def with_conditions() -> dict[str, Any]:
    document = terms()
    document["eligibility"]["conditions"] = GERMANY
    document["rewards"][0]["conditions"] = LOYAL
    return document


def test_conditions_are_said_in_words_and_saved_as_they_are(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=with_conditions())
    page = console.get(f"programs/{program.public_id}/edit/").content.decode()
    assert "Only if the customer&#x27;s country is DE." in page
    assert "Only if the customer&#x27;s “plan” is gold or silver." in page
    data = shown_terms(program)
    assert json.loads(data["conditions"]) == GERMANY
    assert json.loads(data["rule-0-conditions"]) == LOYAL
    assert console.post(f"programs/{program.public_id}/edit/", data).status_code == 302
    before = program.draft
    program.refresh_from_db()
    assert program.draft["eligibility"]["conditions"] == GERMANY
    assert program.draft["rewards"][0]["conditions"] == LOYAL
    assert program.draft["eligibility"] == before["eligibility"]


def test_another_part_of_the_editor_leaves_conditions_alone(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=with_conditions())
    data = {"section": "look", "name": "Renamed", "destination_url": "https://shop.example/welcome"}
    assert console.post(f"programs/{program.public_id}/edit/look/", data).status_code == 302
    program.refresh_from_db()
    assert program.name == "Renamed"
    assert program.draft["eligibility"]["conditions"] == GERMANY
    assert program.draft["rewards"][0]["conditions"] == LOYAL


def test_conditions_are_taken_away_by_posting_none(console: Console, workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, draft=with_conditions())
    data = {**shown_terms(program), "conditions": "", "rule-0-conditions": ""}
    assert console.post(f"programs/{program.public_id}/edit/", data).status_code == 302
    program.refresh_from_db()
    assert program.draft["eligibility"]["conditions"] is None
    assert program.draft["rewards"][0]["conditions"] is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{", "These conditions cannot be read."),
        ("[1]", "These conditions cannot be read."),
        ("[" * 100_000, "These conditions cannot be read."),
        (json.dumps({"all": []}), "A group holds one condition at least."),
        (
            json.dumps(
                {"all": [*GERMANY["all"], {"any": [{"fact": "order.quantity", "op": "is", "value": "two"}]}]}
            ),
            "Condition 2.1: This must be a whole number.",
        ),
    ],
)
def test_a_fault_names_its_condition(console: Console, workspace: Workspace, typed: str, said: str) -> None:
    program = ProgramFactory.create(workspace=workspace)
    data = shown_terms(program)
    for name in ("conditions", "rule-0-conditions"):
        answer = console.post(f"programs/{program.public_id}/edit/", {**data, name: typed})
        assert answer.status_code == 400
        assert escape(said) in answer.content.decode()
    program.refresh_from_db()
    assert program.draft["eligibility"]["conditions"] is None


def test_what_cannot_be_read_has_no_words() -> None:
    assert words_of(json.dumps(GERMANY), "EUR") == "the customer's country is DE"
    for text in (None, "", "{", "[]", json.dumps({"all": []})):
        assert words_of(text, "EUR") == ""
    assert words_of(json.dumps(GERMANY), "euro") == ""


def test_a_fault_of_the_whole_tree_names_no_condition() -> None:
    assert fault_words("all", "Too many.") == "Too many."
    assert fault_words("all.1.any.0.value", "Wrong.") == "Condition 2.1: Wrong."


def test_the_builder_offers_what_can_be_asked_for() -> None:
    offered = json.loads(builder_facts("JPY"))
    assert [fact["name"] for fact in offered["facts"]] == [
        *FACTS,
        "customer.attributes.",
        "referrer.attributes.",
    ]
    assert offered["decimals"] == 0
    assert offered["operators"]["flag"] == [["is", "is"]]
    narrowed = json.loads(builder_facts("EUR", {"referrer.country"}))
    assert [fact["name"] for fact in narrowed["facts"]] == ["referrer.country", "referrer.attributes."]


EACH_SORT = {
    "all": [
        {"fact": "customer.revenue_minor", "op": "at_least", "value": 1050},
        {"fact": "customer.purchases", "op": "at_most", "value": 3},
        {"fact": "customer.is_new", "op": "is", "value": True},
        {"fact": "source.kind", "op": "is", "value": "code"},
        {"fact": "order.skus", "op": "has_any", "value": ["A"]},
        {"fact": "referrer.enrolled_on", "op": "at_least", "value": "2026-01-01"},
        {"fact": "customer.attributes.seats", "op": "at_least", "value": 2},
        {"fact": "order.amount_minor", "op": "at_least", "value": 5000},
    ]
}


def test_what_is_typed_in_a_trial_is_read_as_what_it_is() -> None:
    document = terms(eligibility={"conditions": EACH_SORT})
    typed = {
        "fact:customer.revenue_minor": "10.50",
        "fact:customer.purchases": "3",
        "fact:customer.is_new": "yes",
        "fact:source.kind": "code",
        "fact:order.skus": "A, B",
        "fact:referrer.enrolled_on": "2026-02-01",
        "fact:customer.attributes.seats": "2",
    }
    stated = parse_terms(document)
    facts = trial_facts(stated, typed, order_minor=10_000, friends=1)
    assert facts == Facts(
        {
            "order.amount_minor": 10_000,
            "referrer.friends": 0,
            "customer.revenue_minor": 1050,
            "customer.purchases": 3,
            "customer.is_new": True,
            "source.kind": "code",
            "order.skus": ("A", "B"),
            "referrer.enrolled_on": "2026-02-01",
            "customer.attributes.seats": 2,
        }
    )
    assert {check.found for check in checks(stated, facts)} == {"holds"}
    assert [field.name for field in trial_fields(stated, {})] == sorted(typed)
    nonsense = dict.fromkeys(typed, "?")
    unread = trial_facts(stated, nonsense, order_minor=0, friends=1)
    assert unread is not None
    assert {name for name, value in unread.known.items() if value is None} == {
        "customer.revenue_minor",
        "customer.purchases",
        "customer.is_new",
        "referrer.enrolled_on",
    }


def test_without_conditions_there_is_nothing_to_try_out() -> None:
    stated = parse_terms(terms())
    assert trial_facts(stated, {}, order_minor=1, friends=1) is None
    assert checks(stated, None) == []
    assert trial_fields(stated, {}) == []


def test_each_tree_says_what_holds() -> None:
    document = with_conditions()
    document["eligibility"]["conditions"] = {"all": [*GERMANY["all"], LOYAL]}
    stated = parse_terms(document)
    facts = trial_facts(stated, {"fact:customer.country": "fr"}, order_minor=1, friends=1)
    assert checks(stated, facts) == [
        Check("The program", "the customer's country is DE", "does not hold"),
        Check("The program", "the customer's “plan” is gold or silver", "not known"),
        Check("Reward 1", "the customer's “plan” is gold or silver", "not known"),
    ]


def test_the_preview_pays_by_what_was_typed(console: Console, workspace: Workspace) -> None:
    document = with_conditions()
    document["rewards"][0]["conditions"] = None
    program = ProgramFactory.create(workspace=workspace, draft=document)
    data = {**shown_terms(program), "example_order": "100", "fact:customer.country": "FR"}
    path = f"programs/{program.public_id}/preview/"
    french = console.post(path, data).content.decode()
    assert escape("The customer's country is FR; the program wants DE.") in french
    assert "does not hold" in french
    german = console.post(path, {**data, "fact:customer.country": "DE"}).content.decode()
    assert "the program wants DE" not in german
    assert ">holds<" in german
