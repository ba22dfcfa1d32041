"""What makes us write to people. Each handler reads the facts again and queues at most one mail for each."""

from core.models import Event
from engagement import services
from programs.models import Participant, Program
from rewards.models import Payout, Reward
from tracking.models import Conversion, Referral


def on_participant_enrolled(event: Event) -> None:
    """Send the new participant their link."""
    participant = (
        Participant.objects.for_workspace(event.workspace_id)
        .select_related("workspace", "customer", "program__workspace")
        .get(public_id=event.data["participant"])
    )
    services.invite_participant(participant=participant, at=event.occurred_at)


def on_lead_created(event: Event) -> None:
    """Tell the referrers of a sign-up, and welcome the friend."""
    conversion = (
        Conversion.objects.for_workspace(event.workspace_id)
        .select_related("customer")
        .get(public_id=event.data["conversion"])
    )
    services.greet_referee_and_referrers(conversion=conversion, at=event.occurred_at)


def on_reward_created(event: Event) -> None:
    """Tell the owner of a reward that they earned it."""
    services.tell_reward_earned(reward=_reward(event), at=event.occurred_at)


def on_reward_issued(event: Event) -> None:
    """Tell the owner of a reward that it is ready."""
    services.tell_reward_issued(reward=_reward(event), at=event.occurred_at)


def on_payout_completed(event: Event) -> None:
    """Tell somebody that their money was sent."""
    payout = (
        Payout.objects.for_workspace(event.workspace_id)
        .select_related("workspace", "customer")
        .get(public_id=event.data["payout"])
    )
    services.tell_payout_paid(payout=payout, at=event.occurred_at)


def _reward(event: Event) -> Reward:
    # In three reads: Postgres takes longer to plan one over seven guarded tables than to run all of them.
    reward: Reward = (
        Reward.objects.for_workspace(event.workspace_id)
        .select_related("customer", "version", "conversion")
        .get(public_id=event.data["reward"])
    )
    reward.program = (
        Program.objects.for_workspace(event.workspace_id)
        .select_related("workspace")
        .get(pk=reward.program_id)
    )
    reward.referral = (
        Referral.objects.for_workspace(event.workspace_id)
        .select_related("customer")
        .get(pk=reward.referral_id)
    )
    return reward
