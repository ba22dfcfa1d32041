"""What the shop's own people do in the demo: set up, approve, pay, judge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby

from accounts import services as account_services
from accounts.models import ApiKey
from programs import services as program_services
from programs.assignment import Variant
from programs.models import Experiment, Participant
from programs.terms import ProgramTerms
from referral_platform.demo import by_hand, cases, cast, club, endpoints, money, seasons, shopfront, support
from referral_platform.demo.stage import Stage
from referral_platform.demo.story import DAYS, SHOP_FROM, TASTERS, TASTING_ENDS
from rewards import queries as reward_queries
from rewards import services as reward_services
from rewards.models import Reward
from tracking import services as tracking_services
from tracking.models import Conversion, FraudCase

_AT_ONCE = 500

Deed = Callable[[Stage, datetime], None]


def deeds() -> list[tuple[timedelta, Deed]]:
    """Return what is done when, counted from the start of the story."""

    def after(days: int, hours: int) -> timedelta:
        return timedelta(days=days, hours=hours)

    nightly: list[tuple[timedelta, Deed]] = [(after(day, 3), release) for day in range(DAYS)]
    heard: list[tuple[timedelta, Deed]] = [(after(day, 2), endpoints.answer) for day in range(167, DAYS)]
    paid = [
        each
        for day in (60, 91, 121, 152)
        for each in (
            (after(day, 9), approve_all_creators),
            (after(day + 1, 10), prepare_payouts),
            (after(day + 1, 15), approve_payouts),
            (after(day + 4, 9), import_results),
        )
    ]
    seen: list[tuple[timedelta, Deed]] = [(after(day, 19), show_invitation) for day in range(161, DAYS)]
    return [
        (after(0, 8), set_up),
        (TASTING_ENDS, pause_tasting),
        (after(1, 9), seasons.enter_first_rates),
        (after(47, 11), prepare_too_early),
        (after(58, 10), seasons.plan_first),
        (after(75, 11), publish_tiers),
        *paid,
        (after(97, 14), refund_paid_order),
        (after(119, 18), support.ask_about_the_first),
        (after(120, 11), judge),
        (after(120, 12), support.answer_the_first),
        (after(140, 13), suspend_somebody),
        (after(141, 10), keep_lists),
        (after(150, 9), seasons.enter_new_rates),
        (after(153, 15), change_keys),
        (after(153, 16), open_sites),
        (after(160, 9), start_experiment),
        (after(162, 9), set_up_club),
        (after(162, 10), club.open_club),
        (after(163, 12), club.buy),
        (after(165, 10), club.hand_over),
        (after(166, 12), club.use_and_send_back),
        (after(168, 15), money.sell_abroad),
        (after(171, 9), approve_all_creators),
        (after(171, 10), money.choose_paypal),
        (after(171, 11), money.prepare_by_paypal),
        (after(171, 16), money.approve_by_paypal),
        (after(172, 9), money.pay_by_paypal),
        (after(172, 4), money.warn_of_expiry),
        (after(173, 10), club.redeem),
        (after(174, 10), money.ask_booking),
        (after(174, 12), club.buy_again),
        (after(178, 4), money.expire),
        (SHOP_FROM - timedelta(hours=1), shopfront.connect),
        (after(166, 10), endpoints.add),
        (after(168, 14), refund_paid_order),
        (after(150, 10), by_hand.adjust),
        (after(150, 15), by_hand.decide),
        (after(171, 12), prepare_payouts),
        (after(171, 15), approve_payouts),
        (after(174, 9), import_half),
        (after(172, 12), shopfront.receive_oddities),
        (after(175, 7), shopfront.receive_unread),
        (after(176, 9), approve_some_creators),
        (after(176, 10), prepare_payouts),
        (after(176, 16), approve_only),
        (after(177, 10), seasons.plan_running),
        (after(178, 9), shopfront.receive_unread),
        (after(179, 10), invite),
        (after(179, 15), seasons.plan_coming),
        (after(179, 20), support.ask_about_the_last),
        (after(180, 9), approve_some_creators),
        (after(179, 12), by_hand.adjust_again),
        (after(180, 10), prepare_payouts),
        *((after_start, rule) for after_start in sorted({each.after for each in cases.RULINGS})),
        *nightly,
        *heard,
        *seen,
    ]


def set_up(stage: Stage, at: datetime) -> None:
    """Publish three programs, draft a fourth, and make a key for the shop's server."""
    publish(stage, "friends", "Refer a friend", "customer", cast.FRIENDS, at)
    publish(stage, "creators", "Coffee creators", "influencer", cast.CREATORS, at)
    publish(stage, "tasting", "Tasting club", "affiliate", cast.TASTING, at)
    program_services.create_program(
        workspace=stage.workspace, name="Coffee for offices", kind="b2b", actor=stage.olga, at=at
    )
    _make_key(stage, "sk", "Shop backend (old)", ["track", "read"], at)


def set_up_club(stage: Stage, at: datetime) -> None:
    """Publish a program whose rewards are things."""
    publish(stage, "club", "Lumen club", "customer", cast.club(club.RULES, (club.BUDGET,)), at)


def _make_key(stage: Stage, kind: str, name: str, scopes: list[str], at: datetime) -> ApiKey:
    key, _ = account_services.create_api_key(
        workspace=stage.workspace, kind=kind, name=name, scopes=scopes, actor=stage.olga, at=at
    )
    return key


def change_keys(stage: Stage, at: datetime) -> None:
    """Give the shop's server and its pages keys of their own, and take the old one back."""
    _make_key(stage, "sk", "Shop backend", ["track", "read"], at)
    _make_key(stage, "pk", "Shop pages", ["track"], at)
    old = ApiKey.objects.for_workspace(stage.workspace).order_by("pk")[0]
    account_services.revoke_api_key(key=old, actor=stage.olga, at=at)


def open_sites(stage: Stage, at: datetime) -> None:
    """Let the shop's site show the portal, and claim a host name whose record nobody has set yet."""
    account_services.set_embed_domains(
        workspace=stage.workspace, domains=["https://shop.lumen-coffee.example"], actor=stage.olga
    )
    account_services.add_domain(
        workspace=stage.workspace, host="go.lumen-coffee.example", actor=stage.olga, at=at
    )


def publish(stage: Stage, key: str, name: str, kind: str, terms: ProgramTerms, at: datetime) -> None:
    """Make a program with these terms and publish it."""
    program = program_services.create_program(
        workspace=stage.workspace, name=name, kind=kind, actor=stage.olga, at=at
    )
    program_services.update_draft(program=program, terms=cast.document(terms), actor=stage.olga)
    program_services.publish_program(program=program, actor=stage.olga, at=at)
    stage.programs[key] = program


def publish_tiers(stage: Stage, at: datetime) -> None:
    """Let the reward of those who bring many friends rise, by a second version."""
    friends = stage.programs["friends"]
    program_services.update_draft(
        program=friends, terms=cast.document(cast.FRIENDS_WITH_TIERS), actor=stage.olga
    )
    program_services.publish_program(program=friends, actor=stage.olga, at=at)


def pause_tasting(stage: Stage, at: datetime) -> None:
    """Pause a program; people still follow its links for a while, and those clicks do not count."""
    tasting = stage.programs["tasting"]
    program_services.change_program_status(
        program=tasting, status="paused", reason="The club takes a break.", actor=stage.olga, at=at
    )
    for person in TASTERS:
        # The links in memory still know the program as it was.
        stage.links[person] = stage.link_of(stage.as_stored(stage.links[person].participant))


def release(stage: Stage, at: datetime) -> None:
    """Approve what approves itself once its hold is over."""
    while reward_services.release_due_rewards(workspace=stage.workspace, at=at, limit=_AT_ONCE) == _AT_ONCE:
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


def approve_only(stage: Stage, at: datetime) -> None:
    """Approve the batch as the second person; it waits to be exported."""
    assert stage.batch is not None
    reward_services.approve_batch(batch=stage.batch, actor=stage.olga, at=at)


def prepare_too_early(stage: Stage, at: datetime) -> None:
    """Prepare a batch and take it back."""
    prepare_payouts(stage, at)
    assert stage.batch is not None
    reward_services.cancel_batch(
        batch=stage.batch, reason="Too early: the month is not over.", actor=stage.finn, at=at
    )


def import_results(stage: Stage, at: datetime) -> None:
    """Settle the batch: all went out but the last, which the bank refused."""
    _import(stage, at, share=1.0)


def import_half(stage: Stage, at: datetime) -> None:
    """Settle the first half of the batch; the bank has not told of the others yet."""
    _import(stage, at, share=0.5)


def _import(stage: Stage, at: datetime, *, share: float) -> None:
    assert stage.batch is not None
    payouts = list(reward_queries.payouts_of(stage.batch))
    told = payouts[: max(1, int(len(payouts) * share))]
    rows = [
        reward_services.ResultRow(
            line=number + 2,
            payout_id=payout.public_id,
            status="failed" if number and number == len(payouts) - 1 else "paid",
            reference=f"SEPA-{at:%y%m}-{number + 1:03d}",
            failure="Account closed",
        )
        for number, payout in enumerate(told)
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


def judge(stage: Stage, at: datetime) -> None:
    """Deny the reward of one order that came too fast, trust another, and refuse a third order as a whole."""
    denied, trusted, stolen = (f"LC-{cases.TRUSTED_TOO_FAST + step}" for step in (-1, 0, 1))
    held = {
        reward.conversion.source_key: reward
        for reward in Reward.objects.for_workspace(stage.workspace)
        .filter(status=Reward.Status.HELD, side=Reward.Side.REFERRER)
        .filter(conversion__source_key__in=(denied, trusted, stolen))
        .select_related("conversion__workspace")
    }
    reward_services.deny_reward(
        reward=held[denied],
        reason="Ordered within the participant's own household.",
        actor=stage.olga,
        at=at,
    )
    reward_services.approve_reward(
        reward=held[trusted],
        reason="A regular customer; they called and explained.",
        actor=stage.olga,
        at=at,
    )
    tracking_services.reject_conversion(
        conversion=held[stolen].conversion, reason="stolen_card", actor=stage.olga, at=at
    )


def keep_lists(stage: Stage, at: datetime) -> None:
    """Refuse a site for good, and a parcel shop's network for a while; trust the roastery's own people."""
    for mode, kind, pattern, note, days in (
        ("block", "source", "coupon-heap.example", "Sends buyers who would have come anyway.", None),
        ("block", "address", "198.18.0.*", "Many made-up customers in May.", 400),
        ("allow", "email", "*@lumen-coffee.example", "Our own people try things out.", None),
    ):
        tracking_services.add_list_entry(
            workspace=stage.workspace,
            mode=mode,
            kind=kind,
            pattern=pattern,
            note=note,
            expires_at=at + timedelta(days=days) if days else None,
            actor=stage.olga,
            at=at,
        )


def rule(stage: Stage, at: datetime) -> None:
    """Decide the fraud cases that are due; the others are left for whoever looks at the demo."""
    due = [each for each in cases.RULINGS if stage.began + each.after == at]
    for (status, reason), rulings in groupby(due, key=lambda each: (each.status, each.reason)):
        keys = {f"LC-{each.order}" for each in rulings}
        found = FraudCase.objects.for_workspace(stage.workspace).filter(conversion__source_key__in=keys)
        tracking_services.resolve_cases(
            workspace=stage.workspace,
            public_ids=list(found.order_by("pk").values_list("public_id", flat=True)),
            status=status,
            reason=reason,
            actor=stage.olga,
            at=at,
        )


def suspend_somebody(stage: Stage, at: datetime) -> None:
    """Suspend the one who ordered by their own link again and again."""
    program_services.update_participant(
        participant=stage.links[6].participant,
        status=Participant.Status.SUSPENDED,
        reason="Ordered by their own link twice.",
        actor=stage.olga,
    )
    # The link in memory still knows the participant as they were.
    stage.links[6] = stage.link_of(stage.as_stored(stage.links[6].participant))


def invite(stage: Stage, at: datetime) -> None:
    """Invite somebody to the team, who has not answered yet."""
    account_services.invite_member(
        workspace=stage.workspace,
        email="jonas.reuter@lumen-coffee.example",
        role="support",
        actor=stage.olga,
        at=at,
    )


def start_experiment(stage: Stage, at: datetime) -> None:
    """Compare two texts that ask people to share their link, and leave a tenth of them as they are."""
    experiment = program_services.create_experiment(
        program=stage.programs["friends"],
        name="Two ways to ask for a share",
        variants=[Variant("ask-kindly", 1), Variant("name-the-reward", 1)],
        holdout_bps=1_000,
        actor=stage.olga,
        at=at,
    )
    program_services.start_experiment(experiment=experiment, actor=stage.olga, at=at)


def show_invitation(stage: Stage, at: datetime) -> None:
    """Let a twelfth of the people come by on this evening and see their text; many come twice."""
    experiment = Experiment.objects.for_workspace(stage.workspace).get()
    day = (at - stage.began).days
    for person, link in sorted(stage.links.items()):
        if person % 12 == day % 12 and link.participant.program_id == experiment.program_id:
            program_services.expose(experiment=experiment, participant=link.participant, at=at)
