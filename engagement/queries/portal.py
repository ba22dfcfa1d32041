"""Everything a participant sees in the portal: their own rows only, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from core.money import display
from engagement.queries.addresses import landing_url, link_url
from engagement.queries.offers import gift_words, promises
from engagement.queries.people import friend_name
from programs import queries as program_queries
from programs.models import Link, Participant
from programs.terms import ProgramTerms
from rewards.models import Account, Payout, Reward
from tracking.models import Click, Conversion, Credit, Referral

PER_PAGE: Final = 10

FRIEND_WORDS: Final[Mapping[str, str]] = {
    Referral.Status.STARTED: "Joined, no purchase yet",
    Referral.Status.QUALIFIED: "Joined and confirmed",
    Referral.Status.CONVERTED: "Purchased",
    Referral.Status.ENDED: "Finished",
    Referral.Status.REJECTED: "Not counted",
}


@dataclass(frozen=True, slots=True)
class ShareLink:
    """One of the participant's own links: the short address and the page that introduces it."""

    public_id: str
    url: str
    landing_url: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """How the sharing went so far."""

    clicks: int
    signed_up: int
    purchased: int


@dataclass(frozen=True, slots=True)
class Friend:
    """A friend as the referrer may see them."""

    name: str
    status: str
    words: str
    since: datetime


@dataclass(frozen=True, slots=True)
class RewardLine:
    """One reward: what it is, what it was for, where it stands; `available_at` while it is on hold."""

    gift: str
    occasion: str
    status: str
    words: str
    created_at: datetime
    available_at: datetime | None
    code: str
    taken_back: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account of the participant holds, and what that means."""

    label: str
    amount_minor: int
    unit: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Portal:
    """One participant's portal."""

    participant: Participant
    to_you: tuple[str, ...]
    to_friends: tuple[str, ...]
    links: tuple[ShareLink, ...]
    statistics: Statistics
    friends: Page[Referral]
    friend_lines: tuple[Friend, ...]
    rewards: Page[Reward]
    reward_lines: tuple[RewardLine, ...]
    balances: tuple[Balance, ...]
    payouts: Page[Payout]
    pays_cash: bool


def portal_of(participant: Participant, *, pages: Mapping[str, str]) -> Portal:
    """Return the portal of a participant whose customer, program and workspace are loaded.

    `pages` holds the wanted page numbers of `friends`, `rewards` and `payouts` as they came in.
    """
    terms = program_queries.live_terms(participant.program)
    friends = _page(_referrals(participant), pages.get("friends"))
    rewards = _page(_rewards(participant), pages.get("rewards"))
    accounts = list(
        Account.objects.for_workspace(participant.workspace_id).filter(customer_id=participant.customer_id)
    )
    promised_cash = any(rule.side == "referrer" and rule.kind == "cash" for rule in terms.rewards)
    return Portal(
        participant=participant,
        to_you=promises(terms, "referrer"),
        to_friends=promises(terms, "referee", "Your friend gets"),
        links=_links(participant),
        statistics=_statistics(participant),
        friends=friends,
        friend_lines=tuple(_friend(referral) for referral in friends),
        rewards=rewards,
        reward_lines=_reward_lines(rewards, participant),
        balances=_balances(accounts),
        payouts=_page(_payouts(participant), pages.get("payouts")),
        pays_cash=promised_cash or any(account.kind == Account.Kind.PAYABLE for account in accounts),
    )


def own_link(participant: Participant, public_id: str) -> Link | None:
    """Return a link of this participant, never anybody else's."""
    rows: QuerySet[Link] = Link.objects.for_workspace(participant.workspace_id)
    return rows.filter(participant=participant, public_id=public_id).first()


def _page(rows: QuerySet, number: str | None) -> Page:  # type: ignore[type-arg]
    return Paginator(rows, PER_PAGE).get_page(number)


def _links(participant: Participant) -> tuple[ShareLink, ...]:
    rows = (
        Link.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant, status=Link.Status.ACTIVE)
        .order_by("pk")[:20]
    )
    return tuple(ShareLink(row.public_id, link_url(row.code), landing_url(row.code)) for row in rows)


def _statistics(participant: Participant) -> Statistics:
    clicks = (
        Click.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant, counted=True)
        .count()
    )
    friends = (
        Credit.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant)
        .exclude(conversion__status=Conversion.Status.REJECTED)
        .aggregate(
            signed_up=Count("referral", distinct=True, filter=Q(conversion__kind=Conversion.Kind.SIGNUP)),
            purchased=Count("referral", distinct=True, filter=Q(conversion__kind=Conversion.Kind.PURCHASE)),
        )
    )
    return Statistics(clicks=clicks, signed_up=friends["signed_up"], purchased=friends["purchased"])


def _referrals(participant: Participant) -> QuerySet[Referral]:
    rows: QuerySet[Referral] = Referral.objects.for_workspace(participant.workspace_id)
    return rows.filter(participant=participant).select_related("customer").order_by("-started_at", "-pk")


def _friend(referral: Referral) -> Friend:
    return Friend(
        name=friend_name(referral.customer),
        status=referral.status,
        words=FRIEND_WORDS[referral.status],
        since=referral.started_at,
    )


def _rewards(participant: Participant) -> QuerySet[Reward]:
    rows: QuerySet[Reward] = Reward.objects.for_workspace(participant.workspace_id)
    return (
        rows.filter(customer_id=participant.customer_id, program_id=participant.program_id)
        .exclude(status=Reward.Status.DENIED)
        .select_related("version", "conversion", "referral__customer")
        .order_by("-pk")
    )


def _reward_lines(rewards: Page[Reward], participant: Participant) -> tuple[RewardLine, ...]:
    by_version: dict[int, ProgramTerms] = {}
    lines = []
    for reward in rewards:
        if reward.version_id not in by_version:
            by_version[reward.version_id] = program_queries.terms_of(reward.version)
        on_hold = reward.status == Reward.Status.PENDING
        lines.append(
            RewardLine(
                gift=gift_words(reward, by_version[reward.version_id]),
                occasion=reward_occasion(reward),
                status=reward.status,
                words=reward_words(reward),
                created_at=reward.created_at,
                available_at=reward.available_at if on_hold else None,
                code=str(reward.fulfilment.get("code", "")) if reward.status == Reward.Status.ISSUED else "",
                taken_back=_taken_back(reward),
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
        return "Ready for the next payout" if kind == Reward.Kind.CASH else "Confirmed"
    if status == Reward.Status.ISSUED:
        return {
            Reward.Kind.CASH: "Ready for the next payout",
            Reward.Kind.CREDIT: "Added to your store credit",
            Reward.Kind.POINTS: "Added to your points",
            Reward.Kind.DISCOUNT: "Ready to use",
            Reward.Kind.PRODUCT: "On its way to you",
        }[Reward.Kind(kind)]
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


def _balances(accounts: list[Account]) -> tuple[Balance, ...]:
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


def _payouts(participant: Participant) -> QuerySet[Payout]:
    rows: QuerySet[Payout] = Payout.objects.for_workspace(participant.workspace_id)
    return (
        rows.filter(customer_id=participant.customer_id)
        .exclude(batch__status="draft")
        .select_related("batch")
        .order_by("-pk")
    )
