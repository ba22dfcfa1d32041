"""How a participant stands: what the sharing brought, the ladder, the leaderboard and the badges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Max, Q, QuerySet

from core.money import display
from engagement.queries.people import masked_name
from engagement.queries.progress import PERIOD_WORDS, tiered_rule
from engagement.queries.sharing import channel_words
from programs.models import Participant
from programs.terms import MilestoneBasis, ProgramTerms, amount_text, progress_text
from tracking.models import Click, Conversion, Credit, Referral

BOARD_SIZE: Final = 5
RUNGS_SHOWN: Final = 4

MARKS: Final[tuple[tuple[int, str], ...]] = (
    (1, "First friend"),
    (5, "High five"),
    (10, "Full table"),
    (25, "Crowd"),
    (50, "Village"),
    (100, "Century"),
    (250, "Festival"),
    (1000, "City"),
)
"""How many friends earn which badge."""


@dataclass(frozen=True, slots=True)
class ChannelCount:
    """Counted clicks that came by one channel."""

    words: str
    clicks: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """How the sharing went: all who `joined`, and of them the `friends` who did what the offer asks."""

    clicks: int
    joined: int
    signed_up: int
    purchased: int
    friends: int
    channels: tuple[ChannelCount, ...]


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: what it takes, as a number and in words, and what it gives."""

    at_least: int
    words: str
    prize: str
    reached: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """The way up: the rungs around the next one. `goal` is 0 when the highest is reached.

    `progress` and `goal` count friends, or what they spent in minor units; `position` is both in words, and
    `missing` what is left to the next rung. `raises_reward` says that the rungs are tiers of a reward;
    otherwise they are badges. `period` says since when it is counted, where not from the beginning.
    """

    progress: int
    goal: int
    missing: str
    position: str
    period: str
    prize: str
    raises_reward: bool
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One line of the leaderboard; equal numbers share a rank."""

    rank: int
    name: str
    friends: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class Board:
    """The best of a program and the participant's own line; `others` says whether anybody else takes part."""

    rows: tuple[BoardRow, ...]
    rank: int | None
    others: bool


@dataclass(frozen=True, slots=True)
class Badge:
    """A mark of honour: what for, and whether it is earned."""

    name: str
    deed: str
    icon: str
    earned: bool


def statistics_of(participant: Participant, terms: ProgramTerms) -> Statistics:
    """Return the participant's figures; a friend whose conversions were all rejected is none."""
    clicks = (
        Click.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant, counted=True)
        .order_by()
        .values_list("channel")
        .annotate(n=Count("pk"))
    )
    channels = sorted(
        (ChannelCount(channel_words(channel), count) for channel, count in clicks),
        key=lambda each: (-each.clicks, each.words),
    )
    found = (
        Credit.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant)
        .exclude(conversion__status=Conversion.Status.REJECTED)
        .aggregate(
            signed_up=Count("referral", distinct=True, filter=Q(conversion__kind=Conversion.Kind.SIGNUP)),
            purchased=Count("referral", distinct=True, filter=Q(conversion__kind=Conversion.Kind.PURCHASE)),
        )
    )
    joined = (
        Referral.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant)
        .exclude(status=Referral.Status.REJECTED)
        .count()
    )
    return Statistics(
        clicks=sum(each.clicks for each in channels),
        signed_up=found["signed_up"],
        purchased=found["purchased"],
        joined=joined,
        friends=_counting(participant, terms).filter(participant=participant).count(),
        channels=tuple(channels),
    )


def ladder_of(terms: ProgramTerms, progress: int) -> Ladder:
    """Return the ladder of the first reward with tiers; without any, that of the badges.

    `progress` is counted as that reward's tiers are (see `tier_progress`); for badges in friends.
    """
    tiered = tiered_rule(terms)
    currency = terms.currency
    basis: MilestoneBasis = "friends" if tiered is None else tiered.tier_basis
    if tiered is None:
        steps = [(number, f"badge “{name}”") for number, name in MARKS]
    else:
        steps = [(tier.at_least, amount_text(tiered, tier.amount, currency)) for tier in tiered.tiers]
        if tiered.amount is not None and steps[0][0] > 1:
            steps.insert(0, (1, amount_text(tiered, tiered.amount, currency)))
    rungs = [
        Rung(number, _short(basis, number, currency), prize, reached=progress >= number)
        for number, prize in steps
    ]
    ahead = next((index for index, rung in enumerate(rungs) if not rung.reached), len(rungs))
    first = max(0, min(ahead - RUNGS_SHOWN // 2, len(rungs) - RUNGS_SHOWN))
    coming = rungs[ahead] if ahead < len(rungs) else None
    return Ladder(
        progress=progress,
        goal=coming.at_least if coming else 0,
        missing=_missing(basis, coming.at_least - progress, currency) if coming else "",
        position=_position(basis, progress, coming.at_least, currency) if coming else "",
        period=PERIOD_WORDS[tiered.tier_period] if tiered is not None else "",
        prize=coming.prize if coming else "",
        raises_reward=tiered is not None,
        rungs=tuple(rungs[first : first + RUNGS_SHOWN]),
    )


def _position(basis: MilestoneBasis, progress: int, goal: int, currency: str) -> str:
    if basis == "revenue":
        return f"{display(progress, currency)} / {display(goal, currency)}"
    return f"{progress} / {goal}"


def _short(basis: MilestoneBasis, count: int, currency: str) -> str:
    if basis == "revenue":
        return "From the start" if count == 1 else display(count, currency)
    return progress_text(basis, count, currency)


def _missing(basis: MilestoneBasis, count: int, currency: str) -> str:
    if basis == "revenue":
        return f"{display(count, currency)} more spent by friends"
    return f"{count} more friend{'' if count == 1 else 's'}"


def board_of(participant: Participant, terms: ProgramTerms, own_friends: int) -> Board:
    """Return the leaderboard of the participant's program, in three queries whatever its size.

    Whoever reached a number first stands above the others with the same number.
    """
    counts = (
        _counting(participant, terms)
        .filter(participant__status=Participant.Status.ACTIVE)
        .order_by()
        .values("participant_id", "participant__display_name")
        .annotate(friends=Count("pk"), last=Max("pk"))
    )
    best = list(counts.order_by("-friends", "last")[:BOARD_SIZE])
    rows = [
        BoardRow(
            rank=1 + sum(other["friends"] > row["friends"] for other in best),
            name=masked_name(row["participant__display_name"]),
            friends=row["friends"],
            is_own=row["participant_id"] == participant.pk,
        )
        for row in best
    ]
    rank = None
    if own_friends:
        rank = 1 + counts.filter(friends__gt=own_friends).count()
        if not any(row.is_own for row in rows):
            own = BoardRow(
                rank=rank, name=masked_name(participant.display_name), friends=own_friends, is_own=True
            )
            rows = [*rows[: BOARD_SIZE - 1], own]
    others = (
        Participant.objects.for_workspace(participant.workspace_id)
        .filter(program_id=participant.program_id)
        .exclude(pk=participant.pk)
        .exists()
    )
    return Board(rows=tuple(rows), rank=rank, others=others)


def badges_of(statistics: Statistics, board: Board, *, has_reward: bool) -> tuple[Badge, ...]:
    """Return every badge, each earned or not by the facts as they are now."""
    first, five, ten = MARKS[:3]
    return (
        Badge(
            name="Spark",
            deed="A friend opened your link",
            icon="sparkles",
            earned=statistics.clicks > 0,
        ),
        Badge(
            name="Welcome",
            deed="A friend joined",
            icon="user-plus",
            earned=statistics.joined > 0,
        ),
        *(
            Badge(
                name=name,
                deed=f"{number} friend{'' if number == 1 else 's'} brought",
                icon="award",
                earned=statistics.friends >= number,
            )
            for number, name in (first, five, ten)
        ),
        Badge(
            name="Harvest",
            deed="Your first reward",
            icon="gift",
            earned=has_reward,
        ),
        Badge(
            name="All-rounder",
            deed="Clicks by three channels",
            icon="share-3",
            earned=len(statistics.channels) >= 3,
        ),
        Badge(
            name="Podium",
            deed="Among the best three",
            icon="trophy",
            earned=board.others and board.rank is not None and board.rank <= 3,
        ),
    )


def _counting(participant: Participant, terms: ProgramTerms) -> QuerySet[Referral]:
    """Return the program's referrals that count: converted ones, or all where only sign-ups are rewarded."""
    rows: QuerySet[Referral] = Referral.objects.for_workspace(participant.workspace_id)
    rows = rows.filter(program_id=participant.program_id)
    events = {rule.event for rule in terms.rewards if rule.side == "referrer"}
    if events == {"signup"}:
        return rows.exclude(status=Referral.Status.REJECTED)
    return rows.filter(status=Referral.Status.CONVERTED)
