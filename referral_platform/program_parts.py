"""What the apps above programs add to the pages of programs and participants: figures, rows, an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import AuditEntry
from accounts.queries import audit_entries
from core.templatetags.display import words
from engagement.models import Message
from engagement.queries.messages import messages_of
from programs.example import ExampleOrder
from programs.models import Customer, Participant, Program
from rewards import queries as reward_queries
from rewards.models import PayoutAccount, Reward
from rewards.payout_details import FIELDS
from rewards.worked_example import ExampleLine, worked_example
from tracking import queries as tracking_queries
from tracking.models import Click, Referral

LATEST: Final = 5
_GONE: Final = (Reward.Status.DENIED, Reward.Status.REVERSED, Reward.Status.EXPIRED)


@dataclass(frozen=True, slots=True)
class Figures:
    """How sharing goes: counted clicks, friends, those who converted, and what was earned, by unit."""

    clicks: int
    friends: int
    converted: int
    earned: tuple[tuple[int, str], ...]


def example_lines(order: ExampleOrder) -> tuple[ExampleLine, ...]:
    """Calculate a worked example with the function that pays the rewards."""
    return worked_example(order.terms, order.order_minor, order.friends, order.revenue_minor, order.facts)


def program_figures(program: Program) -> Figures:
    """Return how a whole program goes; what friends earned counts too, because it costs as much."""
    workspace = program.workspace
    return _figures(
        Click.objects.for_workspace(workspace).filter(program=program),
        tracking_queries.referrals(workspace).filter(program=program),
        reward_queries.rewards(workspace).filter(program=program),
    )


def participant_page(participant: Participant) -> dict[str, Any]:
    """Return a participant's figures and the latest rows behind them, and what was done to them."""
    workspace = participant.workspace
    referrals = tracking_queries.referrals(workspace).filter(participant=participant)
    rewards = reward_queries.rewards(workspace).filter(participant=participant)
    email = participant.customer.email
    messages = messages_of(workspace).filter(to_email=email) if email else Message.objects.none()
    history = audit_entries(workspace).filter(subject=participant.public_id)
    return {
        "figures": _figures(
            Click.objects.for_workspace(workspace).filter(participant=participant), referrals, rewards
        ),
        "referrals": list(referrals[:LATEST]),
        "rewards": list(rewards[:LATEST]),
        "messages_sent": list(messages[:LATEST]),
        "history": [_step(entry) for entry in history[:20]],
        **customer_page(participant.customer),
    }


def customer_page(customer: Customer) -> dict[str, Any]:
    """Return how a person is paid, as far as it may be shown, and the methods that staff can set."""
    return {
        "payout_accounts": list(reward_queries.payout_accounts_of(customer)),
        "paid_to": reward_queries.destination_of(customer),
        "person_tax": reward_queries.tax_details_of(customer),
        "payout_methods": [(value, label) for value, label in PayoutAccount.Method.choices if FIELDS[value]],
    }


def with_friends(rows: QuerySet[Participant]) -> QuerySet[Participant]:
    """Annotate participants with `friends`, whom they brought, and `converted`, who of those bought."""
    mine = Referral.objects.filter(workspace_id=OuterRef("workspace_id"), participant_id=OuterRef("pk"))
    brought = mine.exclude(status=Referral.Status.REJECTED)
    return rows.annotate(
        friends=_counted(brought),
        converted=_counted(brought.filter(converted_at__isnull=False)),
    )


def _counted(rows: QuerySet[Referral]) -> Coalesce:
    counts = rows.order_by().values("participant_id").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counts), 0)


def _figures(clicks: QuerySet[Click], referrals: QuerySet[Referral], rewards: QuerySet[Reward]) -> Figures:
    counts = (
        referrals.order_by()
        .exclude(status=Referral.Status.REJECTED)
        .aggregate(friends=Count("pk"), converted=Count("pk", filter=Q(converted_at__isnull=False)))
    )
    earned = (
        rewards.order_by()
        .exclude(status__in=_GONE)
        .values("unit")
        .annotate(net=Sum(F("amount_minor") - F("reversed_minor")))
        .filter(net__gt=0)
        .order_by("-net")
    )
    return Figures(
        clicks=clicks.filter(counted=True).count(),
        friends=counts["friends"],
        converted=counts["converted"],
        earned=tuple((row["net"], row["unit"]) for row in earned),
    )


def _step(entry: AuditEntry) -> dict[str, Any]:
    return {
        "title": words(entry.action.partition(".")[2] or entry.action).capitalize(),
        "text": entry.reason,
        "at": entry.at,
        "actor": entry.actor,
    }
