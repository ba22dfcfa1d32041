"""How far a participant is on the way to tiers and milestones, from rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from engagement.queries.offers import own_caps, promises
from engagement.queries.progress import Goal, goals_of, tier_progress
from programs.models import Participant
from programs.terms import ProgramTerms, RewardRule, parse_terms
from rewards import queries, services
from rewards.models import Reward
from tests.engagement import rows
from tests.engagement.test_portal import CASH, participant, signed_in, text_of
from tests.factories import AT, ProgramFactory, terms
from tests.rewards import builders
from tracking.models import Conversion

HALF = {"type": "percentage", "bps": 5000}


def tiered(basis: str, period: str) -> tuple[ProgramTerms, RewardRule]:
    tiers = [{"at_least": 5, "amount": {"type": "percentage", "bps": 1500}}]
    rule = {**CASH, "tiers": tiers, "tier_basis": basis, "tier_period": period}
    found = parse_terms(terms(rewards=[rule]))
    return found, found.rewards[0]


def milestone(key: str, basis: str, at_least: int, repeat: bool = False, **fields: Any) -> dict[str, Any]:
    return {
        "key": key,
        "side": "referrer",
        "event": "milestone",
        "kind": "credit",
        "amount": {"type": "fixed", "minor": 5000},
        "milestone": {"basis": basis, "at_least": at_least, "repeat": repeat},
        **fields,
    }


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def buy(who: Participant, text: str, status: str = "recorded") -> None:
    """A friend converts by an order of €100.00."""
    bringing = rows.referral(who, status="converted", at=moment(text))
    rows.credit(bringing, "purchase", occurred_at=moment(text), status=status)


@pytest.mark.parametrize(
    ("basis", "period", "progress"),
    [
        ("friends", "lifetime", 3),
        ("friends", "year", 2),
        ("friends", "month", 1),
        ("revenue", "lifetime", 30_000),
        ("revenue", "year", 20_000),
        ("revenue", "month", 10_000),
    ],
)
def test_progress_is_counted_in_its_period(
    workspace: Workspace, basis: Any, period: Any, progress: int
) -> None:
    workspace.time_zone = "Europe/Berlin"
    ana = participant(workspace, "Ana")
    ana.workspace = workspace
    buy(ana, "2025-06-01T12:00")
    buy(ana, "2026-02-28T22:59")
    # In Berlin it is March already.
    buy(ana, "2026-02-28T23:00")
    # Converted and gave everything back; nothing that stands is left of it.
    rows.referral(ana, status="converted", at=moment("2024-01-01T00:00"))
    rows.referral(ana, status="rejected")
    at = moment("2026-03-31T12:00")
    assert tier_progress(ana, *tiered(basis, period), at) == progress


def test_what_was_rejected_or_has_no_rate_counts_for_nothing(workspace: Workspace) -> None:
    ana = participant(workspace, "Ana")
    buy(ana, "2026-01-05T12:00", status="rejected")
    found, rule = tiered("revenue", "lifetime")
    assert tier_progress(ana, found, rule, moment("2026-03-01T00:00")) == 0
    buy(ana, "2026-01-06T12:00")
    other = parse_terms({**terms(rewards=[CASH]), "currency": "USD"})
    assert tier_progress(ana, other, rule, moment("2026-03-01T00:00")) == 0


def test_milestones_show_the_next_one(workspace: Workspace) -> None:
    ana = participant(workspace, "Ana")
    for text in ("2026-01-05T12:00", "2026-02-05T12:00", "2026-02-07T12:00"):
        buy(ana, text)
    document = terms(
        rewards=[
            CASH,
            milestone("a", "friends", 5),
            milestone("b", "friends", 2),
            milestone("c", "friends", 2, repeat=True),
            milestone("d", "revenue", 25_000, repeat=True, kind="points"),
            milestone("e", "streak", 3, kind="custom", amount=None, custom={"name": "a dinner"}),
            milestone("f", "streak", 6, kind="discount", amount=None, discount=HALF),
        ]
    )
    assert goals_of(ana, parse_terms(document), moment("2026-03-31T12:00")) == (
        Goal("€50.00 as store credit", "3 of 5 friends", 3, 5, reached=False),
        Goal("€50.00 as store credit", "2 of 2 friends", 2, 2, reached=True),
        Goal("€50.00 as store credit", "3 of 4 friends", 3, 4, reached=False),
        Goal("5000 points", "€300.00 of €500.00 of revenue", 30_000, 50_000, reached=False),
        Goal("a dinner", "2 of 3 months in a row", 2, 3, reached=False),
        Goal("50 % off", "2 of 6 months in a row", 2, 6, reached=False),
    )
    # April is over without a friend: the streak is broken, and what was the longest is told.
    later = goals_of(ana, parse_terms(document), moment("2026-05-01T12:00"))
    note = "Your longest: 2 months in a row"
    assert later[4] == Goal("a dinner", "0 of 3 months in a row", 0, 3, reached=False, note=note)
    assert goals_of(ana, parse_terms(terms(rewards=[CASH])), AT) == ()


def test_the_portal_counts_what_the_rewards_count(workspace: Workspace) -> None:
    """An order in another currency and refunds: the tier of the next order is the one the portal shows."""
    by_revenue = builders.rule(
        tiers=[{"at_least": 50_000, "amount": {"type": "percentage", "bps": 2000}}],
        tier_basis="revenue",
        tier_mode="retroactive",
    )
    document = [by_revenue, milestone("bonus", "revenue", 50_000, kind="cash")]
    ana = builders.participant(builders.program(workspace, *document))
    found = parse_terms(terms(rewards=document))
    rule = found.rewards[0]

    def order(amount_minor: int, day: int, currency: str = "EUR") -> Reward:
        """Sell to a new friend and return what the order earns Ana."""
        fact = builders.conversion(
            ana, amount_minor=amount_minor, currency=currency, occurred_at=AT + timedelta(days=day)
        )
        services.settle_conversion(conversion=fact, at=AT)
        return Reward.objects.for_workspace(workspace).get(conversion=fact, rule_key="commission", step=0)

    def shown() -> tuple[int, int, str]:
        at = AT + timedelta(days=9)
        (goal,) = goals_of(ana, found, at)
        progress = tier_progress(ana, found, rule, at)
        return progress, rule.tier_at(progress), goal.words

    services.enter_rate(
        workspace=workspace,
        base="USD",
        quote="EUR",
        on=AT.date(),
        rate=Decimal("0.9"),
        actor=builders.person(),
        at=AT,
    )
    first = order(20_000, 1)
    assert (first.tier, shown()) == (0, (20_000, 0, "€200.00 of €500.00 of revenue"))
    dollars = order(40_000, 2, "USD")
    assert (dollars.tier, shown()) == (1, (56_000, 1, "€500.00 of €500.00 of revenue"))
    assert queries.milestones_given(ana) == {"bonus": [50_000]}
    unknown = order(90_000, 3, "GBP")
    assert (unknown.status, shown()[0]) == ("held", 56_000)
    # A quarter of the dollars comes back: 560.00 becomes 470.00, below the tier, and the milestone stays.
    fact = Conversion.objects.for_workspace(workspace).get(pk=dollars.conversion_id)
    services.settle_conversion(conversion=builders.refund(fact, 10_000), at=AT)
    assert shown() == (47_000, 0, "€500.00 of €500.00 of revenue")
    (goal,) = goals_of(ana, found, AT)
    assert goal.reached
    assert order(2_000, 4).tier == rule.tier_at(49_000) == 0
    assert shown()[0] == 49_000
    assert (order(1_000, 5).tier, shown()[:2]) == (1, (50_000, 1))


CAPS = [
    {"key": "person", "scope": "participant", "period": "month", "limit_minor": 50_000},
    {"key": "budget", "scope": "program", "period": "year", "limit_count": 9},
]


def test_people_read_what_limits_them_and_not_the_budget() -> None:
    found = parse_terms(terms(rewards=[CASH, milestone("a", "friends", 5)], caps=CAPS))
    assert own_caps(found) == ("You get at most €500.00 a month.",)
    assert promises(found, "referrer")[1] == "You get €50.00 for 5 friends as store credit."


def test_the_terms_page_says_what_is_limited_and_who_confirms(client: Client, workspace: Workspace) -> None:
    document = terms(rewards=[CASH], caps=CAPS, approval_score=30, tax_details_required=True)
    program = ProgramFactory.create(workspace=workspace, draft=document)
    page = client.get(f"/terms/{program.public_id}/").content.decode()
    assert "One person gets at most €500.00 a month." in page
    assert "All rewards together are limited" in page
    assert "9 rewards" not in page
    assert "or by Acme where somebody has to look first" in page
    assert "Cash is paid out once the tax details are given." in page


def test_the_terms_page_states_the_conditions(client: Client, workspace: Workspace) -> None:
    asked = {"all": [{"fact": "order.amount_minor", "op": "at_least", "value": 5000}]}
    own = {"all": [{"fact": "source.channel", "op": "is", "value": "sms"}]}
    document = terms(rewards=[{**CASH, "conditions": own}], eligibility={"conditions": asked})
    program = ProgramFactory.create(workspace=workspace, draft=document)
    page = client.get(f"/terms/{program.public_id}/").content.decode()
    assert "It counts only if the order&#x27;s value is at least €50.00." in page
    assert "if the channel of the referral is sms." in page


def test_the_portal_shows_the_way_to_the_next_milestone(client: Client, workspace: Workspace) -> None:
    tiers = [{"at_least": 50_000, "amount": {"type": "percentage", "bps": 1500}}]
    rule = {**CASH, "tiers": tiers, "tier_basis": "revenue"}
    document = terms(rewards=[rule, milestone("a", "friends", 5), milestone("b", "friends", 1)], caps=CAPS)
    ana = participant(workspace, "Ana", ProgramFactory.create(workspace=workspace, draft=document))
    buy(ana, "2026-01-05T12:00")
    shown = text_of(signed_in(ana, client))
    assert "€400.00 more spent by friends and your reward rises to 15 % €100.00 / €500.00" in shown
    assert "Milestones €50.00 as store credit 1 of 5 friends" in shown
    assert "€50.00 as store credit Reached" in shown
    assert "You get at most €500.00 a month." in shown
