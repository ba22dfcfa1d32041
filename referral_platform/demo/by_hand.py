"""Money that the shop's people give by hand in the demo, and the tax details of whom they pay."""

from __future__ import annotations

from datetime import datetime

from programs.models import Participant
from referral_platform.demo import cast
from referral_platform.demo.stage import Stage
from rewards import queries as reward_queries
from rewards import services as reward_services


def adjust(stage: Stage, at: datetime) -> None:
    """Thank one creator with a little, and another with much, which waits for the second person.

    Both gave their tax details; one is verified, and of the other the name is wrong.
    """
    creators = Participant.objects.for_workspace(stage.workspace).filter(program=stage.programs["creators"])
    people = [each.customer for each in creators.select_related("customer").order_by("pk")[:2]]
    for person, amount, reason in zip(
        people, (2_500, 15_000), ("Sorry for the late parcel", "Winner of the summer contest"), strict=True
    ):
        reward_services.make_adjustment(
            customer=person,
            place="payable",
            unit=cast.CURRENCY,
            amount_minor=amount,
            reason=reason,
            actor=stage.finn,
            key=f"demo-{person.public_id}-{amount}",
            at=at,
        )
        details = reward_services.submit_tax_details(
            customer=person,
            country="DE",
            legal_name=person.name or "Unknown",
            form="dac7",
            number=f"{86_095_742_719 + amount}",
            actor=stage.finn,
            at=at,
        )
        if amount > 10_000:
            reward_services.refuse_tax_details(
                details=details, reason="The name differs from the bank's.", actor=stage.finn, at=at
            )
        else:
            reward_services.verify_tax_details(details=details, actor=stage.finn, at=at)


def decide(stage: Stage, at: datetime) -> None:
    """Approve as the second person what waits."""
    for waiting in reward_queries.adjustments(stage.workspace).filter(status="waiting"):
        reward_services.approve_adjustment(adjustment=waiting, actor=stage.olga, at=at)


def adjust_again(stage: Stage, at: datetime) -> None:
    """Make an adjustment that still waits for the second person at the end."""
    latest = reward_queries.adjustments(stage.workspace).filter(status="applied")[0]
    reward_services.make_adjustment(
        customer=latest.customer,
        place="payable",
        unit=cast.CURRENCY,
        amount_minor=20_000,
        reason="Photos for the winter catalogue",
        actor=stage.finn,
        key="demo-catalogue",
        at=at,
    )
    reward_services.submit_tax_details(
        customer=latest.customer,
        country="DE",
        legal_name=latest.customer.name or "Unknown",
        form="dac7",
        number="86095742719",
        actor=stage.finn,
        at=at,
    )
