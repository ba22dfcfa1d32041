from typing import Any, get_args

import pytest
from hypothesis import given

from programs.terms import (
    FRAUD_RULES,
    FRAUD_WEIGHTS,
    FRAUD_WORDS,
    Change,
    FraudTerms,
    ProgramTerms,
    TermsInvalid,
    diff,
    dump_terms,
    parse_terms,
)
from programs.terms.fraud import FraudRule
from tests.programs.terms.examples import fraud_terms, full_document, full_terms


def faults(fraud: object) -> list[tuple[str, str]]:
    with pytest.raises(TermsInvalid) as caught:
        parse_terms(full_document() | {"fraud": fraud})
    return [(fault.param, fault.code) for fault in caught.value.errors]


def test_terms_without_a_word_about_fraud_take_the_defaults() -> None:
    assert parse_terms({"schema": 1, "currency": "EUR"}).fraud == FraudTerms()
    assert parse_terms({"schema": 1, "currency": "EUR", "fraud": {}}).fraud == FraudTerms()
    assert parse_terms({"schema": 1, "currency": "EUR", "fraud": None}).fraud == FraudTerms()
    assert dump_terms(ProgramTerms(currency="EUR"))["fraud"] == {
        "hold_at": 50,
        "deny_at": 100,
        "weights": {},
        "shadow": [],
        "off": [],
        "too_fast_seconds": 10,
        "participant_per_hour": 20,
        "address_per_hour": 5,
        "device_per_hour": 3,
        "refund_rate_percent": 50,
        "refund_rate_least": 5,
        "ring_size": 2,
        "banned_sources": [],
        "verify_email": False,
        "validation_url": "",
        "validate_orders": False,
    }


@pytest.mark.parametrize(
    ("fraud", "param", "code"),
    [
        ([], "fraud", "not_an_object"),
        ({"astrology": 1}, "fraud.astrology", "unknown_key"),
        ({"hold_at": 0}, "fraud.hold_at", "out_of_range"),
        ({"hold_at": 101}, "fraud.hold_at", "above_deny_at"),
        ({"deny_at": 49}, "fraud.hold_at", "above_deny_at"),
        ({"deny_at": 1001}, "fraud.deny_at", "out_of_range"),
        ({"weights": []}, "fraud.weights", "not_an_object"),
        ({"weights": {"astrology": 1}}, "fraud.weights.astrology", "not_a_choice"),
        ({"weights": {7: 1}}, "fraud.weights.7", "not_a_choice"),
        ({"weights": {"ring": -1}}, "fraud.weights.ring", "out_of_range"),
        ({"weights": {"ring": "70"}}, "fraud.weights.ring", "not_an_integer"),
        ({"weights": {"allow_list": 0}}, "fraud.weights.allow_list", "not_allowed"),
        ({"shadow": ["astrology"]}, "fraud.shadow.0", "not_a_choice"),
        ({"shadow": ["ring", "ring"]}, "fraud.shadow", "duplicate"),
        ({"off": "ring"}, "fraud.off", "not_a_list"),
        ({"off": ["ring"], "shadow": ["ring"]}, "fraud.off", "also_in_shadow"),
        ({"too_fast_seconds": 86_401}, "fraud.too_fast_seconds", "out_of_range"),
        ({"participant_per_hour": 0}, "fraud.participant_per_hour", "out_of_range"),
        ({"address_per_hour": 0}, "fraud.address_per_hour", "out_of_range"),
        ({"device_per_hour": 0}, "fraud.device_per_hour", "out_of_range"),
        ({"refund_rate_percent": 101}, "fraud.refund_rate_percent", "out_of_range"),
        ({"refund_rate_least": 0}, "fraud.refund_rate_least", "out_of_range"),
        ({"ring_size": 0}, "fraud.ring_size", "out_of_range"),
        ({"banned_sources": ["*"]}, "fraud.banned_sources.0", "invalid_format"),
        ({"banned_sources": ["*.*"]}, "fraud.banned_sources.0", "invalid_format"),
        ({"banned_sources": ["Coupons.example"]}, "fraud.banned_sources.0", "invalid_format"),
        ({"banned_sources": ["https://coupons.example"]}, "fraud.banned_sources.0", "invalid_format"),
        ({"banned_sources": ["a" * 64]}, "fraud.banned_sources.0", "invalid_format"),
        ({"banned_sources": ["a.example", "a.example"]}, "fraud.banned_sources", "duplicate"),
        ({"verify_email": 1}, "fraud.verify_email", "not_a_boolean"),
        ({"validate_orders": "yes"}, "fraud.validate_orders", "not_a_boolean"),
        ({"validation_url": "http://shop.example/"}, "fraud.validation_url", "invalid_format"),
        ({"validation_url": "https://localhost/"}, "fraud.validation_url", "invalid_format"),
        ({"validation_url": "https://10.0.0.1/"}, "fraud.validation_url", "invalid_format"),
        ({"validation_url": "https://u@shop.example/"}, "fraud.validation_url", "invalid_format"),
        ({"validation_url": "https://shop.example/ x"}, "fraud.validation_url", "invalid_format"),
        ({"validation_url": "https://shop.example:65536/"}, "fraud.validation_url", "invalid_format"),
    ],
)
def test_one_wrong_field_is_the_one_named(fraud: dict[str, Any], param: str, code: str) -> None:
    assert faults(fraud) == [(param, code)]


def test_all_faults_are_named_at_once() -> None:
    assert faults({"hold_at": 0, "ring_size": 0, "weights": {"moon": 1}, "x": 1}) == [
        ("fraud.hold_at", "out_of_range"),
        ("fraud.weights.moon", "not_a_choice"),
        ("fraud.ring_size", "out_of_range"),
        ("fraud.x", "unknown_key"),
    ]


@pytest.mark.parametrize(
    "url", ["https://shop.example", "https://shop.example:8443/a?b=c", "HTTPS://S.Example/"]
)
def test_addresses_that_may_be_asked(url: str) -> None:
    assert parse_terms(full_document() | {"fraud": {"validation_url": url}}).fraud.validation_url == url


def test_a_weight_is_the_programs_or_the_usual_one() -> None:
    terms = full_terms().fraud

    assert (terms.weight("ring"), terms.weight("same_ip"), terms.weight("circular")) == (80, 0, 60)


def test_diff_names_rules() -> None:
    document = full_document()
    document["fraud"] |= {"weights": {"same_ip": 0}, "off": [], "hold_at": 45}

    assert diff(full_terms(), parse_terms(document)) == (
        Change("fraud.hold_at", 40, 45),
        Change("fraud.weights.ring", 80, None),
        Change("fraud.off", ["country_mismatch"], []),
    )


def test_every_rule_has_a_weight_and_words() -> None:
    assert tuple(FRAUD_WEIGHTS) == tuple(FRAUD_WORDS) == FRAUD_RULES == get_args(FraudRule)
    assert all(sentence.endswith(".") for _, sentence in FRAUD_WORDS.values())
    assert len({name for name, _ in FRAUD_WORDS.values()}) == len(FRAUD_RULES)


@given(fraud_terms)
def test_the_order_of_names_means_nothing(terms: FraudTerms) -> None:
    document: Any = dump_terms(ProgramTerms(currency="EUR", fraud=terms))
    document["fraud"]["shadow"].reverse()
    document["fraud"]["off"].reverse()
    document["fraud"]["weights"] = dict(reversed(document["fraud"]["weights"].items()))

    assert parse_terms(document).fraud == terms
