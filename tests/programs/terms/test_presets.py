import pytest

from core.money import MoneyInvalid
from programs.terms import ProgramKind, default_terms, dump_terms, parse_terms, publish_errors, summary

KINDS: tuple[ProgramKind, ...] = ("customer", "b2b", "influencer", "affiliate")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_presets_are_valid_terms(kind: ProgramKind, currency: str) -> None:
    terms = default_terms(kind, currency)
    assert parse_terms(dump_terms(terms)) == terms
    assert [fault.param for fault in publish_errors(terms)] == ["destination_url"]


def test_presets_differ_where_the_kinds_do() -> None:
    assert summary(default_terms("customer", "EUR")) == (
        "The referrer gets 10 % of the first purchase as store credit.",
        "The referee gets a discount of 10 % for the sign-up.",
    )
    assert summary(default_terms("b2b", "EUR")) == (
        "The referrer gets 5 % of the first “won” event as cash.",
    )
    assert summary(default_terms("influencer", "EUR")) == (
        "The referrer gets 10 % of each purchase as cash, for 12 months.",
        "The referee gets a discount of 10 % for the sign-up.",
    )
    assert summary(default_terms("affiliate", "EUR")) == (
        "The referrer gets 20 % of each purchase as cash, for 12 months.",
    )
    assert [default_terms(kind, "EUR").approval for kind in KINDS] == [
        "automatic",
        "manual",
        "manual",
        "automatic",
    ]
    assert [default_terms(kind, "EUR").eligibility.new_customers_only for kind in KINDS] == [
        True,
        False,
        False,
        False,
    ]


def test_presets_need_a_currency() -> None:
    with pytest.raises(MoneyInvalid) as caught:
        default_terms("customer", "PTS")
    assert caught.value.code == "unknown_currency"
