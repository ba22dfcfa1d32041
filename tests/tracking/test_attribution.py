from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.tracking.attribution_cases import (
    KINDS,
    PURCHASE_AT,
    amounts,
    clicks,
    decided,
    reasons,
    rule,
    touch,
)
from tracking.attribution import Credit, Decision, Touch, TouchKind, decide, encode_inputs


def test_no_touch_credits_nobody() -> None:
    assert decided([], rule()) == Decision(
        "last_click", (), (), "no_touch", "Nobody is credited: no touch is known."
    )


def test_rejects_a_click_older_than_the_window_and_keeps_one_exactly_as_old() -> None:
    window = timedelta(days=90)
    touches = [
        touch("old", "a", before=window + timedelta(hours=5)),
        touch("edge", "b", before=window),
    ]
    decision = decided(touches, rule("first_click"))

    assert amounts(decision) == {"prt_b": 10_000}
    assert decision.rejected[0].reason == "outside_click_window"
    assert decision.rejected[0].sentence == (
        "The click of 7 Aug 2025 is older than the 90-day window: "
        "it came 90 days 5 hours before the conversion."
    )


@pytest.mark.parametrize("kind", ["code", "token"])
def test_rejects_a_claim_older_than_the_code_window(kind: TouchKind) -> None:
    decision = decided([touch("a", "a", before=timedelta(days=31), kind=kind)], rule())

    assert decision.reason == "no_eligible_touch"
    assert decision.sentence == "Nobody is credited: none of the known touches counts."
    assert decision.credits == ()
    assert reasons(decision) == {"tch_a": "outside_code_window"}


def test_claims_without_a_window_never_age() -> None:
    years = timedelta(days=4_000)
    code = [touch("a", "a", before=years, kind="code")]
    manual = [touch("a", "a", before=years, kind="manual")]

    assert amounts(decided(code, rule(code_window=None))) == {"prt_a": 10_000}
    assert decided(manual, rule()).sentence == (
        "Credited to prt_a by manual assignment: the manual assignment of 23 Nov 2014 came 4000 days "
        "before the conversion."
    )


def test_rejects_a_touch_after_the_conversion_and_keeps_one_at_the_same_instant() -> None:
    late = touch("late", "a", before=-timedelta(microseconds=1))
    same = touch("same", "b", before=timedelta(0))
    decision = decided([late, same], rule())

    assert amounts(decision) == {"prt_b": 10_000}
    assert decision.sentence == (
        "Credited to prt_b by last click: the click of 5 Nov 2025 came at the moment of the conversion, "
        "inside the 90-day window."
    )
    assert reasons(decision) == {"tch_late": "after_conversion"}


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("bot", "The click of 4 Nov 2025 came from a bot."),
        ("duplicate", "The click of 4 Nov 2025 repeated an earlier touch of the same visitor."),
        ("own_link", "The click of 4 Nov 2025 used the customer's own link or code."),
        ("program_paused", "The click of 4 Nov 2025 came while the program was paused."),
        (
            "participant_inactive",
            "The click of 4 Nov 2025 belongs to a participant who was not active then.",
        ),
        ("ineligible", "The click of 4 Nov 2025 did not meet the program's conditions."),
        ("rate_limited", "The click of 4 Nov 2025 was set aside: rate limited."),
    ],
)
def test_rejects_a_disqualified_touch_with_its_own_code(code: str, sentence: str) -> None:
    decision = decided([touch("a", "a", before=timedelta(days=1), disqualified=code)], rule())

    assert decision.credits == ()
    assert [(r.reason, r.sentence) for r in decision.rejected] == [(code, sentence)]


def test_rejects_a_kind_the_program_does_not_accept() -> None:
    decision = decided(
        [touch("a", "a", before=timedelta(days=1), kind="token")], rule(precedence=("code", "click"))
    )

    assert reasons(decision) == {"tch_a": "kind_not_accepted"}
    assert decision.reason == "no_eligible_touch"


def test_the_latest_code_beats_earlier_codes_and_later_clicks() -> None:
    touches = [
        touch("1", "a", before=timedelta(days=3), kind="code"),
        touch("2", "b", before=timedelta(days=2), kind="code"),
        touch("3", "c", before=timedelta(days=1)),
    ]
    decision = decided(touches, rule("linear"))

    assert decision.credits == (Credit("prt_b", ("tch_2",), 1_000_000, 10_000, "code"),)
    assert decision.reason == "code_claim"
    assert decision.sentence == (
        "Credited to prt_b by code: the code of 3 Nov 2025 came 2 days before the conversion, "
        "inside the 30-day window."
    )
    assert [(r.reason, r.sentence) for r in decision.rejected] == [
        ("lower_precedence", "The code of 2 Nov 2025 gave way to a later code."),
        (
            "lower_precedence",
            "The click of 4 Nov 2025 gave way to a code, which ranks higher in this program.",
        ),
    ]


@pytest.mark.parametrize(
    ("precedence", "participant", "reason"),
    [
        (("manual", "code", "token", "click"), "prt_manual", "manual_claim"),
        (("code", "manual", "token", "click"), "prt_code", "code_claim"),
        (("token", "click"), "prt_token", "token_claim"),
        (("click", "manual", "code", "token"), "prt_click", "last_click"),
    ],
)
def test_precedence_is_the_programs(precedence: tuple[TouchKind, ...], participant: str, reason: str) -> None:
    touches = [touch(kind, kind, before=timedelta(days=1), kind=kind) for kind in KINDS]
    decision = decided(touches, rule(precedence=precedence))

    assert amounts(decision) == {participant: 10_000}
    assert decision.reason == reason
    assert len(decision.rejected) == 3


def test_an_unusable_claim_leaves_the_field_to_the_clicks() -> None:
    touches = [
        touch("1", "a", before=timedelta(days=2), kind="code", disqualified="own_link"),
        touch("2", "b", before=timedelta(days=1)),
    ]

    assert amounts(decided(touches, rule())) == {"prt_b": 10_000}


def test_equal_instants_are_ordered_by_touch_id() -> None:
    touches = [touch("2", "b", before=timedelta(days=1)), touch("1", "a", before=timedelta(days=1))]

    assert amounts(decided(touches, rule("last_click"))) == {"prt_b": 10_000}
    assert amounts(decided(touches, rule("first_click"))) == {"prt_a": 10_000}


def test_a_bound_customer_stays_with_the_referrer() -> None:
    touches = [
        touch("1", "a", before=timedelta(days=3)),
        touch("2", "b", before=timedelta(days=2), kind="code"),
        touch("3", "a", before=timedelta(days=1), disqualified="bot"),
    ]
    decision = decided(touches, rule(), bound_participant="prt_a")

    assert decision.credits == (Credit("prt_a", ("tch_1",), 1_000_000, 10_000, "deterministic"),)
    assert decision.reason == "bound_referrer"
    assert decision.sentence == "Credited to prt_a: an earlier conversion bound this customer to them."
    assert reasons(decision) == {"tch_2": "bound_to_other", "tch_3": "bot"}
    assert decision.rejected[0].sentence == (
        "The code of 3 Nov 2025 does not count: "
        "an earlier conversion bound this customer to another referrer."
    )


def test_a_bond_without_a_touch_is_inferred() -> None:
    decision = decided([], rule(), bound_participant="prt_a")

    assert decision.credits == (Credit("prt_a", (), 1_000_000, 10_000, "inferred"),)


def test_instants_are_compared_across_time_zones_and_clock_changes() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    # The clocks went back on 26 October 2025: 02:10 the second time is later than 02:50 the first time.
    earlier = Touch("tch_1", "prt_a", "click", "email", datetime(2025, 10, 26, 2, 50, tzinfo=berlin))
    later = Touch("tch_2", "prt_b", "click", "email", datetime(2025, 10, 26, 2, 10, fold=1, tzinfo=berlin))

    assert amounts(decided([later, earlier], rule("last_click"))) == {"prt_b": 10_000}


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(microseconds=1), "less than a second before"),
        (timedelta(seconds=1), "1 second before"),
        (timedelta(minutes=61), "1 hour 1 minute before"),
        (timedelta(days=1, hours=2, minutes=3), "1 day 2 hours before"),
    ],
)
def test_ages_are_said_in_two_units(age: timedelta, words: str) -> None:
    assert f" came {words} the conversion, " in decided([touch("a", "a", before=age)], rule()).sentence


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (timedelta(hours=36), "36-hour"),
        (timedelta(minutes=90), "90-minute"),
        (timedelta(seconds=61), "61-second"),
        (timedelta(days=14), "14-day"),
    ],
)
def test_windows_are_said_in_their_own_unit(window: timedelta, words: str) -> None:
    decision = decided([touch("a", "a", before=timedelta(seconds=5))], rule(click_window=window))

    assert decision.sentence.endswith(f"inside the {words} window.")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"model": "markov"}, "model"),
        ({"click_window": timedelta(0)}, "click_window"),
        ({"code_window": timedelta(seconds=1, microseconds=1)}, "code_window"),
        ({"half_life_days": 0}, "half_life_days"),
        ({"position_weights": (50, 50, 50)}, "position_weights"),
        ({"position_weights": (-20, 60, 60)}, "position_weights"),
        ({"custom_weights": (1, -1)}, "custom_weights"),
        ({"channel_weights": (("sms", 1), ("sms", 2))}, "channel_weights"),
        ({"channel_weights": (("sms", -1),)}, "channel_weights"),
        ({"precedence": ()}, "precedence"),
        ({"precedence": ("click", "click")}, "precedence"),
        ({"precedence": ("click", "fax")}, "precedence"),
    ],
)
def test_a_rule_refuses_settings_by_name(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} "):
        rule(**settings)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "fax"}, "kind"),
        ({"occurred_at": datetime(2025, 11, 1)}, "occurred_at"),  # noqa: DTZ001
        ({"disqualified": "Own link"}, "disqualified"),
    ],
)
def test_a_touch_refuses_values_by_name(changes: dict[str, Any], field: str) -> None:
    values = {
        "id": "tch_1",
        "participant": "prt_a",
        "kind": "click",
        "channel": "",
        "occurred_at": PURCHASE_AT,
    }
    with pytest.raises(ValueError, match=f"^{field} "):
        Touch(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"conversion_at": datetime(2025, 11, 5)}, "conversion_at"),  # noqa: DTZ001
        ({"amount_minor": 10.0}, "amount_minor"),
        ({"amount_minor": True}, "amount_minor"),
        ({"currency": "eur"}, "currency"),
        ({"currency": None}, "currency"),
        ({"touches": clicks(1) * 2}, "touches"),
    ],
)
def test_decide_and_encode_refuse_values_by_name(changes: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {
        "conversion_at": PURCHASE_AT,
        "amount_minor": 1,
        "currency": "EUR",
        "touches": [],
        "rule": rule(),
    }
    for call in (decide, encode_inputs):
        with pytest.raises(ValueError, match=f"^{field} "):
            call(**{**values, **changes})
