"""What a participant earned: each reward with where it stands, the balances, and the payouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.paginator import Page
from django.db.models import F, QuerySet, Sum

from core.money import POINTS, display
from engagement.queries.offers import gift_words
from engagement.queries.people import friend_name
from programs import queries as program_queries
from programs.models import Participant
from programs.terms import ProgramTerms
from rewards.models import Account, Payout, Reward
from tracking.models import Conversion

_ISSUED: Final[Mapping[str, str]] = {
    "cash": "Ready for the next payout",
    "credit": "Added to your store credit",
    "points": "Added to your points",
    "discount": "Ready to use",
    "gift_card": "Ready to use",
    "product": "On its way to you",
}
"""Where an issued reward stands, by its kind."""


@dataclass(frozen=True, slots=True)
class RewardLine:
    """One reward: what it is, what it was for, where it stands; `available_at` while it is on hold.

    `conversion` is the public id of what a friend did for it; nothing for a welcome reward of one's own.
    """

    gift: str
    occasion: str
    status: str
    words: str
    created_at: datetime
    available_at: datetime | None
    code: str
    link: str
    expires_at: datetime | None
    taken_back: str
    conversion: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account of the participant holds, and what that means."""

    label: str
    amount_minor: int
    unit: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Earned:
    """What all rewards that stand come to in one unit."""

    amount_minor: int
    unit: str


def rewards_of(participant: Participant) -> QuerySet[Reward]:
    """Return the rewards a participant sees in the program, newest first; none that were refused."""
    rows: QuerySet[Reward] = Reward.objects.for_workspace(participant.workspace_id)
    return (
        rows.filter(customer_id=participant.customer_id, program_id=participant.program_id)
        .exclude(status=Reward.Status.DENIED)
        .select_related("version", "conversion", "referral__customer")
        .order_by("-pk")
    )


def reward_lines(rewards: Page[Reward]) -> tuple[RewardLine, ...]:
    """Return a page of rewards in words."""
    by_version: dict[int, ProgramTerms] = {}
    lines = []
    for reward in rewards:
        if reward.version_id not in by_version:
            by_version[reward.version_id] = program_queries.terms_of(reward.version)
        usable = reward.status == Reward.Status.ISSUED
        on_hold = reward.status == Reward.Status.PENDING
        lines.append(
            RewardLine(
                gift=gift_words(reward, by_version[reward.version_id]),
                occasion=reward_occasion(reward),
                status=reward.status,
                words=reward_words(reward),
                created_at=reward.created_at,
                available_at=reward.available_at if on_hold else None,
                code=str(reward.fulfilment.get("code", "")) if usable else "",
                link=str(reward.fulfilment.get("link", "")) if usable else "",
                expires_at=reward.expires_at if usable else None,
                taken_back=_taken_back(reward),
                conversion=reward.conversion.public_id if reward.side == Reward.Side.REFERRER else "",
            )
        )
    return tuple(lines)


def reward_occasion(reward: Reward) -> str:
    """Return what a reward was for; a friend appears by first name only."""
    deed = {
        Conversion.Kind.SIGNUP: "signed up",
        Conversion.Kind.PURCHASE: "bought something",
    }.get(Conversion.Kind(reward.conversion.kind), "took part")
    who = "You" if reward.side == Reward.Side.REFEREE else friend_name(reward.referral.customer)
    return f"{who} {deed}"


def reward_words(reward: Reward) -> str:
    """Return where a reward stands, in words that need no explanation."""
    kind, status = reward.kind, reward.status
    if status == Reward.Status.APPROVED:
        return "Ready for the next payout" if kind == Reward.Kind.CASH else "Confirmed, on its way"
    if status == Reward.Status.ISSUED:
        return _ISSUED.get(kind, "Given to you")
    return {
        Reward.Status.PENDING: "On hold",
        Reward.Status.HELD: "Being checked",
        Reward.Status.PAID: "Paid out",
        Reward.Status.REDEEMED: "Used",
        Reward.Status.REVERSED: "Taken back",
        Reward.Status.EXPIRED: "Expired",
        Reward.Status.DENIED: "Not granted",
    }[Reward.Status(status)]


def _taken_back(reward: Reward) -> str:
    if reward.status == Reward.Status.REVERSED:
        return "The order was returned or does not count."
    if not reward.reversed_minor:
        return ""
    taken, whole = (display(minor, reward.unit) for minor in (reward.reversed_minor, reward.amount_minor))
    return f"It was {whole}; {taken} was taken back, because a part of the order was returned."


_BALANCES: Final[Mapping[str, tuple[str, str]]] = {
    Account.Kind.PENDING: (
        "On hold",
        "Earned, and yours when the waiting time is over.",
    ),
    Account.Kind.PAYABLE: ("Ready for payout", "Part of the next payout."),
    Account.Kind.IN_TRANSIT: ("On its way", "A payout with this amount is being made."),
    Account.Kind.PAID_OUT: ("Paid out so far", "What you have received."),
    Account.Kind.CREDIT: ("Store credit", "Yours to spend in the shop."),
    Account.Kind.POINTS: ("Points", "Collected so far."),
}


def earned_of(participant: Participant) -> tuple[Earned, ...]:
    """Return what the participant's rewards in the program come to in each unit, money before points."""
    rows = (
        rewards_of(participant)
        .order_by()
        .values("unit")
        .annotate(net=Sum(F("amount_minor") - F("reversed_minor")))
    )
    found = [Earned(amount_minor=row["net"], unit=row["unit"]) for row in rows if row["net"]]
    return tuple(sorted(found, key=lambda each: (each.unit == POINTS, each.unit)))


def balances_of(accounts: list[Account]) -> tuple[Balance, ...]:
    """Return the accounts that hold something, in the order of the money's way."""
    order = list(_BALANCES)
    shown = [account for account in accounts if account.kind in _BALANCES and account.balance_minor]
    return tuple(
        Balance(
            label=_BALANCES[account.kind][0],
            amount_minor=account.balance_minor,
            unit=account.unit,
            sentence=_balance_sentence(account),
        )
        for account in sorted(shown, key=lambda account: (order.index(account.kind), account.unit))
    )


def _balance_sentence(account: Account) -> str:
    if account.balance_minor < 0:
        owed = display(-account.balance_minor, account.unit)
        return (
            f"Orders were returned after you had their reward, so {owed} is carried forward: "
            "your next rewards make up for it first. You need not pay anything back."
        )
    return _BALANCES[account.kind][1]


def payouts_of(participant: Participant) -> QuerySet[Payout]:
    """Return a participant's payouts that a second person has released, newest first."""
    rows: QuerySet[Payout] = Payout.objects.for_workspace(participant.workspace_id)
    return (
        rows.filter(customer_id=participant.customer_id)
        .exclude(batch__status="draft")
        .select_related("batch")
        .order_by("-pk")
    )
