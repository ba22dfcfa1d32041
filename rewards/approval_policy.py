"""Decides whether a person has to approve a reward. Pure: no Django and no clock."""

from __future__ import annotations

from core.money import display
from programs.terms import KIND_WORDS, ProgramTerms, RewardKind


def needs_person(terms: ProgramTerms, *, kind: RewardKind, amount_minor: int, unit: str, score: int) -> str:
    """Return why a person has to approve a reward, in a sentence; empty where it may approve itself.

    An amount is compared with the program's limit only in the program's currency: points have no limit.
    `score` is the weight of the fraud findings about the reward's conversion.
    """
    if terms.approval == "manual":
        return "Every reward of this program is approved by a person."
    if kind in terms.approval_kinds:
        return f"A reward of this kind ({KIND_WORDS[kind]}) is approved by a person."
    above = terms.approval_above_minor
    if above is not None and unit == terms.currency and amount_minor > above:
        amount, limit = display(amount_minor, unit), display(above, unit)
        return f"The reward of {amount} is above {limit}; a person approves it."
    if terms.approval_score is not None and score >= terms.approval_score:
        return f"The fraud score of {score} reaches {terms.approval_score}; a person approves it."
    return ""
