from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programs.condition_facts import FACTS, OPERATORS, Operator, fact_of
from programs.condition_words import condition_words, unmet_sentence
from programs.conditions import Condition, Facts, Group, Joint, Truth, may_hold, truth, unmet

GERMAN_SPEAKING = Condition("customer.country", "one_of", ("DE", "AT", "CH"))
LARGE = Condition("order.amount_minor", "at_least", 5000)
BOOKS = Condition("order.categories", "has_any", ("Books", "Maps"))


def sentence_of(conditions: Group, facts: Facts, who: str = "this rule") -> str:
    found = unmet(conditions, facts)
    assert found is not None
    return unmet_sentence(found, facts, "EUR", who=who)


@pytest.mark.parametrize(
    ("op", "value", "known", "expected"),
    [
        ("is", "gold", "Gold ", True),
        ("is", "gold", "silver", False),
        ("is_not", "gold", "silver", True),
        ("is_not", "gold", "GOLD", False),
        ("one_of", ("gold", "silver"), "SILVER", True),
        ("one_of", ("gold", "silver"), "tin", False),
        ("contains", "old", "Gold", True),
        ("contains", "tin", "Gold", False),
        ("is", 7, 7, True),
        ("is", True, True, True),
        ("is", True, False, False),
        ("at_least", 10**15, 10**15, True),
        ("at_least", 10**15, 10**15 - 1, False),
        ("at_most", 3, 3, True),
        ("at_most", 3, 4, False),
        ("between", (1, 3), 1, True),
        ("between", (1, 3), 3, True),
        ("between", (1, 3), 4, False),
        ("between", (1, 3), 0, False),
        ("at_least", "2026-03-01", "2026-03-01", True),
        ("at_most", "2026-03-01", "2026-03-02", False),
        ("has_any", ("a", "b"), ("x", "B"), True),
        ("has_any", ("a", "b"), (), False),
        ("has_none", ("a", "b"), ("x",), True),
        ("has_none", ("a", "b"), ("x", "a"), False),
        ("is_known", None, "x", True),
        ("is_unknown", None, "x", False),
        # What is of another sort than is asked for says nothing: 1 is not true, and "7" is no number.
        ("is", 1, True, None),
        ("is_not", "7", 7, None),
        ("at_least", 7, "7", None),
    ],
)
def test_what_is_asked_of_a_fact(op: Operator, value: Any, known: Any, expected: Truth) -> None:
    leaf = Condition("customer.attributes.tier", op, value)
    assert truth(leaf, Facts({leaf.fact: known})) is expected


def test_of_a_list_that_may_hold_more_only_what_is_there_is_known() -> None:
    facts = Facts({"order.skus": ("A",)}, partial=frozenset({"order.skus"}))
    assert truth(Condition("order.skus", "has_any", ("A",)), facts) is True
    assert truth(Condition("order.skus", "has_any", ("B",)), facts) is None
    assert truth(Condition("order.skus", "has_none", ("A",)), facts) is False
    assert truth(Condition("order.skus", "has_none", ("B",)), facts) is None


@pytest.mark.parametrize("op", sorted(set(get_args(Operator)) - {"is_known", "is_unknown"}))
def test_a_missing_fact_is_neither_true_nor_false(op: Operator) -> None:
    leaf = Condition("customer.attributes.tier", op, ("1", "2"))
    for facts in (Facts(), Facts({leaf.fact: None})):
        assert truth(leaf, facts) is None
        assert truth(Condition(leaf.fact, "is_known"), facts) is False
        assert truth(Condition(leaf.fact, "is_unknown"), facts) is True


@pytest.mark.parametrize("joint", get_args(Joint))
def test_a_missing_fact_lets_nobody_pass_however_it_is_joined(joint: Joint) -> None:
    found = unmet(Group(joint, (GERMAN_SPEAKING,)), Facts())
    assert found is not None
    assert found.reason == "conditions_not_met"


def test_what_is_known_decides_where_the_rest_makes_no_difference() -> None:
    large = Facts({"order.amount_minor": 5000})
    assert truth(Group("any", (GERMAN_SPEAKING, LARGE)), large) is True
    assert truth(Group("none", (GERMAN_SPEAKING, LARGE)), large) is False
    assert truth(Group("all", (GERMAN_SPEAKING, LARGE)), Facts({"order.amount_minor": 4999})) is False


def test_no_conditions_always_hold() -> None:
    assert unmet(None, Facts()) is None


def test_what_waits_for_a_rate_is_not_refused() -> None:
    waiting = frozenset({"order.amount_minor"})
    both = Group("all", (GERMAN_SPEAKING, LARGE))
    held = unmet(both, Facts({"customer.country": "DE"}, waiting=waiting))
    assert held is not None
    assert held.reason == "currency_differs"
    refused = unmet(both, Facts({"customer.country": "FR"}, waiting=waiting))
    assert refused is not None
    assert refused.reason == "conditions_not_met"
    nowhere = unmet(both, Facts(waiting=waiting))
    assert nowhere is not None
    assert nowhere.reason == "conditions_not_met"


@pytest.mark.parametrize(
    ("leaf", "known", "sentence"),
    [
        (
            GERMAN_SPEAKING,
            "FR",
            "The customer's country is FR; this rule wants DE, AT or CH.",
        ),
        (GERMAN_SPEAKING, None, "The customer's country is not known; this rule wants DE, AT or CH."),
        (LARGE, 4999, "The order's value is €49.99; this rule wants at least €50.00."),
        (
            Condition("order.amount_minor", "between", (100, 200)),
            99,
            "The order's value is €0.99; this rule wants from €1.00 to €2.00.",
        ),
        (BOOKS, ("Toys",), "The order's categories: Toys; this rule wants any of Books or Maps."),
        (BOOKS, (), "The order's categories: none; this rule wants any of Books or Maps."),
        (
            Condition("order.coupons", "has_none", ("STAFF",)),
            ("STAFF",),
            "The coupon codes of the order: STAFF; this rule wants no STAFF.",
        ),
        (
            Condition("customer.is_new", "is", True),
            False,
            "The customer had bought before the referral; this rule wants new customers.",
        ),
        (
            Condition("customer.is_new", "is", True),
            None,
            "It is not known whether the customer is new; this rule wants new customers.",
        ),
        (
            Condition("customer.is_new", "is", False),
            True,
            "The customer is new; this rule wants customers who had bought before.",
        ),
        (
            Condition("referrer.enrolled_on", "at_least", "2026-11-01"),
            "2026-10-31",
            "The day the referrer joined is 31 October 2026; this rule wants on or after 1 November 2026.",
        ),
        (
            Condition("source.kind", "is_not", "code"),
            "code",
            "The kind of contact is a promo code; this rule wants anything but a promo code.",
        ),
        (
            Condition("source.channel", "contains", "mail"),
            "sms",
            "The channel of the referral is sms; this rule wants one with “mail” in it.",
        ),
        (
            Condition("customer.country", "is_unknown"),
            "FR",
            "The customer's country is FR; this rule wants it not to be known.",
        ),
        (
            Condition("customer.country", "is_known"),
            None,
            "The customer's country is not known; this rule wants it to be known.",
        ),
        # A person's attributes go when the person is erased, and the sentence stays.
        (
            Condition("customer.attributes.plan", "one_of", ("gold", "silver")),
            "tin",
            "The customer's “plan” is not what this rule wants: gold or silver.",
        ),
    ],
)
def test_the_sentence_says_what_was_found_and_what_is_wanted(
    leaf: Condition, known: Any, sentence: str
) -> None:
    assert sentence_of(Group("all", (leaf,)), Facts({leaf.fact: known})) == sentence


def test_the_first_false_part_is_named_before_what_is_not_known() -> None:
    conditions = Group("all", (GERMAN_SPEAKING, Group("any", (LARGE,))))
    assert (
        sentence_of(conditions, Facts({"order.amount_minor": 100}), "the program")
        == "The order's value is €1.00; the program wants at least €50.00."
    )


def test_a_choice_of_which_none_holds_is_named_whole() -> None:
    conditions = Group("any", (LARGE, Group("all", (GERMAN_SPEAKING, BOOKS))))
    assert sentence_of(conditions, Facts({"order.amount_minor": 100})) == (
        "This rule wants one of these, and none holds: the order's value is at least €50.00; "
        "the customer's country is DE, AT or CH and the order's categories have any of Books or Maps."
    )


def test_what_is_excluded_is_named() -> None:
    conditions = Group("none", (LARGE, BOOKS))
    assert sentence_of(conditions, Facts({"order.categories": ("Maps",)})) == (
        "The order's categories have any of Books or Maps; this rule excludes that."
    )
    assert sentence_of(conditions, Facts({"order.amount_minor": 1})) == (
        "This rule excludes this, and it is not known: the order's value is at least €50.00; "
        "the order's categories have any of Books or Maps."
    )


def test_a_missing_rate_is_said_first() -> None:
    facts = Facts(waiting=frozenset({"order.amount_minor"}))
    assert sentence_of(Group("all", (LARGE,)), facts) == (
        "There is no exchange rate yet. The order's value is not known; this rule wants at least €50.00."
    )


def test_a_long_sentence_is_cut() -> None:
    wanted = tuple(f"product-{number}" for number in range(90))
    found = sentence_of(Group("all", (Condition("order.skus", "has_any", wanted),)), Facts())
    assert len(found) == 500
    assert found.endswith("…")


def test_conditions_read_as_a_phrase() -> None:
    conditions = Group(
        "all",
        (
            Group("any", (GERMAN_SPEAKING, Condition("customer.is_new", "is", True))),
            Group("none", (Condition("order.coupons", "has_any", ("STAFF",)),)),
            Condition("referrer.friends", "at_most", 5),
            Condition("customer.attributes.plan", "is_unknown"),
            Condition("source.campaign", "contains", "spring"),
            Condition("customer.attributes.vip", "is", True),
            Condition("customer.country", "is_known"),
            Condition("customer.is_new", "is", False),
        ),
    )
    assert condition_words(conditions, "EUR") == (
        "(the customer's country is DE, AT or CH or the customer is new) "
        "and not (the coupon codes of the order have STAFF) "
        "and the number of the referrer's friends who had bought is at most 5 "
        "and the customer's “plan” is not known "
        "and the link's campaign contains “spring” "
        "and the customer's “vip” is yes "
        "and the customer's country is known "
        "and the customer had bought before the referral"
    )
    assert condition_words(Group("none", (LARGE, BOOKS)), "EUR") == (
        "none of these holds: the order's value is at least €50.00; "
        "the order's categories have any of Books or Maps"
    )


def test_every_fact_can_be_asked_for_something() -> None:
    for name, fact in FACTS.items():
        assert fact_of(name) is fact
        assert fact.operators == OPERATORS[fact.type]
    assert fact_of("customer.attributes.plan") is not None
    assert fact_of("customer.attributes.") is None
    assert fact_of("customer.attributes.a.b") is None
    assert fact_of("weather") is None


# A model of the semantics by numbers: false 0, unknown one half, true 1.
NAMES = ("a", "b", "c")
leaves = st.builds(
    Condition,
    fact=st.sampled_from([f"customer.attributes.{name}" for name in NAMES]),
    op=st.sampled_from(("is", "is_not", "at_least", "at_most")),
    value=st.integers(0, 3),
)
trees: st.SearchStrategy[Group] = st.deferred(
    lambda: st.builds(
        Group,
        joint=st.sampled_from(get_args(Joint)),
        of=st.lists(leaves | trees, min_size=1, max_size=3).map(tuple),
    )
)
known = st.fixed_dictionaries(
    {f"customer.attributes.{name}": st.integers(0, 3) | st.none() for name in NAMES}
)


def modelled(node: Condition | Group, facts: dict[str, int | None]) -> Fraction:
    if isinstance(node, Group):
        parts = [modelled(each, facts) for each in node.of]
        return {"all": min(parts), "any": max(parts), "none": 1 - max(parts)}[node.joint]
    found, value = facts[node.fact], node.value
    if found is None:
        return Fraction(1, 2)
    assert isinstance(value, int)
    return Fraction(
        {
            "is": found == value,
            "is_not": found != value,
            "at_least": found >= value,
            "at_most": found <= value,
        }[node.op]
    )


@given(trees, known)
def test_trees_agree_with_the_model(tree: Group, facts: dict[str, int | None]) -> None:
    expected = {Fraction(0): False, Fraction(1): True}.get(modelled(tree, facts))
    assert truth(tree, Facts(facts)) is expected
    found = unmet(tree, Facts(facts))
    assert (found is None) == (expected is True)
    if found is not None:
        assert unmet_sentence(found, Facts(facts), "EUR")


@given(trees, known, st.sets(st.sampled_from(NAMES)))
def test_what_becomes_known_never_changes_an_answer(
    tree: Group, facts: dict[str, int | None], forgotten: set[str]
) -> None:
    hidden = frozenset(f"customer.attributes.{name}" for name in forgotten)
    fewer = Facts({name: value for name, value in facts.items() if name not in hidden})
    before, after = truth(tree, fewer), truth(tree, Facts(facts))
    if before is not None:
        assert after is before
    if after is True:
        assert may_hold(tree, fewer, open_facts=hidden)
