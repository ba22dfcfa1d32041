"""When somebody is written to, and what stands in the mail.

Each function takes the occasions of one workspace, each with its time, reads the facts as they are now and
may run any number of times: the message's key decides whether a mail is new. Another person appears in a mail
by first or display name only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Workspace
from core.money import display
from core.transactions import all_or_nothing
from engagement.queries.addresses import landing_url, link_url, portal_url, terms_url
from engagement.queries.earnings import reward_occasion
from engagement.queries.offers import Offer, gift_words, is_worth_telling, offers_of
from engagement.queries.people import first_name, friend_name, inviter_name
from engagement.services.messages import Mail, queue_messages
from programs import queries as program_queries
from programs.models import Customer, Link, Participant, Program
from rewards.models import Payout, Reward
from tracking.models import Appeal, Conversion, Credit, Referral


@all_or_nothing
def invite_participants(*, workspace: Workspace, enrolled: Sequence[tuple[Participant, datetime]]) -> None:
    """Send new participants their link and what it earns; nothing unless they and the program are active.

    They come with customer and program loaded.
    """
    links: dict[int, Link] = {}
    rows = Link.objects.for_workspace(workspace).filter(
        participant__in=[participant for participant, _ in enrolled], status=Link.Status.ACTIVE
    )
    for link in rows.order_by("pk"):
        links.setdefault(link.participant_id, link)
    offers = offers_of(workspace, [participant.program for participant, _ in enrolled])
    queue_messages(
        workspace=workspace,
        mails=(
            _invitation(participant, links[participant.pk], offers[participant.program_id], at)
            for participant, at in enrolled
            if participant.program.status == Program.Status.ACTIVE
            and participant.status == Participant.Status.ACTIVE
            and participant.pk in links
        ),
    )


def _invitation(participant: Participant, link: Link, offer: Offer, at: datetime) -> Mail:
    return Mail(
        key=f"invitation:{participant.public_id}",
        kind="invitation",
        to_email=participant.customer.email,
        context={
            **_common(participant.program, participant.customer),
            "link_url": link_url(link.code, participant.workspace),
            "landing_url": landing_url(link.code),
            "to_you": offer.to_referrer,
            "to_friends": offer.to_friends,
        },
        about=participant.public_id,
        at=at,
    )


@all_or_nothing
def greet_referees_and_referrers(
    *, workspace: Workspace, signed_up: Sequence[tuple[Conversion, datetime]]
) -> None:
    """After credited sign-ups, tell each referrer of the friend, and the friend what the invitation brings.

    A rejected sign-up or referral mails nobody; a program that promises the friend nothing does not write to
    them. The conversions come with their customers loaded.
    """
    due = {
        conversion.pk: (conversion.customer, at)
        for conversion, at in signed_up
        if conversion.kind == Conversion.Kind.SIGNUP and conversion.status != Conversion.Status.REJECTED
    }
    rows = (
        Credit.objects.for_workspace(workspace)
        .filter(conversion__in=due)
        .exclude(referral__status=Referral.Status.REJECTED)
        .select_related("referral")
        .order_by("pk")
    )
    credits = list(rows) if due else []
    _load_participants(workspace, credits)
    offers = offers_of(workspace, [credit.participant.program for credit in credits])

    def mails() -> Iterator[Mail]:
        for credit in credits:
            friend, at = due[credit.conversion_id]
            offer = offers[credit.participant.program_id]
            yield _friend_signed_up(credit, friend, offer, at)
            if offer.to_referee:
                yield _welcome(credit.participant, friend, offer, at)

    queue_messages(workspace=workspace, mails=mails())


def _load_participants(workspace: Workspace, credits: Sequence[Credit]) -> None:
    """Load whom the credits are for, with customer and program.

    Not in the credits' own read: Postgres takes longer to plan a join of guarded tables than to run it.
    """
    if not credits:
        return
    rows = Participant.objects.for_workspace(workspace).select_related("customer", "program")
    people = rows.in_bulk({credit.participant_id for credit in credits})
    for credit in credits:
        credit.participant = people[credit.participant_id]


def _friend_signed_up(credit: Credit, friend: Customer, offer: Offer, at: datetime) -> Mail:
    participant = credit.participant
    return Mail(
        key=f"friend_signed_up:{credit.referral.public_id}",
        kind="friend_signed_up",
        to_email=participant.customer.email,
        context={
            **_common(participant.program, participant.customer),
            "friend": friend_name(friend),
            "to_you": offer.to_referrer,
        },
        about=credit.referral.public_id,
        at=at,
    )


def _welcome(participant: Participant, friend: Customer, offer: Offer, at: datetime) -> Mail:
    program = participant.program
    return Mail(
        # Several referrers may share one friend's sign-up; the friend is welcomed once.
        key=f"welcome_referee:{program.public_id}:{friend.public_id}",
        kind="welcome_referee",
        to_email=friend.email,
        context={
            **_common(program, friend, is_referrer=False),
            "inviter": inviter_name(participant),
            "to_you": offer.to_referee,
        },
        about=friend.public_id,
        at=at,
    )


@all_or_nothing
def tell_rewards_earned(*, workspace: Workspace, earned: Sequence[tuple[Reward, datetime]]) -> None:
    """Tell the owners of new rewards that they are theirs, and when they become available.

    Nothing for a reward that was refused, is being checked, is worth nothing, or has been handed out already:
    the mail about handing it out says it all. One for a milestone has a mail of its own. Rewards come with
    all that they belong to.
    """
    queue_messages(
        workspace=workspace,
        mails=(
            mail_to_owner(workspace, reward, "reward_earned", at)
            for reward, at in earned
            if reward.status in (Reward.Status.PENDING, Reward.Status.APPROVED)
            and is_worth_telling(reward)
            and not reward.milestone_key
        ),
    )


@all_or_nothing
def tell_rewards_issued(*, workspace: Workspace, issued: Sequence[tuple[Reward, datetime]]) -> None:
    """Tell the owners that rewards are theirs to use, with the discount code if there is one."""
    handed_out = (
        Reward.Status.APPROVED,
        Reward.Status.ISSUED,
        Reward.Status.PAID,
        Reward.Status.REDEEMED,
    )
    queue_messages(
        workspace=workspace,
        mails=(
            mail_to_owner(workspace, reward, "reward_issued", at)
            for reward, at in issued
            if reward.status in handed_out and is_worth_telling(reward)
        ),
    )


def mail_to_owner(
    workspace: Workspace,
    reward: Reward,
    kind: str,
    at: datetime,
    *,
    key: str = "",
    more: Mapping[str, Any] | None = None,
) -> Mail:
    """Return a mail about a reward to its owner; `key` tells occasions of the same kind apart."""
    available = reward.available_at.astimezone(ZoneInfo(workspace.time_zone))
    return Mail(
        key=f"{kind}:{reward.public_id}{key and ':'}{key}",
        kind=kind,
        to_email=reward.customer.email,
        context={
            **_common(reward.program, reward.customer, is_referrer=reward.side == Reward.Side.REFERRER),
            "gift": gift_words(reward, program_queries.terms_of(reward.version)),
            "occasion": reward_occasion(reward),
            "available_on": f"{available.day} {available:%B %Y}",
            "on_hold": reward.status == Reward.Status.PENDING,
            "reward_kind": reward.kind,
            "code": str(reward.fulfilment.get("code", "")),
            "link": str(reward.fulfilment.get("link", "")),
            **(more or {}),
        },
        about=reward.public_id,
        at=at,
    )


@all_or_nothing
def tell_payouts_paid(*, workspace: Workspace, paid: Sequence[tuple[Payout, datetime]]) -> None:
    """Tell people that their money was sent; nothing for a payout that was not. They come with customers."""
    queue_messages(
        workspace=workspace,
        mails=(
            Mail(
                key=f"reward_paid:{payout.public_id}",
                kind="reward_paid",
                to_email=payout.customer.email,
                context={
                    "name": first_name(payout.customer),
                    "amount": display(payout.amount_minor, payout.currency),
                    "reference": payout.provider_reference,
                },
                about=payout.public_id,
                at=at,
            )
            for payout, at in paid
            if payout.status == Payout.Status.PAID
        ),
    )


@all_or_nothing
def tell_appeals_answered(*, workspace: Workspace, answered: Sequence[tuple[Appeal, datetime]]) -> None:
    """Tell participants the answers to their appeals; nothing for one that is open.

    The mail holds the answer and not what they had written. The appeals come with participant, customer and
    program.
    """
    queue_messages(
        workspace=workspace,
        mails=(
            Mail(
                key=f"appeal_answered:{appeal.public_id}",
                kind="appeal_answered",
                to_email=appeal.participant.customer.email,
                context={
                    **_common(appeal.participant.program, appeal.participant.customer),
                    "granted": appeal.status == Appeal.Status.GRANTED,
                    "answer": appeal.answer,
                },
                about=appeal.public_id,
                at=at,
            )
            for appeal, at in answered
            if appeal.status != Appeal.Status.OPEN
        ),
    )


def _common(program: Program, reader: Customer, *, is_referrer: bool = True) -> dict[str, Any]:
    return {
        "name": first_name(reader),
        "program_name": program.name,
        "portal_url": portal_url(program.public_id) if is_referrer else "",
        "terms_url": terms_url(program.public_id),
    }
