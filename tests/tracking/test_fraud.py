import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.fraud import (
    DEFAULT_WEIGHTS,
    RULES,
    Facts,
    FraudSettings,
    Judgement,
    Signal,
    encode_inputs,
    encode_judgement,
    judge,
    replay,
)


def facts(**known: Any) -> Facts:
    return Facts(referrer="prt_1", referee="cus_2", **known)


SAME_IP = {"referrer_ip_hash": "9f", "referee_ip_hash": "9f"}
SAME_DEVICE = {"referrer_device": "d1", "referee_device": "d1"}
SAME_MAILBOX = {"referrer_mailbox": "ana@gmail.com", "referee_mailbox": "ana@gmail.com"}


def test_nothing_suspicious_is_allowed() -> None:
    assert judge(facts(), FraudSettings()) == Judgement("allow", 0, (), "no_signal")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (
            {"same_customer": True},
            Judgement(
                "deny",
                100,
                (
                    Signal(
                        "same_customer",
                        100,
                        "The referrer and the referred customer are the same customer.",
                        (("referrer", "prt_1"), ("referee", "cus_2")),
                    ),
                ),
                "self_referral",
            ),
        ),
        (
            SAME_MAILBOX,
            Judgement(
                "deny",
                100,
                (
                    Signal(
                        "same_mailbox",
                        100,
                        "The referrer's and the referred customer's e-mail addresses reach the same mailbox.",
                        (("referrer", "prt_1"), ("referee", "cus_2")),
                    ),
                ),
                "self_referral",
            ),
        ),
        (
            {"duplicate_of": "cnv_7"},
            Judgement(
                "deny",
                100,
                (
                    Signal(
                        "duplicate_order",
                        100,
                        "Another conversion already stands for this order.",
                        (("conversion", "cnv_7"),),
                    ),
                ),
                "duplicate_order",
            ),
        ),
        (
            SAME_DEVICE,
            Judgement(
                "hold",
                60,
                (
                    Signal(
                        "same_device",
                        60,
                        "The referrer and the referred customer used the same device.",
                        (("referrer", "prt_1"), ("referee", "cus_2")),
                    ),
                ),
                "same_device",
            ),
        ),
        (
            {"seconds_to_conversion": 9},
            Judgement(
                "hold",
                50,
                (
                    Signal(
                        "too_fast",
                        50,
                        "The conversion came 9 s after the click; under 10 s is held for a look.",
                        (("seconds", "9"), ("limit_seconds", "10")),
                    ),
                ),
                "too_fast",
            ),
        ),
        (
            {"disposable_mail": True},
            Judgement(
                "allow",
                30,
                (
                    Signal(
                        "disposable_mail",
                        30,
                        "The referred customer's e-mail address is from a provider of throw-away addresses.",
                        (("referee", "cus_2"),),
                    ),
                ),
                "below_threshold",
            ),
        ),
        (
            SAME_IP,
            Judgement(
                "allow",
                20,
                (
                    Signal(
                        "same_ip",
                        20,
                        "The referrer and the referred customer used the same network address.",
                        (("referrer", "prt_1"), ("referee", "cus_2")),
                    ),
                ),
                "below_threshold",
            ),
        ),
    ],
)
def test_each_rule_by_itself(known: dict[str, Any], expected: Judgement) -> None:
    assert judge(facts(**known), FraudSettings()) == expected


@pytest.mark.parametrize(
    "known",
    [
        {"referrer_mailbox": "ana@gmail.com", "referee_mailbox": "bo@gmail.com"},
        {"referrer_mailbox": "ana@gmail.com"},
        {"referee_mailbox": "ana@gmail.com"},
        {"referrer_device": "d1", "referee_device": "d2"},
        {"referee_device": "d2"},
        {"referrer_ip_hash": "9f", "referee_ip_hash": "aa"},
        {"referee_ip_hash": "9f"},
        {"seconds_to_conversion": 10},
    ],
)
def test_what_differs_or_is_not_known_is_no_signal(known: dict[str, Any]) -> None:
    assert judge(facts(**known), FraudSettings()).signals == ()


def test_small_doubts_add_up_to_a_hold() -> None:
    judgement = judge(facts(disposable_mail=True, **SAME_IP), FraudSettings())

    assert (judgement.outcome, judgement.score, judgement.reason) == ("hold", 50, "disposable_mail")
    assert [signal.rule for signal in judgement.signals] == ["disposable_mail", "same_ip"]


def test_doubts_never_add_up_to_a_denial() -> None:
    known = {**SAME_DEVICE, **SAME_IP, "seconds_to_conversion": 0, "disposable_mail": True}
    judgement = judge(facts(**known), FraudSettings())

    assert (judgement.outcome, judgement.score, judgement.reason) == ("hold", 160, "same_device")


def test_a_proof_denies_and_keeps_the_doubts() -> None:
    judgement = judge(facts(**SAME_IP, **SAME_MAILBOX), FraudSettings())

    assert (judgement.outcome, judgement.score, judgement.reason) == ("deny", 120, "self_referral")
    assert [signal.rule for signal in judgement.signals] == ["same_mailbox", "same_ip"]


def test_a_program_sets_weights_and_thresholds() -> None:
    strict = FraudSettings(hold_at=20, deny_at=60)
    lenient = FraudSettings(weights=(("same_customer", 50), ("same_device", 0)), too_fast_seconds=3)

    assert judge(facts(**SAME_IP), strict).outcome == "hold"
    assert judge(facts(**SAME_DEVICE), strict).outcome == "deny"
    assert judge(facts(same_customer=True), lenient).outcome == "hold"
    assert judge(facts(seconds_to_conversion=3), lenient).outcome == "allow"
    recorded = judge(facts(**SAME_DEVICE), lenient)
    assert (recorded.outcome, recorded.score, len(recorded.signals)) == ("allow", 0, 1)


def test_other_rules_can_be_run() -> None:
    def always(facts: Facts, settings: FraudSettings) -> Signal:
        return Signal("country_mismatch", 70, "Always.", ())

    judgement = judge(facts(), FraudSettings(), rules=(*RULES, always))

    assert (judgement.outcome, judgement.reason) == ("hold", "country_mismatch")


def test_every_rule_has_a_default_weight() -> None:
    assert {rule.__name__ for rule in RULES} == set(DEFAULT_WEIGHTS)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"hold_at": 0}, "hold_at"),
        ({"hold_at": 101}, "hold_at"),
        ({"too_fast_seconds": -1}, "too_fast_seconds"),
        ({"weights": (("astrology", 1),)}, "weights"),
        ({"weights": (("same_ip", 1), ("same_ip", 2))}, "weights"),
        ({"weights": (("same_ip", -1),)}, "weights"),
    ],
)
def test_settings_are_refused_by_name(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} "):
        FraudSettings(**settings)


def test_a_negative_age_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^seconds_to_conversion "):
        facts(seconds_to_conversion=-1)


@given(
    st.builds(
        Facts,
        referrer=st.just("prt_1"),
        referee=st.just("cus_2"),
        referrer_mailbox=st.sampled_from([None, "a@mailbox.test", "b@mailbox.test"]),
        referee_mailbox=st.sampled_from([None, "a@mailbox.test"]),
        referrer_device=st.sampled_from([None, "device-1"]),
        referee_device=st.sampled_from([None, "device-1", "device-2"]),
        referrer_ip_hash=st.sampled_from([None, "address-1"]),
        referee_ip_hash=st.sampled_from([None, "address-1"]),
        seconds_to_conversion=st.none() | st.integers(0, 60),
        same_customer=st.booleans(),
        disposable_mail=st.booleans(),
        duplicate_of=st.sampled_from([None, "cnv_7"]),
    ),
    st.builds(
        FraudSettings,
        hold_at=st.integers(1, 60),
        deny_at=st.integers(60, 200),
        weights=st.dictionaries(st.sampled_from(sorted(DEFAULT_WEIGHTS)), st.integers(0, 200)).map(
            lambda weights: tuple(weights.items())
        ),
    ),
)
def test_a_judgement_replays_and_reveals_nothing_personal(known: Facts, settings: FraudSettings) -> None:
    judgement = judge(known, settings)
    stored = json.loads(json.dumps(encode_inputs(known, settings)))
    result = json.dumps(encode_judgement(judgement))

    assert replay(stored) == judgement
    assert json.loads(result) == encode_judgement(judgement)
    assert encode_inputs(known, settings) == stored
    assert not any(secret in result for secret in ("mailbox.test", "device-", "address-"))
    proofs = [signal for signal in judgement.signals if signal.weight >= settings.deny_at]
    assert (judgement.outcome == "deny") == bool(proofs)
    if judgement.outcome == "allow":
        assert judgement.score < settings.hold_at


def test_a_record_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^format must be 1$"):
        replay({"format": 0})
