"""Who sees which variant: the same for ever, in the proportions of the weights."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programs.assignment import Variant, assign, expected_shares

TWO = (Variant("as-now", 1), Variant("new", 1))
PEOPLE = 20_000

keys = st.lists(st.text("abcdefgh", min_size=1, max_size=5), min_size=2, max_size=4, unique=True)
weighted = keys.flatmap(
    lambda names: (
        st.lists(st.integers(0, 1000), min_size=len(names), max_size=len(names))
        .filter(any)
        .map(lambda weights: tuple(Variant(*pair) for pair in zip(names, weights, strict=True)))
    )
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(texts, texts, weighted, st.integers(0, 10_000))
def test_the_same_question_has_the_same_answer(
    salt: str, subject: str, variants: tuple[Variant, ...], holdout_bps: int
) -> None:
    first, again = (
        assign(salt=salt, subject=subject, variants=variants, holdout_bps=holdout_bps) for _ in range(2)
    )
    assert first == again
    assert first in {each.key for each in variants} | {"holdout"}


@given(texts, texts, weighted, st.integers(0, 9_999))
def test_nobody_sees_a_variant_without_weight(
    salt: str, subject: str, variants: tuple[Variant, ...], holdout_bps: int
) -> None:
    seen = assign(salt=salt, subject=subject, variants=variants, holdout_bps=holdout_bps)
    assert seen == "holdout" or next(each.weight for each in variants if each.key == seen) > 0


@given(texts, texts, weighted, st.integers(0, 10_000), st.integers(0, 10_000))
def test_another_holdout_moves_nobody_between_variants(
    salt: str, subject: str, variants: tuple[Variant, ...], one: int, other: int
) -> None:
    narrow, wide = (
        assign(salt=salt, subject=subject, variants=variants, holdout_bps=each)
        for each in sorted((one, other))
    )
    assert wide in (narrow, "holdout")


def test_the_method_is_the_one_that_is_described() -> None:
    """Worked out here step by step for one person, and kept for a few: no later version may move them."""
    salt, subject = "s1", "prt_1"
    first = int.from_bytes(sha256(b"s1|prt_1").digest()[:8], "big") % 10_000
    second = int.from_bytes(sha256(b"s1|variant|prt_1").digest()[:8], "big") % 4
    assert (first, second) == (3726, 2)
    uneven = (Variant("a", 1), Variant("b", 0), Variant("c", 3))
    chosen = "a" if second < 1 else "c"
    assert assign(salt=salt, subject=subject, variants=uneven, holdout_bps=first) == chosen
    assert assign(salt=salt, subject=subject, variants=uneven, holdout_bps=first + 1) == "holdout"
    found = [
        assign(salt="known", subject=f"prt_{number}", variants=TWO, holdout_bps=2_000) for number in range(8)
    ]
    assert found == ["as-now", "as-now", "as-now", "new", "new", "holdout", "as-now", "new"]


def test_twenty_thousand_people_meet_the_weights() -> None:
    """The people are always the same, so the numbers are exact: each within 1 % of all."""
    variants = (Variant("a", 1), Variant("b", 2), Variant("c", 0), Variant("d", 5))
    found = Counter(
        assign(salt="share", subject=f"prt_{number}", variants=variants, holdout_bps=1_000)
        for number in range(PEOPLE)
    )
    shares = expected_shares(variants=variants, holdout_bps=1_000)
    assert shares == {
        "a": Fraction(9, 80),
        "b": Fraction(9, 40),
        "c": 0,
        "d": Fraction(9, 16),
        "holdout": Fraction(1, 10),
    }
    assert sum(shares.values()) == 1
    for key, share in shares.items():
        assert abs(found[key] - share * PEOPLE) <= PEOPLE // 100, key
    assert found["c"] == 0


def test_two_experiments_divide_the_same_people_independently() -> None:
    pairs = Counter(
        tuple(
            assign(salt=salt, subject=f"prt_{number}", variants=TWO, holdout_bps=0) for salt in ("one", "two")
        )
        for number in range(PEOPLE)
    )
    assert len(pairs) == 4
    assert all(abs(each - PEOPLE // 4) <= PEOPLE // 100 for each in pairs.values())


@pytest.mark.parametrize(
    ("variants", "holdout_bps"),
    [
        ((), 0),
        ((Variant("a", 0), Variant("b", 0)), 0),
        ((Variant("a", -1), Variant("b", 2)), 0),
        (TWO, -1),
        (TWO, 10_001),
    ],
)
def test_what_divides_nobody_is_refused(variants: tuple[Variant, ...], holdout_bps: int) -> None:
    with pytest.raises(ValueError, match=r"weight|holdout"):
        assign(salt="s", subject="p", variants=variants, holdout_bps=holdout_bps)
    with pytest.raises(ValueError, match=r"weight|holdout"):
        expected_shares(variants=variants, holdout_bps=holdout_bps)
