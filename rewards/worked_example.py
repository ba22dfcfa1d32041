"""What a program would pay for one order, worked out by the function that pays.

Pure: frozen values in and out; no Django and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from programs.condition_words import unmet_sentence
from programs.conditions import Facts, unmet
from programs.terms import (
    UNORDERED_EVENTS,
    ItemTerms,
    ProgramTerms,
    RewardRule,
    RewardSide,
    cap_sentence,
    progress_text,
)
from rewards.calculation import Calculation, Line, Progress, Refusal, calculate, stack
from rewards.milestones import milestone_crossed


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """One rule of a worked example; `limits` are the program's caps that would count it, in sentences."""

    rule_key: str
    side: RewardSide
    calculation: Calculation
    limits: tuple[str, ...] = ()


def worked_example(
    terms: ProgramTerms,
    order_minor: int,
    friends: int = 1,
    revenue_minor: int = 0,
    facts: Facts | None = None,
) -> tuple[ExampleLine, ...]:
    """Calculate every rule for an order of `order_minor` in the program's currency.

    The order is of the referrer's how-manieth friend `friends` says, after the referrer's friends had spent
    `revenue_minor`. Each rule is shown for the event it is for: a reward for the third purchase by a third
    purchase. Where a rule is for some products, the order holds nothing else. A streak is not assumed.
    `facts` are what conditions ask for; without them all conditions are taken to hold.
    """
    found = [
        (rule, _calculation(terms, rule, order_minor, friends, revenue_minor, facts))
        for rule in terms.rewards
    ]
    decided: dict[str, Calculation] = {}
    for side in ("referrer", "referee"):
        mine = [each for each in found if each[0].side == side]
        decided |= {rule.key: paid for (rule, _), paid in zip(mine, stack(mine), strict=True)}
    return tuple(
        ExampleLine(rule.key, rule.side, decided[rule.key], _limits(terms, rule)) for rule in terms.rewards
    )


def _calculation(
    terms: ProgramTerms,
    rule: RewardRule,
    order_minor: int,
    friends: int,
    revenue_minor: int,
    facts: Facts | None,
) -> Calculation:
    has_order = rule.event not in UNORDERED_EVENTS
    revenue = Progress(revenue_minor, revenue_minor + order_minor)
    friend = Progress(friends - 1, friends)
    threshold = None
    if rule.milestone is not None:
        basis = rule.milestone.basis
        way = {"friends": friend, "revenue": revenue, "streak": Progress(0, 0)}[basis]
        crossed = milestone_crossed(rule.milestone, way.before, way.after)
        if not crossed:
            ahead = progress_text(basis, rule.milestone.at_least, terms.currency)
            every = "every " if rule.milestone.repeat else ""
            sentence = f"This comes with {every}{ahead}."
            return Calculation(0, rule.unit(terms.currency), 0, "milestone_ahead", sentence)
        threshold = crossed[-1]
    minimum = max(rule.minimum_order_minor, terms.eligibility.minimum_order_minor if has_order else 0)
    return calculate(
        rule=replace(rule, minimum_order_minor=minimum),
        currency=terms.currency,
        event="purchase" if rule.event == "renewal" else rule.event,
        event_name=rule.event_name,
        order_minor=order_minor if has_order else 0,
        order_currency=terms.currency if has_order else None,
        occurrence=(rule.nth or 1) + (rule.event == "renewal"),
        lines=(_line(rule.items, order_minor),) if rule.items else (),
        assumed_margin_bps=terms.assumed_margin_bps,
        progress=revenue if rule.tier_basis == "revenue" else friend,
        threshold=threshold,
        unmet=None if facts is None else _unmet(terms, rule, facts),
    )


def _unmet(terms: ProgramTerms, rule: RewardRule, facts: Facts) -> Refusal | None:
    """Return which condition does not hold: one of the program, else one of the rule."""
    for tree, who in ((terms.eligibility.conditions, "the program"), (rule.conditions, "this rule")):
        failed = unmet(tree, facts)
        if failed is not None:
            return failed.reason, unmet_sentence(failed, facts, terms.currency, who=who)
    return None


def _line(items: ItemTerms, order_minor: int) -> Line:
    if items.excluded:
        return Line("", "", order_minor)
    return Line("".join(items.skus[:1]), "".join(items.categories[:1]), order_minor)


def _limits(terms: ProgramTerms, rule: RewardRule) -> tuple[str, ...]:
    return tuple(
        cap_sentence(cap, terms.currency) for cap in terms.caps if not cap.rules or rule.key in cap.rules
    )
