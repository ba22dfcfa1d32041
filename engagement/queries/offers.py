"""What a program offers and what somebody earned, in words for the people it is offered to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accounts.models import Workspace
from core.money import display
from programs import queries as program_queries
from programs.facts import cap_sentences
from programs.models import Program
from programs.terms import (
    UNDIVIDED_KINDS,
    PercentageAmount,
    ProgramTerms,
    RewardRule,
    RewardSide,
    amount_text,
    gift_name,
    percent_text,
    reward_sentence,
)
from programs.terms import headline as terms_headline
from rewards.models import Reward

_NAMED: Final = {"product": "a product", "custom": "a reward"}
"""Kinds that have a name, and what they are called without one."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The promises to each side, one sentence for each reward: "You get …".

    `headline` is the whole of it in a few words, `benefit` the friend's part. `to_friends` says to a referrer
    what is promised to the other side: "Your friend gets …".
    """

    headline: str
    benefit: str
    to_referrer: tuple[str, ...]
    to_referee: tuple[str, ...]
    to_friends: tuple[str, ...]
    hold_days: int


def offer_of(program: Program) -> Offer:
    """Return what a program's live version offers; needs a published program."""
    return _offer(program_queries.live_terms(program))


def offers_of(workspace: Workspace, programs: Iterable[Program]) -> dict[int, Offer]:
    """Return what the live versions of published programs offer, by the programs' keys."""
    versions = program_queries.live_versions(
        workspace, {program.pk: program for program in programs}.values()
    )
    return {key: _offer(program_queries.terms_of(version)) for key, version in versions.items()}


def _offer(terms: ProgramTerms) -> Offer:
    return Offer(
        headline=headline(terms),
        benefit=benefit(terms),
        to_referrer=promises(terms, "referrer"),
        to_referee=promises(terms, "referee"),
        to_friends=promises(terms, "referee", "Your friend gets"),
        hold_days=terms.hold_days,
    )


def promises(terms: ProgramTerms, side: RewardSide, subject: str = "You get") -> tuple[str, ...]:
    """Return the sentences of one side's rewards, with that side called `subject`."""
    return tuple(
        subject
        + reward_sentence(rule, terms.currency, terms.eligibility.minimum_order_minor).removeprefix(
            f"The {side} gets"
        )
        for rule in terms.rewards
        if rule.side == side
    )


def own_caps(terms: ProgramTerms) -> tuple[str, ...]:
    """Return what limits one person's rewards; a budget of the whole program is not theirs to know."""
    return tuple(
        sentence.replace("One person gets", "You get", 1) for sentence in cap_sentences(terms, "participant")
    )


def headline(terms: ProgramTerms) -> str:
    """Return the offer in a few words, "Give €10, get 10 %"; nothing for a program without rewards."""
    return _round(terms_headline(terms))


def benefit(terms: ProgramTerms) -> str:
    """Return the friend's first reward in a few words, "€10" or "15 % off"; nothing where there is none."""
    rule = next((rule for rule in terms.rewards if rule.side == "referee"), None)
    if rule is None:
        return ""
    if name := gift_name(rule):
        return name
    amount = rule.discount if rule.kind == "discount" else rule.amount
    if amount is None:
        return ""
    return _round(amount_text(rule, amount, terms.currency)) + (" off" if rule.kind == "discount" else "")


def _round(text: str) -> str:
    # Round amounts read better without their zeros.
    return re.sub(r"\.0+(?!\d)", "", text)


def gift_words(reward: Reward, terms: ProgramTerms) -> str:
    """Return what a reward is worth, as it stands in a sentence; `terms` are those of its version.

    After a partial refund that is what is left; after a full one, what it was.
    """
    amount = display(reward.net_minor or reward.amount_minor, reward.unit)
    if reward.kind == Reward.Kind.CASH:
        return f"{amount} in cash"
    if reward.kind == Reward.Kind.CREDIT:
        return f"{amount} in store credit"
    if reward.kind == Reward.Kind.POINTS:
        return amount
    if reward.kind == "gift_card":
        return f"a gift card of {amount}"
    rule = next((rule for rule in terms.rewards if rule.key == reward.rule_key), None)
    if reward.kind in _NAMED:
        name = gift_name(rule) if rule is not None else ""
        return f"“{name}”" if name else _NAMED[reward.kind]
    return _discount_words(rule, terms.currency)


def _discount_words(rule: RewardRule | None, currency: str) -> str:
    if rule is None or rule.discount is None:
        return "a discount"
    if isinstance(rule.discount, PercentageAmount):
        return f"a discount of {percent_text(rule.discount.bps)}"
    return f"a discount of {display(rule.discount.minor, currency)}"


def is_worth_telling(reward: Reward) -> bool:
    """Tell whether anything of a reward is left for its owner."""
    # What is given whole may be promised without a value in money.
    if reward.kind in UNDIVIDED_KINDS and reward.amount_minor == 0:
        return True
    return reward.net_minor > 0
