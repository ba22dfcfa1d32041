from dataclasses import replace
from typing import Any

import pytest

from programs.terms import ProgramTerms
from rewards.approval_policy import needs_person

STRICT = ProgramTerms("EUR", approval_above_minor=10_000, approval_score=30, approval_kinds=("gift_card",))


@pytest.mark.parametrize(
    ("terms", "facts", "sentence"),
    [
        (ProgramTerms("EUR"), {"amount_minor": 10**9, "score": 99}, ""),
        (
            ProgramTerms("EUR", approval="manual"),
            {},
            "Every reward of this program is approved by a person.",
        ),
        (STRICT, {}, ""),
        (STRICT, {"amount_minor": 10_000, "score": 29}, ""),
        (
            STRICT,
            {"amount_minor": 10_001},
            "The reward of €100.01 is above €100.00; a person approves it.",
        ),
        (STRICT, {"amount_minor": 10_001, "unit": "PTS", "kind": "points"}, ""),
        (STRICT, {"score": 30}, "The fraud score of 30 reaches 30; a person approves it."),
        (replace(STRICT, approval_score=0), {}, "The fraud score of 0 reaches 0; a person approves it."),
        (
            STRICT,
            {"kind": "gift_card"},
            "A reward of this kind (a gift card) is approved by a person.",
        ),
    ],
)
def test_who_approves(terms: ProgramTerms, facts: dict[str, Any], sentence: str) -> None:
    reward: dict[str, Any] = {"kind": "cash", "amount_minor": 500, "unit": "EUR", "score": 0}
    assert needs_person(terms, **(reward | facts)) == sentence
