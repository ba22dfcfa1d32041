import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.attribution import canonical_json
from tracking.fraud import (
    DEFAULT_WEIGHTS,
    RECORD_FORMAT,
    Facts,
    FraudSettings,
    decode_judgement,
    digest,
    encode_inputs,
    encode_judgement,
    judge,
    replay,
)

counts = st.integers(0, 30)
ids = st.lists(st.sampled_from(["cus_5", "cus_6", "cus_7"]), max_size=3, unique=True).map(tuple)
any_facts = st.builds(
    Facts,
    referrer=st.just("prt_1"),
    referee=st.just("cus_2"),
    same_customer=st.booleans(),
    referrer_mailbox=st.sampled_from([None, "digest-a", "digest-b"]),
    referee_mailbox=st.sampled_from([None, "digest-a"]),
    referee_known_as=ids,
    shared_devices=counts,
    shared_addresses=counts,
    shared_payments=counts,
    shared_postal=counts,
    address_is_shared_widely=st.booleans(),
    participant_conversions_hour=st.none() | counts,
    address_conversions_hour=st.none() | counts,
    device_conversions_hour=st.none() | counts,
    disposable_mail=st.booleans(),
    seconds_to_conversion=st.none() | counts,
    refused_agent=st.sampled_from([None, "robot", "data_centre"]),
    participant_conversions=counts,
    participant_refunded=counts,
    circular_with=st.sampled_from([None, "ref_4"]),
    source_host=st.sampled_from([None, "www.coupons.example", "blog.example"]),
    click_country=st.sampled_from([None, "DE", "VN"]),
    customer_country=st.sampled_from([None, "DE"]),
    ring=ids,
    duplicate_of=st.sampled_from([None, "cnv_7"]),
    listed_as=st.sampled_from([(), (("allow", "device", "lst_1"), ("block", "source", "*coupon*"))]),
)
rule_names = st.sets(st.sampled_from(sorted(DEFAULT_WEIGHTS)), max_size=4)
any_settings = st.builds(
    lambda shadow, off, **rest: FraudSettings(shadow=tuple(shadow), off=tuple(off - shadow), **rest),
    rule_names,
    rule_names,
    hold_at=st.integers(1, 60),
    deny_at=st.integers(60, 200),
    weights=st.dictionaries(
        st.sampled_from(sorted(DEFAULT_WEIGHTS.keys() - {"allow_list"})), st.integers(0, 200)
    ).map(lambda weights: tuple(weights.items())),
    ring_size=st.integers(1, 3),
    banned_sources=st.sampled_from([(), ("coupons.example",), ("*coupon*", "a.example")]),
)


@given(any_facts, any_settings)
def test_a_stored_judgement_replays_to_the_same_bytes(known: Facts, settings: FraudSettings) -> None:
    judgement = judge(known, settings)
    inputs, result = encode_inputs(known, settings), encode_judgement(judgement)
    stored = json.loads(json.dumps(inputs))

    assert stored == inputs
    assert replay(stored) == judgement
    assert canonical_json(encode_judgement(replay(stored))) == canonical_json(result)
    assert digest(stored, encode_judgement(replay(stored))) == digest(inputs, result)
    assert decode_judgement(json.loads(json.dumps(result))) == judgement
    assert all(len({name for name, _ in each.evidence}) == len(each.evidence) for each in judgement.signals)


@given(any_facts, any_settings)
def test_a_judgement_reveals_no_mailbox_and_no_hidden_pattern(known: Facts, settings: FraudSettings) -> None:
    result = json.dumps(encode_judgement(judge(known, settings)))

    assert not any(secret in result for secret in ("digest-", "lst_1"))


@given(any_facts, any_settings, any_settings)
def test_a_back_test_judges_by_other_settings(
    known: Facts, settings: FraudSettings, other: FraudSettings
) -> None:
    assert replay(encode_inputs(known, settings), other) == judge(known, other)


def test_a_record_says_what_is_known_and_every_weight_in_force() -> None:
    known = Facts(
        referrer="prt_1",
        referee="cus_2",
        shared_devices=1,
        ring=("cus_4",),
        listed_as=(("block", "email", "l"),),
    )
    settings = FraudSettings(weights=(("ring", 80),), shadow=("ring", "circular"))

    assert encode_inputs(known, settings) == {
        "format": 2,
        "facts": {
            "referrer": "prt_1",
            "referee": "cus_2",
            "shared_devices": 1,
            "ring": ["cus_4"],
            "listed_as": [["block", "email", "l"]],
        },
        "settings": {
            "hold_at": 50,
            "deny_at": 100,
            "weights": [[rule, {**DEFAULT_WEIGHTS, "ring": 80}[rule]] for rule in sorted(DEFAULT_WEIGHTS)],
            "shadow": ["circular", "ring"],
            "off": [],
            "too_fast_seconds": 10,
            "participant_per_hour": 20,
            "address_per_hour": 5,
            "device_per_hour": 3,
            "refund_rate_percent": 50,
            "refund_rate_least": 5,
            "ring_size": 2,
            "banned_sources": [],
        },
    }


def test_equal_settings_in_another_order_give_the_same_record() -> None:
    known = Facts(referrer="prt_1", referee="cus_2")
    one = FraudSettings(weights=(("ring", 1), ("circular", 2)), off=("too_fast", "same_ip"))
    other = replace(one, weights=(("circular", 2), ("ring", 1)), off=("same_ip", "too_fast"))

    assert encode_inputs(known, one) == encode_inputs(known, other)


def test_a_judgement_as_json() -> None:
    judgement = judge(Facts(referrer="prt_1", referee="cus_2", circular_with="ref_4"), FraudSettings())

    assert encode_judgement(judgement) == {
        "outcome": "hold",
        "score": 60,
        "signals": [
            {
                "rule": "circular",
                "weight": 60,
                "sentence": "The referred customer had brought the referrer: the referrals go in a circle.",
                "evidence": [["referral", "ref_4"]],
                "shadow": False,
            }
        ],
        "reason": "circular",
        "shadow_outcome": "hold",
    }


@pytest.mark.parametrize("inputs", [{"format": 1}, {"format": RECORD_FORMAT + 1}, {}])
def test_a_record_of_another_format_is_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^format must be 2$"):
        replay(inputs)
