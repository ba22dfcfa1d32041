from typing import Any

import pytest
from hypothesis import given

from programs.conditions import Condition, Group
from programs.terms import dump_conditions, read_conditions
from programs.terms.reader import FieldError, Reader
from tests.programs.terms.examples import groups


def read(document: Any, **narrowed: Any) -> tuple[Group | None, list[tuple[str, str]]]:
    errors: list[FieldError] = []
    found = read_conditions(Reader({"audience": document}, errors).child("audience"), **narrowed)
    return found, [(fault.param, fault.code) for fault in errors]


def one(fact: str, op: str, *value: Any) -> dict[str, Any]:
    return {"all": [{"fact": fact, "op": op, **({"value": value[0]} if value else {})}]}


@given(groups())
def test_trees_come_back_as_they_were_written(tree: Group) -> None:
    assert read(dump_conditions(tree)) == (tree, [])


def test_no_tree_is_none() -> None:
    assert read(None) == (None, [])
    assert dump_conditions(None) is None


@pytest.mark.parametrize(
    ("fact", "op", "value", "fault"),
    [
        ("customer.country", "is", "de", "invalid_format"),
        ("customer.country", "one_of", ["DE", "DE"], "duplicate"),
        ("customer.is_new", "is", 1, "not_a_boolean"),
        ("source.kind", "is", "phone", "not_a_choice"),
        ("source.kind", "one_of", [], "required"),
        ("order.amount_minor", "at_least", -1, "out_of_range"),
        ("order.amount_minor", "at_least", 1.5, "not_an_integer"),
        ("order.skus", "has_any", "A-1", "not_a_list"),
        ("referrer.enrolled_on", "at_least", "2026-02-30", "invalid_format"),
        ("referrer.enrolled_on", "at_least", "20260203", "invalid_format"),
        ("referrer.enrolled_on", "between", ["2026-02-03", "2026-02-02"], "not_rising"),
        ("customer.attributes.plan", "at_least", "3", "not_an_integer"),
        ("customer.attributes.plan", "is", "x" * 201, "too_long"),
        ("customer.attributes.plan", "contains", 3, "not_text"),
    ],
)
def test_a_value_is_what_the_fact_is(fact: str, op: str, value: Any, fault: str) -> None:
    _, faults = read(one(fact, op, value))
    assert [code for _, code in faults] == [fault]
    assert faults[0][0].startswith("audience.all.0.value")


@pytest.mark.parametrize("op", ["is", "at_least", "one_of"])
def test_a_value_is_missed(op: str) -> None:
    fact = "customer.is_new" if op == "is" else "customer.attributes.plan"
    assert read(one(fact, op))[1] == [("audience.all.0.value", "required")]


def test_an_attribute_is_compared_with_a_text_a_number_or_a_truth_value() -> None:
    for value in ("gold", 3, False):
        found, faults = read(one("customer.attributes.plan", "is", value))
        assert faults == []
        assert found == Group("all", (Condition("customer.attributes.plan", "is", value),))


def test_thirty_conditions_are_the_most() -> None:
    leaf = {"fact": "customer.country", "op": "is_known"}
    assert read({"all": [leaf] * 30})[1] == []
    assert read({"all": [leaf] * 31})[1] == [("audience.all", "too_many")]
    assert read({"all": [{"any": [leaf] * 15}, {"none": [leaf] * 16}]})[1] == [("audience.all", "too_many")]


def test_some_facts_can_be_asked_for_in_some_places_only() -> None:
    known = {"referrer.country"}
    assert read(one("referrer.country", "is_known"), known=known)[1] == []
    assert read(one("referrer.attributes.plan", "is_known"), known=known)[1] == []
    assert read(one("order.coupons", "is_known"), known=known)[1] == [("audience.all.0.fact", "not_a_choice")]
