"""When somebody is written to about what became of their money, and what stands in the mail.

As in `occasions`: each function takes the occasions of one workspace, reads the facts as they are now and may
run any number of times. Nobody reads in them what others earned, or why a doubt arose.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Member, Role, Workspace
from core.money import POINTS, display
from core.transactions import all_or_nothing
from engagement.queries.addresses import liability_url, portal_url
from engagement.queries.offers import is_worth_telling
from engagement.queries.people import first_name
from engagement.services.messages import Mail, queue_messages
from engagement.services.occasions import mail_to_owner
from programs.models import Customer, Participant, Program
from rewards import queries as reward_queries
from rewards.models import Account, Adjustment, Payout, Redemption, Reward

_HANDED_OUT = (Reward.Status.ISSUED, Reward.Status.REDEEMED, Reward.Status.EXPIRED)
_MONEY = (Reward.Kind.CASH, Reward.Kind.CREDIT, Reward.Kind.POINTS)


@all_or_nothing
def tell_rewards_payable(*, workspace: Workspace, approved: Sequence[tuple[Reward, datetime]]) -> None:
    """Tell the owners of cash that it is part of the next payout; other kinds are told of when issued."""
    queue_messages(
        workspace=workspace,
        mails=(
            mail_to_owner(workspace, reward, "reward_payable", at, more=_balance(reward))
            for reward, at in approved
            if reward.kind == Reward.Kind.CASH
            and reward.status == Reward.Status.APPROVED
            and is_worth_telling(reward)
        ),
    )


@all_or_nothing
def tell_rewards_reversed(*, workspace: Workspace, reversed_: Sequence[tuple[Reward, datetime]]) -> None:
    """Tell the owners what was taken back of their rewards and what is left, or that one was not granted.

    A further refund is a further mail. The reason for a denial is not in it.
    """
    mails = []
    for reward, at in reversed_:
        if reward.status == Reward.Status.DENIED:
            mails.append(mail_to_owner(workspace, reward, "reward_denied", at))
        elif reward.reversed_minor:
            taken = {
                "taken": display(reward.reversed_minor, reward.unit),
                "left": display(reward.net_minor, reward.unit) if reward.net_minor else "",
                **_balance(reward),
            }
            key = str(reward.reversed_minor)
            mails.append(mail_to_owner(workspace, reward, "reward_taken_back", at, key=key, more=taken))
    queue_messages(workspace=workspace, mails=mails)


@all_or_nothing
def tell_rewards_restored(*, workspace: Workspace, restored: Sequence[tuple[Reward, datetime]]) -> None:
    """Tell the owners that what had been taken back is theirs again."""
    queue_messages(
        workspace=workspace,
        mails=(
            mail_to_owner(
                workspace,
                reward,
                "reward_restored",
                at,
                key=f"{reward.reversed_minor}:{at.isoformat()}",
                more=_balance(reward),
            )
            for reward, at in restored
            if reward.status != Reward.Status.DENIED and is_worth_telling(reward)
        ),
    )


@all_or_nothing
def tell_rewards_expiring(*, workspace: Workspace, expiring: Sequence[tuple[Reward, datetime]]) -> None:
    """Tell the owners until when they can use a reward; nothing where it is used up or gone meanwhile."""
    zone = ZoneInfo(workspace.time_zone)
    mails = []
    for reward, at in expiring:
        gone = reward.kind in _MONEY and reward.unused_minor <= 0
        if reward.status != Reward.Status.ISSUED or reward.expires_at is None or gone:
            continue
        ends = reward.expires_at.astimezone(zone)
        worth = reward.kind in _MONEY
        more = {
            "expires_on": f"{ends.day} {ends:%B %Y}",
            "remaining": display(reward.unused_minor, reward.unit) if worth else "Your reward",
        }
        mails.append(mail_to_owner(workspace, reward, "reward_expiring", at, more=more))
    queue_messages(workspace=workspace, mails=mails)


@all_or_nothing
def tell_rewards_expired(*, workspace: Workspace, expired: Sequence[tuple[Reward, datetime]]) -> None:
    """Tell the owners that what was left of a reward has lapsed."""
    mails = []
    for reward, at in expired:
        if reward.status not in _HANDED_OUT:
            continue
        lapsed = display(reward.expired_minor, reward.unit) if reward.expired_minor else ""
        more = {**_balance(reward), "lapsed": lapsed if reward.kind in _MONEY else ""}
        mails.append(mail_to_owner(workspace, reward, "reward_expired", at, more=more))
    queue_messages(workspace=workspace, mails=mails)


@all_or_nothing
def tell_milestones_reached(*, workspace: Workspace, earned: Sequence[tuple[Reward, datetime]]) -> None:
    """Tell participants of a milestone and what it brings; nothing while its reward is being checked."""
    queue_messages(
        workspace=workspace,
        mails=(
            mail_to_owner(workspace, reward, "milestone_reached", at)
            for reward, at in earned
            if reward.status in (Reward.Status.PENDING, Reward.Status.APPROVED, *_HANDED_OUT)
            and is_worth_telling(reward)
        ),
    )


@all_or_nothing
def tell_payouts_failed(*, workspace: Workspace, failed: Sequence[tuple[Payout, datetime]]) -> None:
    """Tell people that their payout details did not work, and where to mend them.

    What the bank said is not in the mail. They come with customers.
    """
    portals = _portals(workspace, [payout.customer for payout, _ in failed])
    queue_messages(
        workspace=workspace,
        mails=(
            Mail(
                key=f"payout_failed:{payout.public_id}",
                kind="payout_failed",
                to_email=payout.customer.email,
                context={
                    "name": first_name(payout.customer),
                    "amount": display(payout.amount_minor, payout.currency),
                    "portal_url": portals.get(payout.customer_id, ""),
                },
                about=payout.public_id,
                at=at,
            )
            for payout, at in failed
            if payout.status == Payout.Status.FAILED
        ),
    )


@all_or_nothing
def tell_redemptions(*, workspace: Workspace, redemptions: Sequence[tuple[Redemption, datetime]]) -> None:
    """Tell people what they spent, or got back, and what they have now. They come with customer and item."""
    portals = _portals(workspace, [redemption.customer for redemption, _ in redemptions])
    mails = []
    for redemption, at in redemptions:
        done = redemption.status == Redemption.Status.DONE
        kind = "redemption_made" if done else "redemption_cancelled"
        purse = Account.Kind.POINTS if redemption.unit == POINTS else Account.Kind.CREDIT
        balance = reward_queries.balance(redemption.customer, purse, redemption.unit)
        mails.append(
            Mail(
                key=f"{kind}:{redemption.public_id}",
                kind=kind,
                to_email=redemption.customer.email,
                context={
                    "name": first_name(redemption.customer),
                    "amount": display(redemption.amount_minor, redemption.unit),
                    "is_points": redemption.unit == POINTS,
                    "item": redemption.item.name if redemption.item else "",
                    "order": redemption.order_reference,
                    "balance": display(balance, redemption.unit),
                    "portal_url": portals.get(redemption.customer_id, ""),
                },
                about=redemption.public_id,
                at=at,
            )
        )
    queue_messages(workspace=workspace, mails=mails)


@all_or_nothing
def tell_adjustments(*, workspace: Workspace, applied: Sequence[tuple[Adjustment, datetime]]) -> None:
    """Tell people what was added to, or taken from, their balance, and why. They come with customers."""
    portals = _portals(workspace, [adjustment.customer for adjustment, _ in applied])
    places = {Adjustment.Place.PAYABLE: "cash balance", Adjustment.Place.CREDIT: "store credit"}
    mails = []
    for adjustment, at in applied:
        if adjustment.status != Adjustment.Status.APPLIED:
            continue
        balance = reward_queries.balance(adjustment.customer, adjustment.place, adjustment.unit)
        mails.append(
            Mail(
                key=f"adjustment_applied:{adjustment.public_id}",
                kind="adjustment_applied",
                to_email=adjustment.customer.email,
                context={
                    "name": first_name(adjustment.customer),
                    "amount": display(abs(adjustment.amount_minor), adjustment.unit),
                    "added": adjustment.amount_minor > 0,
                    "is_points": adjustment.unit == POINTS,
                    "place": places.get(Adjustment.Place(adjustment.place), "points"),
                    "reason": adjustment.reason,
                    "balance": display(balance, adjustment.unit),
                    "portal_url": portals.get(adjustment.customer_id, ""),
                },
                about=adjustment.public_id,
                at=at,
            )
        )
    queue_messages(workspace=workspace, mails=mails)


@all_or_nothing
def tell_budgets_reached(
    *, workspace: Workspace, reached: Sequence[tuple[Program, dict[str, Any], datetime]]
) -> None:
    """Tell the workspace's owners and finance people that a budget is nearly, or wholly, promised.

    Each comes with the program and what the event says: cap, percent and period.
    """
    members = list(
        Member.objects.for_workspace(workspace)
        .filter(role__in=[Role.OWNER, Role.FINANCE], left_at__isnull=True)
        .select_related("user")
        .order_by("pk")
    )
    queue_messages(
        workspace=workspace,
        mails=(
            Mail(
                key=f"budget:{program.public_id}:{said['cap'][:40]}:{said.get('period', '')}"
                f":{said['percent']}:{member.public_id}",
                kind="budget_reached",
                to_email=member.user.email,
                context={
                    "name": (member.user.name or "").split(" ")[0],
                    "program_name": program.name,
                    "cap": said["cap"],
                    "percent": int(said["percent"]),
                    "period": said.get("period", ""),
                    "report_url": liability_url(workspace.slug),
                },
                about=program.public_id,
                at=at,
            )
            for program, said, at in reached
            for member in members
        ),
    )


def _balance(reward: Reward) -> dict[str, Any]:
    """Return what stands in the account that a reward belongs to, and whether it is below zero."""
    if reward.kind not in _MONEY or reward.status in (Reward.Status.PENDING, Reward.Status.HELD):
        return {"balance": "", "owes": False}
    minor = reward_queries.balance(reward.customer, reward.destination_kind, reward.unit)
    return {"balance": display(minor, reward.unit), "owes": minor < 0}


def _portals(workspace: Workspace, customers: Sequence[Customer]) -> dict[int, str]:
    """Return where each of these people signs in: the portal of the program they joined last."""
    rows = (
        Participant.objects.for_workspace(workspace)
        .filter(customer__in={customer.pk for customer in customers})
        .select_related("program")
        .order_by("pk")
    )
    return {row.customer_id: portal_url(row.program.public_id) for row in rows}
