import pytest

from core.money import MoneyInvalid
from programs.terms import (
    ProgramKind,
    ProgramTerms,
    default_terms,
    dump_terms,
    parse_terms,
    publish_errors,
    reward_presets,
    summary,
)

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


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_ready_sets_of_rewards_are_valid_and_differ(currency: str) -> None:
    presets = reward_presets(currency)
    for preset in presets:
        terms = ProgramTerms(currency, rewards=preset.rewards)
        assert parse_terms(dump_terms(terms)) == terms
        assert [fault.param for fault in publish_errors(terms)] == ["destination_url"]
    assert len({preset.key for preset in presets}) == len({preset.rewards for preset in presets}) == 6


def test_the_sets_with_a_milestone_and_a_gift_card_say_what_they_give() -> None:
    sets = {preset.key: ProgramTerms("EUR", rewards=preset.rewards) for preset in reward_presets("EUR")}
    assert summary(sets["milestone"])[:2] == (
        "The referrer gets 10 % of the first purchase as store credit.",
        "The referrer gets €20.00 for every 5 friends as store credit.",
    )
    assert summary(sets["gift-card"])[0] == (
        "The referrer gets €10.00 for the first purchase as a gift card, for orders from €30.00, "
        "to be used within 365 days."
    )


def test_ready_sets_need_a_currency() -> None:
    with pytest.raises(MoneyInvalid):
        reward_presets("PTS")
