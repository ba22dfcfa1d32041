"""What the shop's own people do in the demo: set up, approve, pay, judge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from accounts import services as account_services
from integrations.services import webhooks
from programs import services as program_services
from programs.models import Participant
from programs.terms import ProgramTerms
from referral_platform.demo import cast, shopfront
from referral_platform.demo.stage import Stage
from referral_platform.demo.story import DAYS, SHOP_FROM
from rewards import queries as reward_queries
from rewards import services as reward_services
from rewards.models import Reward
from tracking import services as tracking_services
from tracking.classification import ClickFacts
from tracking.models import Conversion

Deed = Callable[[Stage, datetime], None]


def deeds() -> list[tuple[timedelta, Deed]]:
    """Return what is done when, counted from the start of the story."""

    def after(days: int, hours: int) -> timedelta:
        return timedelta(days=days, hours=hours)

    nightly: list[tuple[timedelta, Deed]] = [(after(day, 3), release) for day in range(DAYS)]
    return [
        (after(0, 8), set_up),
        (after(40, 10), pause_tasting),
        (after(65, 9), approve_all_creators),
        (after(66, 10), prepare_payouts),
        (after(66, 15), approve_payouts),
        (after(69, 9), import_results),
        (SHOP_FROM - timedelta(hours=1), shopfront.connect),
        (after(72, 14), refund_paid_order),
        (after(76, 11), judge),
        (after(79, 12), shopfront.receive_oddities),
        (after(87, 9), approve_some_creators),
        (after(87, 10), add_webhooks),
        (after(88, 10), prepare_payouts),
        *nightly,
    ]


def set_up(stage: Stage, at: datetime) -> None:
    """Publish three programs, draft a fourth, and make a key for the shop's server."""
    _publish(stage, "friends", "Refer a friend", "customer", cast.FRIENDS, at)
    _publish(stage, "creators", "Coffee creators", "influencer", cast.CREATORS, at)
    _publish(stage, "tasting", "Winter tasting", "affiliate", cast.TASTING, at)
    for person in (900, 901, 902):
        program_services.enrol_participant(
            program=stage.programs["tasting"], customer=stage.customer(person, at), actor=stage.olga, at=at
        )
    program_services.create_program(
        workspace=stage.workspace, name="Coffee for offices", kind="b2b", actor=stage.olga, at=at
    )
    account_services.create_api_key(
        workspace=stage.workspace,
        kind="sk",
        name="Shop backend",
        scopes=["track", "read"],
        actor=stage.olga,
        at=at,
    )


def _publish(stage: Stage, key: str, name: str, kind: str, terms: ProgramTerms, at: datetime) -> None:
    program = program_services.create_program(
        workspace=stage.workspace, name=name, kind=kind, actor=stage.olga, at=at
    )
    program_services.update_draft(program=program, terms=cast.document(terms), actor=stage.olga)
    program_services.publish_program(program=program, actor=stage.olga, at=at)
    stage.programs[key] = program


def pause_tasting(stage: Stage, at: datetime) -> None:
    """Pause a program; people still follow its links, and those clicks do not count."""
    tasting = stage.programs["tasting"]
    program_services.change_program_status(
        program=tasting, status="paused", reason="The tasting is over.", actor=stage.olga, at=at
    )
    participants = Participant.objects.for_workspace(stage.workspace).filter(program=tasting).order_by("pk")
    for number, participant in enumerate(participants):
        tracking_services.record_click(
            link=stage.link_of(participant),
            visitor_id=f"vis_late{number:05d}",
            facts=ClickFacts(user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Firefox/142.0"),
            at=at,
        )


def release(stage: Stage, at: datetime) -> None:
    """Approve what approves itself once its hold is over."""
    while reward_services.release_due_rewards(workspace=stage.workspace, at=at):
        pass


def _waiting(stage: Stage, at: datetime) -> list[str]:
    return list(
        Reward.objects.for_workspace(stage.workspace)
        .filter(status=Reward.Status.PENDING, program=stage.programs["creators"], available_at__lte=at)
        .order_by("pk")
        .values_list("public_id", flat=True)
    )


def approve_all_creators(stage: Stage, at: datetime) -> None:
    """Approve every creator's reward whose hold is over."""
    reward_services.bulk_approve(
        workspace=stage.workspace, public_ids=_waiting(stage, at), actor=stage.olga, at=at
    )


def approve_some_creators(stage: Stage, at: datetime) -> None:
    """Approve the older half, and leave the rest for whoever looks at the demo."""
    waiting = _waiting(stage, at)
    reward_services.bulk_approve(
        workspace=stage.workspace, public_ids=waiting[: len(waiting) // 2], actor=stage.olga, at=at
    )


def prepare_payouts(stage: Stage, at: datetime) -> None:
    """Put everyone who can be paid into a batch."""
    stage.batch = reward_services.prepare_batch(
        workspace=stage.workspace, currency=cast.CURRENCY, actor=stage.finn, at=at
    )


def approve_payouts(stage: Stage, at: datetime) -> None:
    """Approve the batch as the second person, and export it."""
    assert stage.batch is not None
    reward_services.approve_batch(batch=stage.batch, actor=stage.olga, at=at)
    reward_services.export_batch(batch=stage.batch, actor=stage.finn, at=at)


def import_results(stage: Stage, at: datetime) -> None:
    """Settle the batch: all went out but the last, which the bank refused."""
    assert stage.batch is not None
    payouts = list(reward_queries.payouts_of(stage.batch))
    rows = [
        reward_services.ResultRow(
            line=number + 2,
            payout_id=payout.public_id,
            status="failed" if number == len(payouts) - 1 else "paid",
            reference=f"SEPA-{at:%y%m}-{number + 1:03d}",
            failure="Account closed",
        )
        for number, payout in enumerate(payouts)
    ]
    reward_services.import_results(batch=stage.batch, rows=rows, actor=stage.finn, at=at)


def refund_paid_order(stage: Stage, at: datetime) -> None:
    """Take a whole order back whose reward was paid out: what is owed now is carried forward."""
    paid = (
        Reward.objects.for_workspace(stage.workspace)
        .filter(status=Reward.Status.PAID, conversion__source="api")
        .filter(conversion__status=Conversion.Status.RECORDED)
        .select_related("conversion__workspace")
        .order_by("-amount_minor", "pk")
    )
    conversion = paid[0].conversion
    tracking_services.record_refund(
        conversion=conversion,
        source_key=f"return-{conversion.source_key}",
        amount_minor=conversion.amount_minor,
        occurred_at=at,
        at=at,
    )
    reward_services.settle_conversion(conversion=conversion, at=at)


def judge(stage: Stage, at: datetime) -> None:
    """Deny one of the held rewards, and declare that another's order does not count."""
    held = (
        Reward.objects.for_workspace(stage.workspace)
        .filter(status=Reward.Status.HELD, side=Reward.Side.REFERRER)
        .select_related("conversion__workspace")
        .order_by("pk")
    )
    first, second = held[:2]
    reward_services.deny_reward(
        reward=first, reason="Ordered within the participant's own household.", actor=stage.olga, at=at
    )
    tracking_services.reject_conversion(
        conversion=second.conversion, reason="stolen_card", actor=stage.olga, at=at
    )
    reward_services.settle_conversion(conversion=second.conversion, at=at)


def add_webhooks(stage: Stage, at: datetime) -> None:
    """Add an endpoint of the shop's own that hears of purchases and rewards."""
    webhooks.create_endpoint(
        workspace=stage.workspace,
        url="https://hooks.lumen-coffee.example/referrals",
        kinds=["conversion.created", "conversion.refunded", "reward.approved", "reward.created"],
        actor=stage.olga,
        at=at,
    )
