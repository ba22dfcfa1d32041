from datetime import timedelta

import pytest

from tests.tracking.attribution_cases import PURCHASE_AT, amounts, clicks, decided, reasons, rule, touch
from tracking.attribution import Credit, compare


def test_last_click_takes_everything_and_says_why() -> None:
    decision = decided(clicks(20, 10, 2), rule("last_click"))

    assert decision.credits == (Credit("prt_c", ("tch_c",), 1_000_000, 10_000, "deterministic"),)
    assert decision.reason == "last_click"
    assert decision.sentence == (
        "Credited to prt_c by last click: the click of 3 Nov 2025 came 2 days before the conversion, "
        "inside the 90-day window."
    )
    assert [(r.touch_id, r.participant, r.reason, r.sentence) for r in decision.rejected] == [
        ("tch_a", "prt_a", "not_last_click", "The click of 16 Oct 2025 was not the last click."),
        ("tch_b", "prt_b", "not_last_click", "The click of 26 Oct 2025 was not the last click."),
    ]


def test_first_click_takes_everything() -> None:
    decision = decided(clicks(20, 10, 2), rule("first_click"))

    assert amounts(decision) == {"prt_a": 10_000}
    assert decision.reason == "first_click"
    assert reasons(decision) == {"tch_b": "not_first_click", "tch_c": "not_first_click"}


def test_linear_gives_the_odd_cent_to_the_earlier_participant() -> None:
    decision = decided(clicks(20, 10, 2), rule("linear"), amount_minor=10_001)

    assert amounts(decision) == {"prt_a": 3_334, "prt_b": 3_334, "prt_c": 3_333}
    assert [credit.weight_ppm for credit in decision.credits] == [333_334, 333_333, 333_333]
    assert decision.rejected == ()
    assert decision.sentence == "Shared by linear attribution: prt_a 33.33 %, prt_b 33.33 %, prt_c 33.33 %."


def test_touches_of_one_participant_merge_into_one_credit() -> None:
    touches = [
        touch("1", "a", before=timedelta(days=9)),
        touch("2", "b", before=timedelta(days=8)),
        touch("3", "a", before=timedelta(days=7)),
    ]

    assert decided(touches, rule("linear"), amount_minor=300).credits == (
        Credit("prt_a", ("tch_1", "tch_3"), 666_667, 200, "deterministic"),
        Credit("prt_b", ("tch_2",), 333_333, 100, "deterministic"),
    )


def test_one_participant_with_several_touches_reads_as_one_person() -> None:
    touches = [touch("1", "a", before=timedelta(days=9)), touch("2", "a", before=timedelta(days=8))]

    assert decided(touches, rule("linear")).sentence == (
        "Credited to prt_a by linear attribution: all 2 touches that count are theirs."
    )


@pytest.mark.parametrize(
    ("half_life_days", "expected"),
    [
        (7, {"prt_a": 1_000, "prt_b": 2_000, "prt_c": 4_000}),
        # Weights 0.5, 0.7071 and 1: exact shares 1585.79, 2242.64 and 3171.57.
        (14, {"prt_a": 1_586, "prt_b": 2_243, "prt_c": 3_171}),
    ],
)
def test_time_decay_halves_with_every_half_life(half_life_days: int, expected: dict[str, int]) -> None:
    decision = decided(
        clicks(14, 7, 0), rule("time_decay", half_life_days=half_life_days), amount_minor=7_000
    )

    assert amounts(decision) == expected


def test_time_decay_forgets_what_no_amount_can_show() -> None:
    touches = [touch("a", "a", before=timedelta(days=66)), touch("b", "b", before=timedelta(days=1))]
    at_the_edge = [touch("a", "a", before=timedelta(days=65)), touch("b", "b", before=timedelta(days=1))]

    assert reasons(decided(touches, rule("time_decay", half_life_days=1))) == {"tch_a": "zero_weight"}
    assert amounts(decided(at_the_edge, rule("time_decay", half_life_days=1))) == {
        "prt_a": 0,
        "prt_b": 10_000,
    }


def test_time_decay_credits_a_lone_old_click() -> None:
    assert amounts(decided(clicks(80), rule("time_decay", half_life_days=1))) == {"prt_a": 10_000}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((5,), [10_000]),
        ((5, 4), [5_000, 5_000]),
        ((5, 4, 3), [4_000, 2_000, 4_000]),
        ((5, 4, 3, 2), [4_000, 1_000, 1_000, 4_000]),
        ((6, 5, 4, 3, 2), [4_000, 667, 667, 666, 4_000]),
    ],
)
def test_position_based(days: tuple[int, ...], expected: list[int]) -> None:
    decision = decided(clicks(*days), rule("position_based"))

    assert [credit.amount_minor for credit in decision.credits] == expected


def test_position_without_weight_is_rejected() -> None:
    decision = decided(clicks(5, 4, 3), rule("position_based", position_weights=(50, 0, 50)))

    assert amounts(decision) == {"prt_a": 5_000, "prt_c": 5_000}
    assert reasons(decision) == {"tch_b": "zero_weight"}
    assert decision.rejected[0].sentence == (
        "The click of 1 Nov 2025 has no weight in this program's attribution."
    )


@pytest.mark.parametrize(
    ("points", "days", "expected"),
    [
        ((40, 20, 40), (6, 5, 4, 3, 2), [2_500, 1_875, 1_250, 1_875, 2_500]),
        ((1, 2, 3, 4, 5), (6, 5, 4), [1_111, 3_333, 5_556]),
        ((1, 9, 3), (6, 5), [2_500, 7_500]),
        ((7,), (6, 5), [5_000, 5_000]),
        ((), (6, 5), [5_000, 5_000]),
        ((0, 5), (6,), [10_000]),
    ],
)
def test_custom_weights_stretch_over_the_clicks(
    points: tuple[int, ...], days: tuple[int, ...], expected: list[int]
) -> None:
    decision = decided(clicks(*days), rule("custom", custom_weights=points))

    assert [credit.amount_minor for credit in decision.credits] == expected
    assert decision.reason == "custom"


def test_custom_weights_multiply_with_the_channel() -> None:
    touches = [
        touch("a", "a", before=timedelta(days=3), channel="sms"),
        touch("b", "b", before=timedelta(days=2), channel="email"),
        touch("c", "c", before=timedelta(days=1), channel="coupon_site"),
    ]
    by = rule("custom", custom_weights=(1, 1, 1), channel_weights=(("sms", 300), ("coupon_site", 0)))
    decision = decided(touches, by)

    assert amounts(decision) == {"prt_a": 7_500, "prt_b": 2_500}
    assert reasons(decision) == {"tch_c": "zero_weight"}


def test_custom_weights_that_leave_nothing_fall_back_to_the_last_click() -> None:
    decision = decided(clicks(3, 2), rule("custom", channel_weights=(("email", 0),)))

    assert amounts(decision) == {"prt_b": 10_000}
    assert decision.reason == "last_click_fallback"
    assert reasons(decision) == {"tch_a": "not_last_click"}
    assert decision.sentence == (
        "Credited to prt_b by last click, because the custom weights leave nothing to any click: "
        "the click of 3 Nov 2025 came 2 days before the conversion, inside the 90-day window."
    )


def test_compare_decides_under_every_model() -> None:
    decisions = compare(
        conversion_at=PURCHASE_AT, amount_minor=900, currency="EUR", touches=clicks(14, 7, 0), rule=rule()
    )

    assert {model: amounts(decision) for model, decision in decisions.items()} == {
        "first_click": {"prt_a": 900},
        "last_click": {"prt_c": 900},
        "linear": {"prt_a": 300, "prt_b": 300, "prt_c": 300},
        "time_decay": {"prt_a": 129, "prt_b": 257, "prt_c": 514},
        "position_based": {"prt_a": 360, "prt_b": 180, "prt_c": 360},
        "custom": {"prt_a": 300, "prt_b": 300, "prt_c": 300},
    }
    assert all(decision.model == model for model, decision in decisions.items())
