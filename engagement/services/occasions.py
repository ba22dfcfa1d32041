"""When somebody is written to, and what stands in the mail.

Each function reads the facts as they are now and may run any number of times: the message's key decides
whether a mail is new. Another person appears in a mail by first or display name only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.money import display
from core.transactions import all_or_nothing
from engagement.models import Message
from engagement.queries.addresses import landing_url, link_url, portal_url, terms_url
from engagement.queries.earnings import reward_occasion
from engagement.queries.offers import gift_words, is_worth_telling, offer_of
from engagement.queries.people import first_name, friend_name, inviter_name
from engagement.services.messages import queue_message
from programs import queries as program_queries
from programs.models import Customer, Link, Participant, Program
from rewards.models import Payout, Reward
from tracking.models import Conversion, Credit, Referral


@all_or_nothing
def invite_participant(*, participant: Participant, at: datetime) -> Message | None:
    """Send a new participant their link and what it earns; nothing unless they and the program are active."""
    program = participant.program
    link = (
        Link.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant, status=Link.Status.ACTIVE)
        .order_by("pk")
        .first()
    )
    active = program.status == Program.Status.ACTIVE and participant.status == Participant.Status.ACTIVE
    if link is None or not active:
        return None
    offer = offer_of(program)
    return queue_message(
        workspace=participant.workspace,
        key=f"invitation:{participant.public_id}",
        kind="invitation",
        to_email=participant.customer.email,
        context={
            **_common(program, participant.customer),
            "link_url": link_url(link.code, participant.workspace),
            "landing_url": landing_url(link.code),
            "to_you": offer.to_referrer,
            "to_friends": offer.to_friends,
        },
        about=participant.public_id,
        at=at,
    )


@all_or_nothing
def greet_referee_and_referrers(*, conversion: Conversion, at: datetime) -> list[Message]:
    """After a credited sign-up, tell each referrer of the friend, and the friend what the invitation brings.

    A rejected sign-up or referral mails nobody; a program that promises the friend nothing does not write to
    them.
    """
    if conversion.kind != Conversion.Kind.SIGNUP or conversion.status == Conversion.Status.REJECTED:
        return []
    rows = (
        Credit.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion)
        .exclude(referral__status=Referral.Status.REJECTED)
        .select_related("referral", "participant__customer", "participant__program__workspace")
        .order_by("pk")
    )
    made = []
    for credit in rows:
        made.append(_tell_referrer(credit, conversion.customer, at))
        made.append(_welcome(credit.participant, conversion.customer, at))
    return [message for message in made if message is not None]


def _tell_referrer(credit: Credit, friend: Customer, at: datetime) -> Message | None:
    participant = credit.participant
    return queue_message(
        workspace=participant.program.workspace,
        key=f"friend_signed_up:{credit.referral.public_id}",
        kind="friend_signed_up",
        to_email=participant.customer.email,
        context={
            **_common(participant.program, participant.customer),
            "friend": friend_name(friend),
            "to_you": offer_of(participant.program).to_referrer,
        },
        about=credit.referral.public_id,
        at=at,
    )


def _welcome(participant: Participant, friend: Customer, at: datetime) -> Message | None:
    program = participant.program
    offer = offer_of(program)
    if not offer.to_referee:
        return None
    return queue_message(
        workspace=program.workspace,
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
def tell_reward_earned(*, reward: Reward, at: datetime) -> Message | None:
    """Tell the owner of a new reward that it is theirs, and when it becomes available.

    Nothing for a reward that was refused, is being checked, is worth nothing, or has been handed out already:
    the mail about handing it out says it all.
    """
    if reward.status not in (Reward.Status.PENDING, Reward.Status.APPROVED):
        return None
    return _tell_owner(reward, "reward_earned", at)


@all_or_nothing
def tell_reward_issued(*, reward: Reward, at: datetime) -> Message | None:
    """Tell the owner that a reward is theirs to use, with the discount code if there is one."""
    handed_out = (
        Reward.Status.APPROVED,
        Reward.Status.ISSUED,
        Reward.Status.PAID,
        Reward.Status.REDEEMED,
    )
    return _tell_owner(reward, "reward_issued", at) if reward.status in handed_out else None


def _tell_owner(reward: Reward, kind: str, at: datetime) -> Message | None:
    if not is_worth_telling(reward):
        return None
    workspace = reward.program.workspace
    available = reward.available_at.astimezone(ZoneInfo(workspace.time_zone))
    return queue_message(
        workspace=workspace,
        key=f"{kind}:{reward.public_id}",
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
        },
        about=reward.public_id,
        at=at,
    )


@all_or_nothing
def tell_payout_paid(*, payout: Payout, at: datetime) -> Message | None:
    """Tell somebody that their money was sent; nothing unless it was."""
    if payout.status != Payout.Status.PAID:
        return None
    name = first_name(payout.customer)
    return queue_message(
        workspace=payout.workspace,
        key=f"reward_paid:{payout.public_id}",
        kind="reward_paid",
        to_email=payout.customer.email,
        context={
            "name": name,
            "amount": display(payout.amount_minor, payout.currency),
            "reference": payout.provider_reference,
        },
        about=payout.public_id,
        at=at,
    )


def _common(program: Program, reader: Customer, *, is_referrer: bool = True) -> dict[str, Any]:
    return {
        "name": first_name(reader),
        "program_name": program.name,
        "portal_url": portal_url(program.public_id) if is_referrer else "",
        "terms_url": terms_url(program.public_id),
    }
