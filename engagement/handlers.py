"""What makes us write to people. Each handler reads the facts again and queues at most one mail for each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.models import Workspace
from core import clock
from core.events import in_groups
from core.models import Event
from engagement import services
from programs.models import Participant, Program
from programs.promotion_queries import promotions
from programs.queries import customers_of
from rewards.models import Adjustment, Payout, Redemption, Reward
from tracking.models import Appeal, Conversion, ConversionCheck, Referral

Heard = Sequence[tuple[Event, datetime]]


@in_groups
def on_participant_enrolled(heard: Heard) -> None:
    """Send new participants their links."""
    workspace = _workspace(heard)
    people = _named(Participant, heard, "participant", "customer", "program")
    for person in people.values():
        person.workspace = person.program.workspace = workspace
    services.invite_participants(workspace=workspace, enrolled=_timed(heard, "participant", people))


@in_groups
def on_lead_created(heard: Heard) -> None:
    """Tell the referrers of sign-ups, and welcome the friends."""
    signed_up = _timed(heard, "conversion", _named(Conversion, heard, "conversion", "customer"))
    services.greet_referees_and_referrers(workspace=_workspace(heard), signed_up=signed_up)


@in_groups
def on_check_asked(heard: Heard) -> None:
    """Ask friends to confirm their address where a check of a conversion waits for it."""
    asked = [(event, at) for event, at in heard if event.data["asks"] == ConversionCheck.Kind.EMAIL]
    if asked:
        checks = _named(ConversionCheck, asked, "check", "conversion__customer")
        services.ask_to_confirm(workspace=_workspace(asked), asked=_timed(asked, "check", checks))


@in_groups
def on_reward_created(heard: Heard) -> None:
    """Tell the owners of rewards that they earned them."""
    services.tell_rewards_earned(workspace=_workspace(heard), earned=_rewards(heard))


@in_groups
def on_reward_issued(heard: Heard) -> None:
    """Tell the owners of rewards that they are ready."""
    services.tell_rewards_issued(workspace=_workspace(heard), issued=_rewards(heard))


@in_groups
def on_payout_completed(heard: Heard) -> None:
    """Tell people that their money was sent."""
    payouts = _named(Payout, heard, "payout", "customer")
    services.tell_payouts_paid(workspace=_workspace(heard), paid=_timed(heard, "payout", payouts))


@in_groups
def on_appeal_answered(heard: Heard) -> None:
    """Tell participants what became of their appeals."""
    appeals = _named(Appeal, heard, "appeal", "participant__customer", "participant__program")
    services.tell_appeals_answered(workspace=_workspace(heard), answered=_timed(heard, "appeal", appeals))


def _workspace(heard: Heard) -> Workspace:
    found: Workspace = Workspace.objects.for_workspace(heard[0][0].workspace_id).get()
    return found


def _named(model: Any, heard: Heard, key: str, *related: str) -> dict[str, Any]:
    """Return the rows the events name, by public id."""
    rows = model.objects.for_workspace(heard[0][0].workspace_id).select_related(*related)
    return {row.public_id: row for row in rows.filter(public_id__in={event.data[key] for event, _ in heard})}


def _timed(heard: Heard, key: str, rows: Mapping[str, Any]) -> list[tuple[Any, datetime]]:
    return [(rows[event.data[key]], event.occurred_at) for event, _ in heard]


def _rewards(heard: Heard) -> list[tuple[Reward, datetime]]:
    # In three reads: Postgres takes longer to plan one over seven guarded tables than to run all of them.
    rewards = _named(Reward, heard, "reward", "customer", "version", "conversion")
    workspace_id = heard[0][0].workspace_id
    programs = _by_key(
        Program.objects.for_workspace(workspace_id), (reward.program_id for reward in rewards.values())
    )
    referrals = _by_key(
        Referral.objects.for_workspace(workspace_id).select_related("customer"),
        (reward.referral_id for reward in rewards.values()),
    )
    for reward in rewards.values():
        reward.program, reward.referral = programs[reward.program_id], referrals[reward.referral_id]
    return _timed(heard, "reward", rewards)


def _by_key(rows: Any, keys: Iterable[int]) -> dict[int, Any]:
    found: dict[int, Any] = rows.in_bulk(set(keys))
    return found


def on_customer_erased(event: Event) -> None:
    """Empty the mails to an erased person and those that name them."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    customer = customers_of(workspace).get(public_id=event.data["customer"])
    services.forget_customer(workspace=workspace, customer=customer)


@in_groups
def on_reward_approved(heard: Heard) -> None:
    """Tell the owners of cash that it is part of the next payout."""
    services.tell_rewards_payable(workspace=_workspace(heard), approved=_rewards(heard))


@in_groups
def on_reward_reversed(heard: Heard) -> None:
    """Tell the owners of rewards what was taken back, or that they were not granted."""
    services.tell_rewards_reversed(workspace=_workspace(heard), reversed_=_rewards(heard))


@in_groups
def on_reward_restored(heard: Heard) -> None:
    """Tell the owners of rewards that they have them back."""
    services.tell_rewards_restored(workspace=_workspace(heard), restored=_rewards(heard))


@in_groups
def on_reward_expiring(heard: Heard) -> None:
    """Tell the owners of rewards until when they can use them."""
    services.tell_rewards_expiring(workspace=_workspace(heard), expiring=_rewards(heard))


@in_groups
def on_reward_expired(heard: Heard) -> None:
    """Tell the owners of rewards that they lapsed."""
    services.tell_rewards_expired(workspace=_workspace(heard), expired=_rewards(heard))


@in_groups
def on_milestone_reached(heard: Heard) -> None:
    """Tell participants of their milestones."""
    services.tell_milestones_reached(workspace=_workspace(heard), earned=_rewards(heard))


@in_groups
def on_payout_failed(heard: Heard) -> None:
    """Tell people that their payout details did not work."""
    payouts = _named(Payout, heard, "payout", "customer")
    services.tell_payouts_failed(workspace=_workspace(heard), failed=_timed(heard, "payout", payouts))


@in_groups
def on_redemption_changed(heard: Heard) -> None:
    """Tell people what they spent, or got back."""
    rows = _named(Redemption, heard, "redemption", "customer", "item")
    services.tell_redemptions(workspace=_workspace(heard), redemptions=_timed(heard, "redemption", rows))


@in_groups
def on_adjustment_applied(heard: Heard) -> None:
    """Tell people what was added to, or taken from, their balance."""
    rows = _named(Adjustment, heard, "adjustment", "customer")
    services.tell_adjustments(workspace=_workspace(heard), applied=_timed(heard, "adjustment", rows))


def on_promotion_started(event: Event) -> None:
    """Write to the participants whom a promotion is for, where it is announced."""
    _announce(event, after="")


def on_promotion_announcing(event: Event) -> None:
    """Write to the next participants whom a promotion is for."""
    _announce(event, after=event.data["after"])


def _announce(event: Event, *, after: str) -> None:
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    promotion = promotions(workspace).get(public_id=event.data["promotion"])
    # By the clock of now: what is told late may be over.
    at = workspace.local_time(clock.now())
    services.announce_promotion(workspace=workspace, promotion=promotion, after=after, at=at)


@in_groups
def on_budget_reached(heard: Heard) -> None:
    """Tell the workspace's owners and finance people of budgets that are nearly used up."""
    programs = _named(Program, heard, "program")
    reached = [(programs[event.data["program"]], dict(event.data), event.occurred_at) for event, _ in heard]
    services.tell_budgets_reached(workspace=_workspace(heard), reached=reached)
