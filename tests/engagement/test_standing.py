"""The ladder, the leaderboard and the badges, from rows."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Workspace
from engagement.queries.people import masked_name
from engagement.queries.standing import Board, badges_of, board_of, ladder_of, statistics_of
from programs import queries as program_queries
from programs.models import Link, Participant
from programs.terms import parse_terms
from tests.engagement import rows
from tests.engagement.test_portal import CASH, participant
from tests.factories import terms

PLAIN = parse_terms(terms(rewards=[CASH]))


def tiered() -> Any:
    def tier(friends: int, bps: int) -> dict[str, Any]:
        return {"at_least": friends, "amount": {"type": "percentage", "bps": bps}}

    return parse_terms(terms(rewards=[{**CASH, "tiers": [tier(5, 1500), tier(20, 2000)]}]))


def by_revenue(period: str) -> Any:
    tiers = [
        {"at_least": minor, "amount": {"type": "percentage", "bps": bps}}
        for minor, bps in ((10_000, 1500), (50_000, 2000))
    ]
    rule = {**CASH, "tiers": tiers, "tier_basis": "revenue", "tier_period": period}
    return parse_terms(terms(rewards=[rule]))


def bring(who: Participant, friends: int, status: str = "converted") -> None:
    for _ in range(friends):
        rows.referral(who, status=status)


def board(who: Participant) -> Board:
    stated = program_queries.live_terms(who.program)
    return board_of(who, stated, statistics_of(who, stated).friends)


def test_the_ladder_without_tiers_is_that_of_the_badges() -> None:
    ladder = ladder_of(PLAIN, 7)
    assert (ladder.goal, ladder.missing, ladder.prize, ladder.raises_reward) == (
        10,
        "3 more friends",
        "badge “Full table”",
        False,
    )
    assert (ladder.position, ladder.period) == ("7 / 10", "")
    assert [(rung.at_least, rung.reached) for rung in ladder.rungs] == [
        (1, True),
        (5, True),
        (10, False),
        (25, False),
    ]


def test_the_ladder_ends() -> None:
    ladder = ladder_of(PLAIN, 5_000)
    assert (ladder.goal, ladder.missing, ladder.position) == (0, "", "")
    assert [rung.at_least for rung in ladder.rungs] == [50, 100, 250, 1000]


def test_tiers_make_the_ladder() -> None:
    ladder = ladder_of(tiered(), 5)
    assert [(rung.at_least, rung.prize, rung.reached) for rung in ladder.rungs] == [
        (1, "10 %", True),
        (5, "15 %", True),
        (20, "20 %", False),
    ]
    assert (ladder.goal, ladder.missing, ladder.prize, ladder.raises_reward) == (
        20,
        "15 more friends",
        "20 %",
        True,
    )
    assert ladder_of(tiered(), 19).missing == "1 more friend"


def test_tiers_by_revenue_are_a_ladder_of_money() -> None:
    ladder = ladder_of(by_revenue("month"), 15_000)
    assert [(rung.words, rung.prize, rung.reached) for rung in ladder.rungs] == [
        ("From the start", "10 %", True),
        ("€100.00", "15 %", True),
        ("€500.00", "20 %", False),
    ]
    assert (ladder.missing, ladder.position, ladder.period) == (
        "€350.00 more spent by friends",
        "€150.00 / €500.00",
        "this month",
    )


def test_the_board_ranks_by_converted_friends_and_masks_names(workspace: Workspace) -> None:
    ana = participant(workspace, "Ana", display_name="Ana Ansel")
    ida = participant(workspace, "Ida", ana.program, display_name="Ida Iversen")
    eve = participant(workspace, "Eve", ana.program, display_name="eve@example.com")
    gone = participant(workspace, "Gus", ana.program, display_name="Gus", status="suspended")
    bring(ida, 3)
    bring(ana, 1)
    bring(ana, 4, "started")
    bring(eve, 1)
    bring(gone, 9)
    shown = board(ana)
    assert [(row.rank, row.name, row.friends, row.is_own) for row in shown.rows] == [
        (1, "Ida I.", 3, False),
        (2, "Ana A.", 1, True),
        (2, "A member", 1, False),
    ]
    assert (shown.rank, shown.others) == (2, True)


def test_ones_own_row_shows_from_far_below(workspace: Workspace) -> None:
    ana = participant(workspace, "Ana", display_name="Ana")
    for number in range(6):
        bring(participant(workspace, f"Other{number}", ana.program), 3)
    bring(ana, 1)
    shown = board(ana)
    assert [(row.rank, row.is_own) for row in shown.rows] == [(1, False)] * 4 + [(7, True)]


def test_a_lone_participant_has_no_board(workspace: Workspace) -> None:
    ana = participant(workspace, "Ana")
    participant(workspace, "Ida")
    assert board(ana) == Board(rows=(), rank=None, others=False)


def test_where_only_sign_ups_are_rewarded_they_count(workspace: Workspace) -> None:
    ana = participant(workspace, "Ana")
    bring(ana, 2, "started")
    bring(ana, 1, "rejected")
    signup = parse_terms(
        terms(rewards=[{**CASH, "event": "signup", "amount": {"type": "fixed", "minor": 1}}])
    )
    assert statistics_of(ana, signup).friends == 2
    assert statistics_of(ana, PLAIN).friends == 0


def test_badges_are_facts(workspace: Workspace) -> None:
    ana = participant(workspace, "Ana")
    nothing = statistics_of(ana, PLAIN)
    assert [badge.earned for badge in badges_of(nothing, board(ana), has_reward=False)] == [False] * 8
    rows.click(Link.objects.for_workspace(workspace).get(participant=ana))
    participant(workspace, "Ida", ana.program)
    bring(ana, 5)
    earned = badges_of(statistics_of(ana, PLAIN), board(ana), has_reward=True)
    assert {badge.name for badge in earned if badge.earned} == {
        "Spark",
        "Welcome",
        "First friend",
        "High five",
        "Harvest",
        "Podium",
    }


@pytest.mark.parametrize(
    ("shown", "masked"),
    [
        ("Priya Raman", "Priya R."),
        ("Priya", "Priya"),
        ("", "A member"),
        ("  ", "A member"),
        ("Win at evil.example", "A member"),
        ("ann@example.com", "A member"),
    ],
)
def test_names_on_the_board(shown: str, masked: str) -> None:
    assert masked_name(shown) == masked
