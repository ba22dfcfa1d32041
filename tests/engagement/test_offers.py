"""What rewards are called, for the people who get them."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string

from engagement.queries.earnings import reward_words
from engagement.queries.offers import benefit, gift_words, is_worth_telling
from programs.terms import CustomTerms, FixedAmount, ProductTerms, ProgramTerms, RewardRule
from rewards.models import Reward

DINNER = RewardRule("dinner", "referee", "purchase", "custom", custom=CustomTerms("a dinner"))
MUG = RewardRule("mug", "referee", "purchase", "product", product=ProductTerms("MUG-1", "a mug"))
CARD = RewardRule("card", "referee", "purchase", "gift_card", FixedAmount(5000))
TERMS = ProgramTerms("EUR", rewards=(DINNER, MUG, CARD))


def reward(kind: str, rule_key: str, amount_minor: int = 0) -> Reward:
    return Reward(kind=kind, rule_key=rule_key, unit="EUR", amount_minor=amount_minor, status="issued")


@pytest.mark.parametrize(
    ("kind", "rule_key", "amount_minor", "words", "standing"),
    [
        ("gift_card", "card", 5000, "a gift card of €50.00", "Ready to use"),
        ("custom", "dinner", 0, "“a dinner”", "Given to you"),
        ("custom", "gone", 0, "a reward", "Given to you"),
        ("product", "mug", 0, "“a mug”", "On its way to you"),
        ("product", "gone", 0, "a product", "On its way to you"),
    ],
)
def test_gifts_are_called_by_their_name(
    kind: str, rule_key: str, amount_minor: int, words: str, standing: str
) -> None:
    found = reward(kind, rule_key, amount_minor)
    assert gift_words(found, TERMS) == words
    assert reward_words(found) == standing
    assert is_worth_telling(found)


@pytest.mark.parametrize(("rule", "words"), [(DINNER, "a dinner"), (MUG, "a mug"), (CARD, "€50")])
def test_the_friends_part_in_a_few_words(rule: RewardRule, words: str) -> None:
    assert benefit(ProgramTerms("EUR", rewards=(rule,))) == words


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"reward_kind": "gift_card", "code": "AB-12"}, "Your gift card's code:"),
        ({"reward_kind": "discount", "code": "AB-12"}, "Your discount code:"),
        ({"reward_kind": "custom"}, "Acme has given it to you."),
    ],
)
def test_the_mail_of_an_issued_reward_says_what_to_do(facts: dict[str, Any], sentence: str) -> None:
    context = {"workspace_name": "Acme", "gift": "a gift", "occasion": "You bought something", **facts}
    for ending in ("html", "txt"):
        assert sentence in render_to_string(f"engagement/emails/reward_issued.{ending}", context)
