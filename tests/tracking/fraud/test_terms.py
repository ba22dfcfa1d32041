"""What programs may say about fraud is what the rules understand."""

from dataclasses import asdict, fields

from hypothesis import given

from programs.terms import FRAUD_RULES, FRAUD_WEIGHTS, FraudTerms, ProgramTerms, dump_terms, parse_terms
from tests.programs.terms.examples import fraud_terms
from tracking.fraud import DEFAULT_WEIGHTS, RULES, FraudSettings


def test_programs_name_the_rules_that_are_there() -> None:
    assert tuple(rule.__name__ for rule in RULES) == FRAUD_RULES
    assert dict(DEFAULT_WEIGHTS) == dict(FRAUD_WEIGHTS)


def test_settings_and_terms_have_the_same_defaults() -> None:
    stated = asdict(FraudTerms())
    del stated["verify_email"], stated["validation_url"], stated["validate_orders"]

    assert {
        each.name: getattr(FraudSettings(), each.name) for each in fields(FraudSettings) if each.init
    } == stated


@given(fraud_terms)
def test_what_a_program_may_state_is_settings(terms: FraudTerms) -> None:
    document = dump_terms(ProgramTerms(currency="EUR", fraud=terms))
    stated = asdict(parse_terms(document).fraud)
    del stated["verify_email"], stated["validation_url"], stated["validate_orders"]
    settings = FraudSettings(**stated)

    assert [settings.weight(rule) for rule in FRAUD_RULES] == [terms.weight(rule) for rule in FRAUD_RULES]
