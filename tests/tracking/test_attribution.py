from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.tracking.attribution_cases import (
    KINDS,
    PURCHASE_AT,
    amounts,
    bond,
    clicks,
    decided,
    reasons,
    rule,
    touch,
)
from tracking.attribution import (
    Bond,
    ConversionKind,
    Credit,
    Decision,
    Model,
    Share,
    Touch,
    TouchKind,
    decide,
    encode_inputs,
)


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
        ("flood", "The click of 4 Nov 2025 came in a flood of requests."),
        ("too_odd", "The click of 4 Nov 2025 was set aside: too odd."),
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
        (("manual", "code", "token", "click", "email"), "prt_manual", "manual_claim"),
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
    assert len(decision.rejected) == len(KINDS) - 1


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
    decision = decided(touches, rule(), bond=bond("a"))

    assert decision.credits == (Credit("prt_a", ("tch_1",), 1_000_000, 10_000, "deterministic"),)
    assert decision.reason == "bound_referrer"
    assert decision.sentence == "Credited to prt_a: an earlier conversion bound this customer to them."
    assert reasons(decision) == {"tch_2": "bound_to_other", "tch_3": "bot"}
    assert decision.rejected[0].sentence == (
        "The code of 3 Nov 2025 does not count: "
        "an earlier conversion bound this customer to another referrer."
    )


def test_a_bond_without_a_touch_is_inferred() -> None:
    decision = decided([], rule(), bond=bond("a"))

    assert decision.credits == (Credit("prt_a", (), 1_000_000, 10_000, "inferred"),)


def test_a_bond_shares_as_the_first_conversion_did() -> None:
    shared = Bond((Share("prt_b", 333_333), Share("prt_a", 666_667)), PURCHASE_AT - timedelta(days=400))
    decision = decided(clicks(2), rule("linear", click_window=timedelta(days=1)), bond=shared)

    assert amounts(decision) == {"prt_a": 6_667, "prt_b": 3_333}
    assert decision.sentence == (
        "Shared as an earlier conversion of this customer was: prt_a 66.67 %, prt_b 33.33 %."
    )
    assert reasons(decision) == {"tch_a": "outside_click_window"}


def test_who_cannot_be_credited_any_more_leaves_a_bond_to_the_others() -> None:
    shared = Bond((Share("prt_a", 500_000, "participant_inactive"), Share("prt_b", 500_000)), PURCHASE_AT)

    assert amounts(decided([], rule(), bond=shared)) == {"prt_b": 10_000}


@pytest.mark.parametrize(
    ("by", "of", "kind", "reason"),
    [
        ({"lifetime_months": 1}, timedelta(days=30, hours=10, minutes=30), "purchase", None),
        ({"lifetime_months": 1}, timedelta(days=30, hours=10, minutes=31), "purchase", "lifetime_over"),
        ({"conversion_window": timedelta(days=7)}, timedelta(days=7), "purchase", None),
        (
            {"conversion_window": timedelta(days=7)},
            timedelta(days=7, seconds=1),
            "purchase",
            "outside_conversion_window",
        ),
        (
            {"conversion_window": timedelta(days=7)},
            timedelta(days=7, seconds=1),
            "signup",
            "outside_conversion_window",
        ),
        ({}, timedelta(seconds=-1), "purchase", "bond_began_later"),
    ],
)
def test_a_bond_holds_to_its_last_second(
    by: dict[str, Any], of: timedelta, kind: ConversionKind, reason: str | None
) -> None:
    decision = decided([], rule(**by), bond=bond("a", before=of), kind=kind)

    assert decision.bond_reason == reason
    assert amounts(decision) == ({"prt_a": 10_000} if reason is None else {})


def test_a_first_purchase_in_time_keeps_the_bond_for_later_ones() -> None:
    of = bond("a", before=timedelta(days=400), converted=timedelta(days=395))

    assert amounts(decided([], rule(conversion_window=timedelta(days=7)), bond=of)) == {"prt_a": 10_000}


def test_everybody_out_of_a_bond_leaves_the_touches() -> None:
    nobody = Bond((Share("prt_b", 1_000_000, "self_referral"),), PURCHASE_AT - timedelta(days=1))
    decision = decided(clicks(2), rule(), bond=nobody)

    assert (amounts(decision), decision.bond_reason) == ({"prt_a": 10_000}, "bond_disqualified")


@pytest.mark.parametrize("model", ["first_click", "last_click"])
def test_a_program_may_let_newer_touches_bind_anew(model: Model) -> None:
    latest = rule(model, binding="latest")

    rebound = decided(clicks(2), latest, bond=bond("z"))
    assert (amounts(rebound), rebound.bond_reason) == ({"prt_a": 10_000}, "newer_touch")
    assert amounts(decided(clicks(200), latest, bond=bond("z"))) == {"prt_z": 10_000}


def test_models_that_share_do_so_while_there_are_touches() -> None:
    decision = decided(clicks(2), rule("linear"), bond=bond("z"))

    assert (amounts(decision), decision.bond_reason) == ({"prt_a": 10_000}, "newer_touch")


def test_a_manual_assignment_ends_an_older_bond() -> None:
    newer = [touch("1", "b", before=timedelta(days=1), kind="manual")]
    older = [touch("1", "b", before=timedelta(days=50), kind="manual")]

    assert amounts(decided(newer, rule(), bond=bond("a"))) == {"prt_b": 10_000}
    assert amounts(decided(older, rule(), bond=bond("a"))) == {"prt_a": 10_000}


def test_a_sign_up_has_its_own_window() -> None:
    by = rule(signup_window=timedelta(hours=36))
    old = [touch("1", "a", before=timedelta(hours=37))]

    refused = decided(old, by, kind="signup")
    assert reasons(refused) == {"tch_1": "outside_signup_window"}
    assert refused.rejected[0].sentence == (
        "The click of 3 Nov 2025 is older than the 36-hour window: it came 1 day 13 hours before the "
        "conversion."
    )
    assert amounts(decided(old, by)) == {"prt_a": 10_000}
    assert amounts(decided(old, rule(), kind="signup")) == {"prt_a": 10_000}


def test_an_account_with_the_same_address_is_an_inferred_match() -> None:
    decision = decided([touch("1", "a", before=timedelta(days=1), kind="email")], rule())

    assert decision.credits == (Credit("prt_a", ("tch_1",), 1_000_000, 10_000, "inferred"),)
    assert decision.sentence == (
        "Credited to prt_a by verified e-mail match: the verified e-mail match of 4 Nov 2025 came 1 day "
        "before the conversion, inside the 90-day window."
    )


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
