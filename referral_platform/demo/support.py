"""What participants ask the shop's people in the demo, and what they are answered."""

from __future__ import annotations

from datetime import datetime

from accounts.services import Actor
from programs.models import Participant
from referral_platform.demo import portrait
from referral_platform.demo.stage import Stage
from rewards.models import Reward
from tracking import services as tracking_services
from tracking.models import Appeal, Conversion


def ask_about_the_first(stage: Stage, at: datetime) -> None:
    """Two participants wonder why their rewards are being checked."""
    for reward, message in zip(
        _held(stage),
        (
            "My brother ordered this himself. We live in one house, that is all!",
            "My colleague bought right after I sent her the link, we sat side by side. Please look again.",
        ),
        strict=False,
    ):
        _ask(stage, reward.participant, reward.conversion, message, at)


def answer_the_first(stage: Stage, at: datetime) -> None:
    """Decline one and grant the other, as their rewards were judged."""
    open_ones = Appeal.objects.for_workspace(stage.workspace).filter(status=Appeal.Status.OPEN)
    answers = (
        ("declined", "The offer is for friends outside your own household, so this order brings no reward."),
        ("granted", "Thank you for calling and explaining. The reward is approved."),
    )
    for appeal, (status, answer) in zip(list(open_ones.order_by("pk")), answers, strict=False):
        tracking_services.answer_appeal(appeal=appeal, status=status, answer=answer, actor=stage.olga, at=at)


def ask_about_the_last(stage: Stage, at: datetime) -> None:
    """Somebody misses a friend, and somebody else a reward; nobody has answered yet."""
    shown = stage.links[portrait.PERSON].participant
    _ask(stage, shown, None, "A friend from my choir ordered last Tuesday and I cannot see her here.", at)
    newest = _held(stage, newest_first=True)[0]
    _ask(stage, newest.participant, newest.conversion, "Why does this one take so much longer?", at)


def _held(stage: Stage, *, newest_first: bool = False) -> list[Reward]:
    held = Reward.objects.for_workspace(stage.workspace).filter(
        status=Reward.Status.HELD, side=Reward.Side.REFERRER
    )
    rows = held.select_related("participant", "conversion").order_by("-pk" if newest_first else "pk")
    return list(rows[:2])


def _ask(
    stage: Stage, participant: Participant, conversion: Conversion | None, message: str, at: datetime
) -> None:
    tracking_services.open_appeal(
        participant=participant,
        conversion=conversion,
        message=message,
        actor=Actor(kind="participant", label=participant.public_id),
        at=at,
    )
