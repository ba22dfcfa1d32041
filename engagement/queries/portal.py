"""Everything a participant sees in the portal: their own rows only, in a fixed number of queries.

Of the other participants it shows the leaderboard: a masked name and a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from engagement.queries.earnings import (
    Balance,
    Earned,
    RewardLine,
    balances_of,
    earned_of,
    payouts_of,
    reward_lines,
    rewards_of,
)
from engagement.queries.friends import Friend, friend_lines, referrals_of
from engagement.queries.offers import headline, own_caps, promises
from engagement.queries.progress import Goal, goals_of, tier_progress, tiered_rule
from engagement.queries.seasons import SeasonNotice, season_of
from engagement.queries.sharing import ShareLink, share_links
from engagement.queries.standing import (
    Badge,
    Board,
    Ladder,
    Statistics,
    badges_of,
    board_of,
    ladder_of,
    statistics_of,
)
from programs import queries as program_queries
from programs.models import Participant
from programs.terms import ProgramTerms
from rewards import queries as reward_queries
from rewards.models import Account, Payout, Reward
from rewards.queries import Destination
from tracking.models import Referral

PER_PAGE: Final = 6


@dataclass(frozen=True, slots=True)
class Portal:
    """One participant's portal."""

    participant: Participant
    headline: str
    to_you: tuple[str, ...]
    to_friends: tuple[str, ...]
    terms: ProgramTerms
    caps: tuple[str, ...]
    links: tuple[ShareLink, ...]
    statistics: Statistics
    earned: tuple[Earned, ...]
    ladder: Ladder
    goals: tuple[Goal, ...]
    board: Board
    badges: tuple[Badge, ...]
    friends: Page[Referral]
    friend_lines: tuple[Friend, ...]
    rewards: Page[Reward]
    reward_lines: tuple[RewardLine, ...]
    balances: tuple[Balance, ...]
    payouts: Page[Payout]
    pays_cash: bool
    paid_to: Destination | None
    tax_asked: bool
    tax_refusal: str
    has_points: bool
    season: SeasonNotice | None = None

    @property
    def link(self) -> ShareLink | None:
        """The link that is shared by default: the oldest in use."""
        return next(iter(self.links), None)

    @property
    def badges_earned(self) -> int:
        """How many badges are earned."""
        return sum(badge.earned for badge in self.badges)


def portal_of(participant: Participant, *, pages: Mapping[str, str], at: datetime) -> Portal:
    """Return the portal of a participant whose customer, program and workspace are loaded.

    `pages` holds the wanted page numbers of `friends`, `rewards` and `payouts` as they came in.
    """
    terms = program_queries.live_terms(participant.program)
    friends = _page(referrals_of(participant), pages.get("friends"))
    rewards = _page(rewards_of(participant), pages.get("rewards"))
    accounts = list(
        Account.objects.for_workspace(participant.workspace_id).filter(customer_id=participant.customer_id)
    )
    promised_cash = any(rule.side == "referrer" and rule.kind == "cash" for rule in terms.rewards)
    statistics = statistics_of(participant, terms)
    board = board_of(participant, terms, statistics.friends)
    paid_to = reward_queries.destination_of(participant.customer)
    refusals = reward_queries.tax_refusals(participant.workspace, [participant.customer_id])
    return Portal(
        participant=participant,
        headline=headline(terms) or participant.program.name,
        to_you=promises(terms, "referrer"),
        to_friends=promises(terms, "referee", "Your friend gets"),
        terms=terms,
        caps=own_caps(terms),
        links=share_links(participant, terms),
        statistics=statistics,
        earned=earned_of(participant),
        ladder=_ladder(participant, terms, statistics, at),
        goals=goals_of(participant, terms, at),
        board=board,
        badges=badges_of(statistics, board, has_reward=rewards.paginator.count > 0),
        friends=friends,
        friend_lines=friend_lines(friends, participant, terms, paid_to=paid_to, at=at),
        rewards=rewards,
        reward_lines=reward_lines(rewards),
        balances=balances_of(accounts),
        payouts=_page(payouts_of(participant), pages.get("payouts")),
        pays_cash=promised_cash or any(account.kind == Account.Kind.PAYABLE for account in accounts),
        paid_to=paid_to,
        tax_asked=bool(refusals) or reward_queries.tax_details_of(participant.customer) is not None,
        tax_refusal=refusals.get(participant.customer_id, ""),
        has_points=any(account.kind == Account.Kind.POINTS for account in accounts),
        season=season_of(participant, at),
    )


def _ladder(participant: Participant, terms: ProgramTerms, statistics: Statistics, at: datetime) -> Ladder:
    rule = tiered_rule(terms)
    progress = statistics.friends if rule is None else tier_progress(participant, terms, rule, at)
    return ladder_of(terms, progress)


def _page(rows: QuerySet, number: str | None) -> Page:  # type: ignore[type-arg]
    return Paginator(rows, PER_PAGE).get_page(number)
