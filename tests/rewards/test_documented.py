"""The worked figures of docs/rewards.md are what the calculation says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from programs.terms import (
    CapTerms,
    FixedAmount,
    MilestoneTerms,
    PercentageAmount,
    ProgramTerms,
    RewardRule,
    Tier,
    cap_sentence,
)
from rewards.approval_policy import needs_person
from rewards.calculation import Boost, Calculation, Progress, calculate, stack

PAGE = Path(__file__).parents[2] / "docs" / "rewards.md"
TENTH = RewardRule("tenth", "referrer", "purchase", "cash", PercentageAmount(1000))
BRACKETS = replace(
    TENTH,
    tiers=(Tier(10_000, PercentageAmount(1500)), Tier(50_000, PercentageAmount(2000))),
    tier_basis="revenue",
)
ANEW = replace(BRACKETS, tier_mode="retroactive")


def owed(
    rule: RewardRule,
    order_minor: int = 10_000,
    progress: Progress | None = None,
    margin_minor: int | None = None,
    standing: int | None = None,
    boost: Boost | None = None,
) -> Calculation:
    return calculate(
        rule=rule,
        currency="EUR",
        event="purchase",
        order_minor=order_minor,
        order_currency="EUR",
        progress=progress,
        margin_minor=margin_minor,
        standing=standing,
        boost=boost,
    )


def documented() -> list[str]:
    return [line[2:] for line in PAGE.read_text().splitlines() if line.startswith("> ")]


def test_every_sentence_in_a_box_is_one_that_is_said() -> None:
    friends = replace(TENTH, tiers=(Tier(5, PercentageAmount(1500)),))
    milestone = replace(
        TENTH,
        event="milestone",
        amount=FixedAmount(1000),
        milestone=MilestoneTerms("friends", 5, repeat=True),
    )
    welcome = replace(TENTH, group="welcome")
    bounty = replace(welcome, key="bounty", amount=FixedAmount(2000))
    caps = (
        CapTerms("person", "participant", "month", limit_minor=50_000),
        CapTerms("budget", "program", "lifetime", limit_count=100, pause=True),
    )
    reached = calculate(rule=milestone, currency="EUR", event="milestone", order_minor=0, threshold=10)
    strict = ProgramTerms("EUR", approval_above_minor=10_000)
    assert documented() == [
        owed(replace(TENTH, max_minor=500), 9999).sentence,
        owed(replace(TENTH, base="margin"), margin_minor=4500).sentence,
        owed(friends, progress=Progress(4, 5)).sentence,
        owed(BRACKETS, progress=Progress(7000, 17_000)).sentence,
        owed(ANEW, 6000, Progress(0, 6000)).sentence,
        owed(ANEW, 6000, Progress(0, 6000), standing=12_000).sentence,
        reached.sentence,
        stack([(welcome, owed(welcome)), (bounty, owed(bounty))])[0].sentence,
        *(cap_sentence(cap, "EUR") for cap in caps),
        owed(TENTH, 9999, boost=Boost("Summer", 20_000)).sentence,
        needs_person(strict, kind="cash", amount_minor=10_001, unit="EUR", score=0),
    ]
