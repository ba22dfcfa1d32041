import json
import re
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from hashlib import sha256
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracking.attribution_cases import KINDS, MODELS, PURCHASE_AT, clicks, rule, touch
from tracking.attribution import (
    WHOLE_PPM,
    AttributionRule,
    Bond,
    Decision,
    Share,
    Touch,
    TouchKind,
    canonical_json,
    compare,
    decide,
    decode_decision,
    digest,
    encode_decision,
    encode_inputs,
    replay,
)

CHANNELS = ("email", "sms", "qr", "coupon_site")


@st.composite
def rules(draw: st.DrawFn) -> AttributionRule:
    first = draw(st.integers(0, 100))
    middle = draw(st.integers(0, 100 - first))
    window = st.integers(1, 200 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
    weight = st.integers(0, 1_000)
    channels = draw(st.lists(st.sampled_from(CHANNELS), unique=True))
    return AttributionRule(
        model=draw(st.sampled_from(MODELS)),
        click_window=draw(window),
        code_window=draw(st.none() | window),
        signup_window=draw(st.none() | window),
        conversion_window=draw(st.none() | window),
        lifetime_months=draw(st.none() | st.integers(1, 24)),
        binding=draw(st.sampled_from(["first", "latest"])),
        half_life_days=draw(st.integers(1, 400)),
        position_weights=(first, middle, 100 - first - middle),
        custom_weights=tuple(draw(st.lists(weight, max_size=6))),
        channel_weights=tuple((channel, draw(weight)) for channel in channels),
        precedence=tuple(draw(st.lists(st.sampled_from(KINDS), unique=True, min_size=1))),
    )


@st.composite
def touch_lists(draw: st.DrawFn) -> list[Touch]:
    ages = st.integers(-5, 250 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)) | st.timedeltas(
        timedelta(days=-2), timedelta(days=250)
    )
    mostly_clicks: tuple[TouchKind, ...] = (*KINDS, "click", "click", "click")
    return [
        touch(
            str(number),
            draw(st.sampled_from("abcd")),
            before=draw(ages),
            kind=draw(st.sampled_from(mostly_clicks)),
            channel=draw(st.sampled_from(CHANNELS)),
            disqualified=draw(st.sampled_from([None, None, None, "bot", "own_link"])),
        )
        for number in range(draw(st.integers(0, 12)))
    ]


@st.composite
def bonds(draw: st.DrawFn) -> Bond:
    names = draw(st.lists(st.sampled_from("abz"), unique=True, min_size=1))
    since = PURCHASE_AT - draw(st.timedeltas(timedelta(days=-2), timedelta(days=700)))
    return Bond(
        shares=tuple(
            Share(f"prt_{name}", draw(st.integers(1, WHOLE_PPM)), draw(st.sampled_from([None, None, "bot"])))
            for name in names
        ),
        since=since,
        converted_at=draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=90)).map(since.__add__)),
    )


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `decide`."""
    return {
        "conversion_at": PURCHASE_AT,
        "amount_minor": draw(st.integers(-(10**15), 10**15) | st.integers(-20, 20)),
        "currency": draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        "touches": draw(touch_lists()),
        "rule": draw(rules()),
        "bond": draw(st.none() | bonds()),
        "kind": draw(st.sampled_from(["signup", "purchase", "custom"])),
    }


@given(cases())
def test_credits_sum_to_the_amount_and_every_touch_has_one_place(case: dict[str, Any]) -> None:
    for decision in [decide(**case), *compare(**case).values()]:
        if decision.credits:
            assert sum(credit.amount_minor for credit in decision.credits) == case["amount_minor"]
            assert sum(credit.weight_ppm for credit in decision.credits) == WHOLE_PPM
        else:
            assert decision.reason in {"no_touch", "no_eligible_touch"}
        assert len({credit.participant for credit in decision.credits}) == len(decision.credits)
        placed = [touch_id for credit in decision.credits for touch_id in credit.touch_ids]
        placed += [rejected.touch_id for rejected in decision.rejected]
        assert sorted(placed) == sorted(each.id for each in case["touches"])


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(case: dict[str, Any], random: Any) -> None:
    shuffled = {**case, "touches": random.sample(case["touches"], len(case["touches"]))}

    assert decide(**shuffled) == decide(**case)
    assert encode_inputs(**shuffled) == encode_inputs(**case)


@given(cases(), st.timedeltas(timedelta(days=-4_000), timedelta(days=4_000)))
def test_shifting_all_times_together_changes_only_the_echoed_days(
    case: dict[str, Any], shift: timedelta
) -> None:
    moved = [
        Touch(each.id, each.participant, each.kind, each.channel, each.occurred_at + shift, each.disqualified)
        for each in case["touches"]
    ]
    of: Bond | None = case["bond"]
    if of is not None:
        of = replace(
            of,
            since=of.since + shift,
            converted_at=None if of.converted_at is None else of.converted_at + shift,
        )
    at = case["conversion_at"] + shift
    shifted = decide(**{**case, "conversion_at": at, "touches": moved, "bond": of})

    assert without_days(shifted) == without_days(decide(**case))


def without_days(decision: Decision) -> str:
    return re.sub(r"\d+ [A-Z][a-z]{2} \d{4}", "DAY", canonical_json(encode_decision(decision)).decode())


@given(cases())
def test_nothing_outside_its_window_is_ever_credited(case: dict[str, Any]) -> None:
    by: AttributionRule = case["rule"]
    click_window = (by.signup_window if case["kind"] == "signup" else None) or by.click_window
    windows = {
        "click": click_window,
        "email": click_window,
        "code": by.code_window,
        "token": by.code_window,
        "manual": None,
    }
    touches = {each.id: each for each in case["touches"]}
    for credit in decide(**case).credits:
        for touch_id in credit.touch_ids:
            credited = touches[touch_id]
            window = windows[credited.kind]
            assert timedelta(0) <= PURCHASE_AT - credited.occurred_at
            assert window is None or PURCHASE_AT - credited.occurred_at <= window
            assert credited.disqualified is None
            assert credited.kind in by.precedence
            assert credited.participant == credit.participant


@given(cases())
def test_replay_gives_the_same_bytes(case: dict[str, Any]) -> None:
    inputs = encode_inputs(**case)
    stored = json.loads(json.dumps(inputs))
    result = encode_decision(decide(**case))

    replayed = encode_decision(replay(stored))

    assert canonical_json(replayed) == canonical_json(result)
    assert digest(stored, replayed) == digest(inputs, result)
    assert stored == inputs
    assert decode_decision(json.loads(json.dumps(result))) == decide(**case)


def test_inputs_are_stored_in_one_canonical_shape() -> None:
    by = rule("custom", code_window=None, custom_weights=(1, 2), channel_weights=(("sms", 1), ("email", 2)))
    hour_east = timezone(timedelta(hours=1))
    inputs = encode_inputs(
        conversion_at=PURCHASE_AT.astimezone(hour_east),
        amount_minor=-5,
        currency="EUR",
        touches=[touch("b", "a", before=timedelta(0), disqualified="bot"), *clicks(1)],
        rule=by,
        bond=Bond((Share("prt_z", 1_000_000),), PURCHASE_AT - timedelta(days=1)),
    )

    assert inputs == {
        "format": 2,
        "kind": "purchase",
        "conversion_at": "2025-11-05T12:00:00.000000Z",
        "amount_minor": -5,
        "currency": "EUR",
        "touches": [
            {
                "id": "tch_a",
                "participant": "prt_a",
                "kind": "click",
                "channel": "email",
                "occurred_at": "2025-11-04T12:00:00.000000Z",
                "disqualified": None,
            },
            {
                "id": "tch_b",
                "participant": "prt_a",
                "kind": "click",
                "channel": "email",
                "occurred_at": "2025-11-05T12:00:00.000000Z",
                "disqualified": "bot",
            },
        ],
        "rule": {
            "model": "custom",
            "click_window_seconds": 7_776_000,
            "code_window_seconds": None,
            "signup_window_seconds": None,
            "conversion_window_seconds": None,
            "lifetime_months": None,
            "binding": "first",
            "half_life_days": 7,
            "position_weights": [40, 20, 40],
            "custom_weights": [1, 2],
            "channel_weights": [["email", 2], ["sms", 1]],
            "precedence": ["manual", "code", "token", "click", "email"],
        },
        "bond": {
            "shares": [{"participant": "prt_z", "weight_ppm": 1_000_000, "disqualified": None}],
            "since": "2025-11-04T12:00:00.000000Z",
            "converted_at": None,
        },
    }


def test_a_stored_decision_keeps_its_digest() -> None:
    case: dict[str, Any] = {
        "conversion_at": PURCHASE_AT,
        "amount_minor": 10_000,
        "currency": "EUR",
        "touches": clicks(20, 10, 2),
        "rule": rule("time_decay"),
    }

    assert digest(encode_inputs(**case), encode_decision(decide(**case))) == (
        "4a1cd5a1016b058ae2e6edac25ad9ebd327e39136c1a170a8642093e975480c8"
    )


@given(cases(), st.randoms())
def test_what_is_hashed_is_canonical_json(case: dict[str, Any], random: Random) -> None:
    inputs = encode_inputs(**case)
    result = encode_decision(decide(**case))
    whole = sha256(canonical_json({"inputs": inputs, "result": result})).hexdigest()
    assert digest(shuffled(inputs, random), shuffled(result, random)) == whole


def shuffled(value: Any, random: Random) -> Any:
    """Return a JSON value with its keys in another order, as a database gives it back."""
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {key: shuffled(value[key], random) for key in keys}
    return [shuffled(each, random) for each in value] if isinstance(value, list) else value


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a JSON value with each of its keys or positions."""
    if not isinstance(value, dict | list):
        return []
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@pytest.mark.parametrize("odd", [None, True, 1, 1.0, -0.0, "é\u2028\U0001f600", [], {}, {"a": [None]}])
def test_a_record_of_any_shape_is_hashed_as_its_canonical_json(odd: Any) -> None:
    case: dict[str, Any] = {
        "conversion_at": PURCHASE_AT,
        "amount_minor": 1,
        "currency": "EUR",
        "touches": clicks(200, 2, 1),
        "rule": rule("linear"),
        "bond": Bond((Share("prt_ü", 1),), PURCHASE_AT),
    }
    record = {"inputs": encode_inputs(**case), "result": encode_decision(decide(**case))}

    def is_hashed_as_it_is() -> bool:
        return digest(**record) == sha256(canonical_json(record)).hexdigest()

    for container, key in places(record):
        kept = container[key]
        container[key] = odd
        assert is_hashed_as_it_is(), key
        if isinstance(container, dict) and container is not record:
            del container[key]
            assert is_hashed_as_it_is(), key
            container[f"{key}2"] = kept
            assert is_hashed_as_it_is(), key
            del container[f"{key}2"]
        container[key] = kept


def test_canonical_json_ignores_the_order_of_keys() -> None:
    assert canonical_json({"b": [1], "a": "é"}) == b'{"a":"\\u00e9","b":[1]}'
    assert digest({"b": 1, "a": 2}, {}) == digest({"a": 2, "b": 1}, {})


def test_a_record_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^format must be 2$"):
        replay({"format": 1})


def test_touches_are_kept_in_utc() -> None:
    assert clicks(1)[0].occurred_at.tzinfo is UTC
