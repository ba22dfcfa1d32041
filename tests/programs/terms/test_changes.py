from hypothesis import given

from programs.terms import Change, ProgramTerms, diff, parse_terms
from tests.programs.terms.examples import full_document, full_terms, program_terms


def test_diff_names_each_change() -> None:
    document = full_document()
    document["hold_days"] = 30
    document["rewards"][0]["amount"] = {"type": "fixed", "minor": 700}
    document["attribution"]["channel_weights"] = {"email": 150, "sms": 80}
    document["eligibility"]["countries"] = ["DE"]
    removed = document["rewards"].pop(2)
    assert diff(full_terms(), parse_terms(document)) == (
        Change("attribution.channel_weights.social", 50, None),
        Change("attribution.channel_weights.sms", None, 80),
        Change("rewards.referrer-purchase.amount.type", "percentage", "fixed"),
        Change("rewards.referrer-purchase.amount.bps", 1000, None),
        Change("rewards.referrer-purchase.amount.minor", None, 700),
        Change("rewards.referee-welcome", removed, None),
        Change("hold_days", 14, 30),
        Change("eligibility.countries", ["DE", "AT"], ["DE"]),
    )


def test_diff_sees_another_order_of_the_rules() -> None:
    document = full_document()
    document["rewards"].reverse()
    assert diff(full_terms(), parse_terms(document)) == (
        Change(
            "rewards",
            ["referrer-purchase", "referee-mug", "referee-welcome", "referrer-party"],
            ["referrer-party", "referee-welcome", "referee-mug", "referrer-purchase"],
        ),
    )


def test_diff_compares_caps_by_their_key() -> None:
    document = full_document()
    document["caps"][1]["limit_count"] = 600
    removed = document["caps"].pop(0)
    assert diff(full_terms(), parse_terms(document)) == (
        Change("caps.person", removed, None),
        Change("caps.budget.limit_count", 500, 600),
    )


def test_diff_takes_a_tree_of_conditions_as_one_thing() -> None:
    document = full_document()
    before = document["eligibility"]["conditions"]
    after = {"all": [{"fact": "customer.country", "op": "is_known"}]}
    document["eligibility"]["conditions"] = after
    assert diff(full_terms(), parse_terms(document)) == (Change("eligibility.conditions", before, after),)


@given(program_terms(), program_terms())
def test_diff_is_empty_only_for_equal_terms(old: ProgramTerms, new: ProgramTerms) -> None:
    assert diff(old, old) == ()
    assert (diff(old, new) == ()) == (old == new)
