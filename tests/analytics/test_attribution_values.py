"""Markov and Shapley values, against their definitions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.attribution_values import (
    MOST_STATES,
    REST,
    Chain,
    Coalitions,
    Journey,
    markov_values,
    shapley_values,
    share_out,
)


def ending(labels: str, times: int = 1, *, converted: bool = True, eur: int = 0) -> list[Journey]:
    """Write journeys down by the letters of the labels they met."""
    worth = {"count": 1, "EUR": eur} if converted else {}
    return [Journey(tuple(labels), converted, worth)] * times


def chain_of(journeys: Iterable[Journey]) -> Chain:
    chain = Chain()
    for journey in journeys:
        chain.add(journey.labels, converted=journey.converted)
    return chain


def decimal(effect: Fraction) -> Decimal:
    """Write an exact effect as the chain does: 24 decimals, half-even."""
    return Decimal(round(effect * 10**24)).scaleb(-24)


# Two sold after a alone, one after a then b, one met b only. Moves: start to a 3 of 4, to b 1 of 4;
# a to conversion 2 of 3, a to b 1 of 3; b to conversion 1 of 2, b to null 1 of 2.
# P(conversion) = 3/4 * (2/3 + 1/3 * 1/2) + 1/4 * 1/2 = 5/8 + 1/8 = 3/4.
# Without a: 1/4 * 1/2 = 1/8, so its effect is 1 - 1/6 = 5/6.
# Without b: 3/4 * 2/3 = 1/2, so its effect is 1 - 2/3 = 1/3.
SHOP = [
    *ending("a", 2, eur=1_000),
    *ending("ab", eur=501),
    *ending("b", converted=False),
]


def test_removal_effects_of_a_small_chain() -> None:
    assert chain_of(SHOP).removal_effects() == {"a": decimal(Fraction(5, 6)), "b": decimal(Fraction(1, 3))}
    # 5/6 to 1/3 is 5 to 2: of 2501 cents 1786.43 and 714.57, of three conversions 2.14 and 0.86.
    assert markov_values(SHOP) == {"a": {"EUR": 1_786, "count": 2}, "b": {"EUR": 715, "count": 1}}


def test_a_chain_with_a_way_back() -> None:
    # a b a converts; b does not. Start to a 1/2, to b 1/2; a to b 1/2, a to conversion 1/2; b to a 1/2, b to
    # null 1/2.
    # P(a) = 1/2 + 1/2 P(b), P(b) = 1/2 P(a): P(a) = 2/3, P(b) = 1/3, so P(conversion) = 1/2.
    # Without a nobody converts: 1. Without b: 1/2 * 1/2 = 1/4, so the effect is 1/2.
    told = [*ending("aba", eur=900), *ending("b", converted=False)]
    assert chain_of(told).removal_effects() == {"a": Decimal(1), "b": decimal(Fraction(1, 2))}
    assert markov_values(told) == {"a": {"EUR": 600, "count": 1}, "b": {"EUR": 300, "count": 0}}


def test_labels_that_are_not_told_apart_are_one_state() -> None:
    told = [*ending("acb", eur=100), *ending("cd", converted=False), *ending("a")]
    merged = [*ending("axb", eur=100), *ending("x", converted=False), *ending("a")]
    effects = chain_of(merged).removal_effects()
    assert chain_of(told).removal_effects({"a", "b"}) == {
        "a": effects["a"],
        "b": effects["b"],
        REST: effects["x"],
    }


def test_nothing_converted_is_worth_nothing() -> None:
    told = ending("ab", 3, converted=False)
    assert chain_of(told).removal_effects() == {"a": 0, "b": 0}
    assert markov_values(told) == shapley_values(told) == {"a": {}, "b": {}}
    assert markov_values([]) == shapley_values([]) == {}
    # A conversion that nothing led to is nobody's.
    assert markov_values(ending("", eur=5)) == shapley_values(ending("", eur=5)) == {}


def test_as_many_labels_as_a_chain_tells_apart() -> None:
    names = [f"{n:03d}" for n in range(MOST_STATES + 1)]
    chain = Chain()
    dice = random.Random(7)
    for _ in range(400):
        chain.add(dice.sample(names, 4), converted=dice.random() < 0.5)
    with pytest.raises(ValueError, match="at most 100"):
        chain.removal_effects()
    effects = chain.removal_effects(names[: MOST_STATES - 1])
    assert len(effects) == MOST_STATES
    assert all(0 <= effect <= 1 for effect in effects.values())


def test_shapley_of_a_small_shop() -> None:
    # a: 1000 twice and half of 501; b: half of 501. The cent left over goes to the label that sorts first.
    assert shapley_values(SHOP) == {"a": {"EUR": 2_251, "count": 3}, "b": {"EUR": 250, "count": 0}}
    coalitions = Coalitions()
    for journey in SHOP:
        if journey.converted:
            coalitions.add(journey.labels, journey.worth)
    assert coalitions.exact()["count"] == {"a": Fraction(5, 2), "b": Fraction(1, 2)}


def test_weights_of_nothing_share_nothing() -> None:
    assert share_out({"EUR": 0}, {"a": 0, "b": 0}) == {"a": {"EUR": 0}, "b": {"EUR": 0}}
    assert share_out({}, {"a": 1}) == {"a": {}}


def conversion_chance(journeys: Sequence[Journey], removed: str | None = None) -> Fraction:
    """Return the definition's P(conversion), solved by elimination over exact fractions."""
    moves: Counter[tuple[str, str]] = Counter()
    for journey in journeys:
        if journey.labels:
            moves.update(pairwise(["start", *journey.labels, "won" if journey.converted else "lost"]))
    leaving: Counter[str] = Counter()
    for (here, _), times in moves.items():
        leaving[here] += times
    states = sorted(leaving)
    # P(here) = sum of the chance of a move times P(there); what is removed never converts.
    rows = {
        here: {there: Fraction(moves[here, there], leaving[here]) for there in [*states, "won"]}
        for here in states
        if here != removed
    }
    order = [state for state in rows if state != "start"]
    for state in [*order, "start"]:
        own = rows.get(state)
        if own is None:
            continue
        back = 1 - own.pop(state, Fraction(0))
        own = rows[state] = {there: chance / back for there, chance in own.items()} if back else {}
        for other, row in rows.items():
            if other != state and state in row:
                passing = row.pop(state)
                for there, chance in own.items():
                    row[there] = row.get(there, Fraction(0)) + passing * chance
    return rows.get("start", {}).get("won", Fraction(0))


def shapley_by_permutations(journeys: Sequence[Journey]) -> dict[str, Fraction]:
    """Return the definition's values: what each label adds, averaged over all orders."""
    labels = sorted({label for journey in journeys for label in journey.labels})

    def worth(coalition: set[str]) -> int:
        return sum(
            journey.worth["EUR"]
            for journey in journeys
            if journey.converted and journey.labels and set(journey.labels) <= coalition
        )

    orders = list(permutations(labels))
    values = dict.fromkeys(labels, Fraction(0))
    for order in orders:
        for place, label in enumerate(order):
            gain = worth({*order[: place + 1]}) - worth({*order[:place]})
            values[label] += Fraction(gain, len(orders))
    return values


LETTERS = "abcde"
one = st.builds(
    lambda labels, converted, eur: Journey(
        tuple(labels), converted, {"EUR": eur, "count": 1} if converted else {}
    ),
    st.text(alphabet=LETTERS, max_size=6),
    st.booleans(),
    st.integers(0, 10**9),
)
many = st.lists(one, max_size=12)


@given(many)
def test_the_chain_is_solved_as_its_definition_says(journeys: list[Journey]) -> None:
    effects = chain_of(journeys).removal_effects()
    whole = conversion_chance(journeys)
    for label, effect in effects.items():
        expected = 1 - conversion_chance(journeys, label) / whole if whole else Fraction(0)
        assert abs(Fraction(effect) - expected) <= Fraction(1, 10**23)


@given(many)
def test_the_short_form_is_what_the_permutations_give(journeys: list[Journey]) -> None:
    coalitions = Coalitions()
    for journey in journeys:
        if journey.converted:
            coalitions.add(journey.labels, journey.worth)
    expected = shapley_by_permutations(journeys)
    assert coalitions.exact().get("EUR", {}) == {
        label: value
        for label, value in expected.items()
        if any(label in journey.labels for journey in journeys if journey.converted)
    }


@given(many, st.randoms())
def test_parts_sum_to_the_total_in_any_order(journeys: list[Journey], dice: random.Random) -> None:
    shuffled = list(journeys)
    dice.shuffle(shuffled)
    for values in (markov_values, shapley_values):
        found = values(journeys)
        assert values(shuffled) == found
        for unit in ("EUR", "count"):
            total = sum(each.worth[unit] for each in journeys if each.converted and each.labels)
            assert sum(parts.get(unit, 0) for parts in found.values()) == total
            assert all(parts.get(unit, 0) >= 0 for parts in found.values())
        assert set(found) == {label for each in journeys for label in each.labels}


@given(many)
def test_a_label_that_led_to_no_conversion_is_worth_nothing(journeys: list[Journey]) -> None:
    told = [*journeys, Journey(("z",), converted=False)]
    assert set(markov_values(told)["z"].values()) <= {0}
    assert set(shapley_values(told)["z"].values()) <= {0}


@given(many)
def test_labels_that_play_the_same_part_are_worth_the_same(journeys: list[Journey]) -> None:
    other = str.maketrans("ab", "ba")
    mirrored = [
        Journey(tuple(label.translate(other) for label in each.labels), each.converted, each.worth)
        for each in journeys
    ]
    for values in (markov_values, shapley_values):
        found = values([*journeys, *mirrored])
        for unit in ("EUR", "count"):
            if "a" in found:
                assert abs(found["a"].get(unit, 0) - found["b"].get(unit, 0)) <= 1


@given(many)
def test_repeats_in_a_row_change_nothing(journeys: list[Journey]) -> None:
    doubled = [
        Journey(tuple(label for label in each.labels for _ in "xy"), each.converted, each.worth)
        for each in journeys
    ]
    assert markov_values(doubled) == markov_values(journeys)
    assert shapley_values(doubled) == shapley_values(journeys)
