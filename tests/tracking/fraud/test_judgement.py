from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.fraud import DEFAULT_WEIGHTS, RULES, Facts, FraudSettings, Judgement, Signal, judge

RANKS = {"allow": 0, "hold": 1, "deny": 2}
SAME_IP = {"shared_addresses": 1}
SAME_DEVICE = {"shared_devices": 1}
SAME_MAILBOX = {"referrer_mailbox": "9f", "referee_mailbox": "9f"}
ALLOWED = {"listed_as": (("allow", "participant", "prt_1"),)}


def facts(**known: Any) -> Facts:
    return Facts(referrer="prt_1", referee="cus_2", **known)


DOUBTS: tuple[dict[str, Any], ...] = (
    {"same_customer": True},
    SAME_MAILBOX,
    {"referee_known_as": ("cus_9",)},
    SAME_DEVICE,
    {"shared_payments": 1},
    {"shared_postal": 1},
    SAME_IP,
    {"participant_conversions_hour": 99},
    {"address_conversions_hour": 99},
    {"device_conversions_hour": 99},
    {"disposable_mail": True},
    {"seconds_to_conversion": 0},
    {"refused_agent": "robot"},
    {"participant_conversions": 9, "participant_refunded": 9},
    {"circular_with": "ref_4"},
    {"source_host": "coupons.example"},
    {"click_country": "VN", "customer_country": "DE"},
    {"ring": ("cus_4", "cus_5", "cus_6")},
    {"duplicate_of": "cnv_7"},
)
known_facts = st.lists(st.sampled_from(DOUBTS), max_size=8).map(
    lambda chosen: facts(**{name: value for doubt in chosen for name, value in doubt.items()})
)
listed = st.sampled_from(
    [
        (),
        (("allow", "participant", "prt_1"),),
        (("block", "country", "VN"),),
        (("allow", "participant", "prt_1"), ("block", "country", "VN")),
    ]
)
rule_names = st.lists(st.sampled_from(sorted(DEFAULT_WEIGHTS)), unique=True, max_size=6).map(tuple)
settings_of = st.builds(
    FraudSettings,
    hold_at=st.integers(1, 60),
    deny_at=st.integers(60, 200),
    weights=st.dictionaries(
        st.sampled_from(sorted(DEFAULT_WEIGHTS.keys() - {"allow_list"})), st.integers(0, 200)
    ).map(lambda weights: tuple(weights.items())),
    banned_sources=st.sampled_from([(), ("coupons.example",)]),
)


def test_nothing_suspicious_is_allowed() -> None:
    assert judge(facts(), FraudSettings()) == Judgement("allow", 0, (), "no_signal", "allow")


@pytest.mark.parametrize(
    ("known", "outcome", "score", "reason"),
    [
        ({"same_customer": True}, "deny", 100, "self_referral"),
        (SAME_MAILBOX, "deny", 100, "self_referral"),
        ({"duplicate_of": "cnv_7"}, "deny", 100, "duplicate_order"),
        ({"listed_as": (("block", "country", "VN"),)}, "deny", 100, "block_list"),
        ({"ring": ("cus_4", "cus_5")}, "hold", 70, "ring"),
        ({"referee_known_as": ("cus_9",)}, "hold", 60, "known_person"),
        (SAME_DEVICE, "hold", 60, "same_device"),
        ({"shared_payments": 1}, "hold", 60, "same_payment"),
        ({"circular_with": "ref_4"}, "hold", 60, "circular"),
        ({"participant_conversions_hour": 21}, "hold", 50, "velocity_participant"),
        ({"device_conversions_hour": 4}, "hold", 50, "velocity_device"),
        ({"seconds_to_conversion": 0}, "hold", 50, "too_fast"),
        ({"source_host": "coupons.example"}, "hold", 50, "banned_source"),
        ({"address_conversions_hour": 6}, "allow", 40, "below_threshold"),
        ({"refused_agent": "robot"}, "allow", 40, "below_threshold"),
        ({"participant_conversions": 5, "participant_refunded": 5}, "allow", 40, "below_threshold"),
        ({"shared_postal": 1}, "allow", 30, "below_threshold"),
        ({"disposable_mail": True}, "allow", 30, "below_threshold"),
        (SAME_IP, "allow", 20, "below_threshold"),
        ({"click_country": "VN", "customer_country": "DE"}, "allow", 15, "below_threshold"),
        (ALLOWED, "allow", 0, "below_threshold"),
    ],
)
def test_what_each_rule_does_by_itself(known: dict[str, Any], outcome: str, score: int, reason: str) -> None:
    judgement = judge(facts(**known), FraudSettings(banned_sources=("coupons.example",)))

    assert (judgement.outcome, judgement.score, judgement.reason) == (outcome, score, reason)
    assert judgement.shadow_outcome == outcome
    assert len(judgement.signals) == 1


def test_a_household_is_no_fraud() -> None:
    home = {**SAME_IP, "click_country": "FR", "customer_country": "DE"}
    judgement = judge(facts(**home), FraudSettings())

    assert (judgement.outcome, judgement.score) == ("allow", 35)


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


def test_a_rule_in_the_shadow_is_recorded_and_counts_nothing() -> None:
    settings = FraudSettings(shadow=("same_device", "same_mailbox"))
    judgement = judge(facts(**SAME_DEVICE, **SAME_MAILBOX, **SAME_IP), settings)

    assert (judgement.outcome, judgement.score, judgement.reason) == ("allow", 20, "below_threshold")
    assert judgement.shadow_outcome == "deny"
    assert [(signal.rule, signal.weight, signal.shadow) for signal in judgement.signals] == [
        ("same_ip", 20, False),
        ("same_mailbox", 100, True),
        ("same_device", 60, True),
    ]
    only = judge(facts(**SAME_DEVICE), settings)
    assert (only.outcome, only.reason, only.shadow_outcome) == ("allow", "no_signal", "hold")


def test_a_shared_address_in_the_shadow_keeps_its_mark() -> None:
    known = facts(**SAME_IP, address_is_shared_widely=True)
    [signal] = judge(known, FraudSettings(shadow=("same_ip",))).signals

    assert (signal.weight, signal.shadow) == (0, True)


def test_a_rule_that_is_off_does_not_run() -> None:
    judgement = judge(facts(**SAME_DEVICE, **SAME_IP), FraudSettings(off=("same_device",)))

    assert (judgement.outcome, judgement.shadow_outcome) == ("allow", "allow")
    assert [signal.rule for signal in judgement.signals] == ["same_ip"]


@pytest.mark.parametrize("known", [SAME_DEVICE, SAME_MAILBOX, {"ring": ("cus_4", "cus_5")}])
def test_the_allow_list_lifts_doubts_and_is_recorded(known: dict[str, Any]) -> None:
    judgement = judge(facts(**known, **ALLOWED), FraudSettings())

    assert (judgement.outcome, judgement.reason, judgement.shadow_outcome) == ("allow", "allow_list", "allow")
    assert judgement.signals[-1].rule == "allow_list"
    assert judgement.score == judgement.signals[0].weight > 0


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"same_customer": True, **ALLOWED}, "self_referral"),
        ({"duplicate_of": "cnv_7", **ALLOWED}, "duplicate_order"),
        ({"listed_as": (*ALLOWED["listed_as"], ("block", "country", "VN"))}, "block_list"),
    ],
)
def test_the_allow_list_does_not_lift_proofs_and_refusals(known: dict[str, Any], reason: str) -> None:
    judgement = judge(facts(**SAME_DEVICE, **known), FraudSettings())

    assert (judgement.outcome, judgement.reason) == ("deny", reason)


def test_what_stands_against_the_allow_list_is_weighed_without_the_doubts() -> None:
    settings = FraudSettings(weights=(("same_customer", 50),))
    judgement = judge(facts(same_customer=True, **SAME_MAILBOX, **ALLOWED), settings)

    assert (judgement.outcome, judgement.score, judgement.reason) == ("hold", 150, "self_referral")
    assert judgement.signals[0].rule == "same_mailbox"


def test_the_allow_list_in_the_shadow_lifts_nothing() -> None:
    judgement = judge(facts(**SAME_DEVICE, **ALLOWED), FraudSettings(shadow=("allow_list",)))

    assert (judgement.outcome, judgement.reason, judgement.shadow_outcome) == ("hold", "same_device", "allow")


def test_other_rules_can_be_run() -> None:
    def always(facts: Facts, settings: FraudSettings) -> Signal:
        return Signal("full_moon", 70, "Always.", ())

    judgement = judge(facts(), FraudSettings(), rules=(*RULES, always))

    assert (judgement.outcome, judgement.reason) == ("hold", "full_moon")


@given(known_facts, st.sampled_from(DOUBTS), listed, settings_of)
def test_one_more_doubt_never_lowers_the_outcome(
    known: Facts, doubt: dict[str, Any], entries: Any, settings: FraudSettings
) -> None:
    before = judge(replace(known, listed_as=entries), settings)
    after = judge(replace(known, listed_as=entries, **doubt), settings)

    assert RANKS[after.outcome] >= RANKS[before.outcome]
    assert after.score >= before.score


@given(known_facts, listed, settings_of, rule_names)
def test_rules_in_the_shadow_never_change_the_outcome(
    known: Facts, entries: Any, settings: FraudSettings, shadow: tuple[str, ...]
) -> None:
    known = replace(known, listed_as=entries)
    judgement = judge(known, replace(settings, shadow=shadow))
    without = judge(known, replace(settings, off=shadow))

    assert (judgement.outcome, judgement.score, judgement.reason) == (
        without.outcome,
        without.score,
        without.reason,
    )
    assert tuple(signal for signal in judgement.signals if not signal.shadow) == without.signals
    assert judgement.shadow_outcome == judge(known, settings).outcome


@given(known_facts, listed, settings_of, rule_names, st.permutations(RULES))
def test_the_order_of_the_rules_changes_nothing(
    known: Facts, entries: Any, settings: FraudSettings, shadow: tuple[str, ...], rules: Any
) -> None:
    known, settings = replace(known, listed_as=entries), replace(settings, shadow=shadow)

    assert judge(known, settings, rules) == judge(known, settings)


@given(known_facts, settings_of)
def test_only_a_proof_denies_and_only_enough_doubt_holds(known: Facts, settings: FraudSettings) -> None:
    judgement = judge(known, settings)

    proofs = [signal for signal in judgement.signals if signal.weight >= settings.deny_at]
    assert (judgement.outcome == "deny") == bool(proofs)
    assert (judgement.outcome == "allow") == (judgement.score < settings.hold_at)


@given(
    shared=st.integers(0, 9),
    widely=st.booleans(),
    clicked=st.sampled_from([None, "FR", "DE"]),
    lives=st.sampled_from([None, "FR", "DE"]),
)
def test_no_household_is_ever_held(shared: int, widely: bool, clicked: str | None, lives: str | None) -> None:
    known = facts(
        shared_addresses=shared,
        address_is_shared_widely=widely,
        click_country=clicked,
        customer_country=lives,
    )
    assert judge(known, FraudSettings()).outcome == "allow"
