import pytest

from programs.eligibility import EligibilityFacts, EligibilityReason, Eligible, eligible
from programs.terms import EligibilityTerms

OPEN = EligibilityTerms()
STRICT = EligibilityTerms(minimum_order_minor=2000, new_customers_only=True, countries=("DE", "AT"))
GOOD = EligibilityFacts(order_minor=2000, currency="EUR", country="AT")


def test_open_terms_accept_anyone() -> None:
    facts = EligibilityFacts(order_minor=0, currency="USD", new_customer=False, earlier_purchases=9)
    assert eligible(terms=OPEN, currency="EUR", facts=facts) == Eligible(
        ok=True, reason="eligible", sentence="The order and the customer meet the program's conditions."
    )


def test_an_order_of_exactly_the_minimum_counts() -> None:
    assert eligible(terms=STRICT, currency="EUR", facts=GOOD, first_purchase_only=True).ok


@pytest.mark.parametrize(
    ("facts", "reason", "sentence"),
    [
        (
            EligibilityFacts(order_minor=2500, currency="USD", country="DE"),
            "currency_differs",
            "The order is in USD, the minimum is in EUR.",
        ),
        (
            EligibilityFacts(order_minor=1999, currency="EUR", country="DE"),
            "below_minimum_order",
            "The order of €19.99 is below the minimum of €20.00.",
        ),
        (
            EligibilityFacts(order_minor=2000, currency="EUR", country="DE", new_customer=False),
            "not_new_customer",
            "The customer had bought before the referral.",
        ),
        (
            EligibilityFacts(order_minor=2000, currency="EUR"),
            "country_unknown",
            "The customer's country is not known.",
        ),
        (
            EligibilityFacts(order_minor=2000, currency="EUR", country="CH"),
            "country_not_allowed",
            "The program does not run in CH.",
        ),
        (
            EligibilityFacts(order_minor=2000, currency="EUR", country="DE", earlier_purchases=1),
            "not_first_purchase",
            "Only a customer's first purchase counts.",
        ),
    ],
)
def test_the_failing_rule_is_named(facts: EligibilityFacts, reason: EligibilityReason, sentence: str) -> None:
    decision = eligible(terms=STRICT, currency="EUR", facts=facts, first_purchase_only=True)
    assert decision == Eligible(ok=False, reason=reason, sentence=sentence)


def test_an_event_without_an_order_has_no_minimum() -> None:
    assert eligible(terms=STRICT, currency="EUR", facts=EligibilityFacts(country="DE")).ok


def test_a_later_purchase_counts_unless_only_the_first_does() -> None:
    facts = EligibilityFacts(order_minor=100, currency="EUR", earlier_purchases=3)
    assert eligible(terms=OPEN, currency="EUR", facts=facts).ok
    assert not eligible(terms=OPEN, currency="EUR", facts=facts, first_purchase_only=True).ok


def test_without_a_minimum_the_currency_does_not_matter() -> None:
    facts = EligibilityFacts(order_minor=100, currency="USD", country="DE")
    assert eligible(terms=EligibilityTerms(countries=("DE",)), currency="EUR", facts=facts).ok
