"""Plays the demo's story through the same services as real traffic, at the times at which it happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import F

from accounts import queries as account_queries
from accounts import services as account_services
from accounts.models import User, Workspace
from accounts.services import Actor
from analytics import services as analytics_services
from analytics.days import day_of, day_start
from core import events
from core.models import EventDelivery
from core.queue import MAX_ATTEMPTS, Claim, mark_failed
from core.tenancy import tenant
from engagement.models import Message
from integrations.models import WebhookDelivery
from integrations.services import sending
from referral_platform.demo import cast, public, staff
from referral_platform.demo.stage import Stage
from referral_platform.demo.story import DAYS, story

Tell = Callable[[int, int, str], None]
"""Hears of progress: steps done, steps in all, and what is being done."""

_BOUNCED: Final = 2
_RETRYING: Final = 2


class DemoIncomplete(Exception):
    """A handler failed while the demo was loaded; everything is rolled back."""


@transaction.atomic
def load(*, at: datetime, tell: Tell) -> Workspace | None:
    """Load the demo as it stands at `at`; None, and nothing done, where there is any workspace already.

    One transaction: an error leaves nothing behind. No mail and no webhook is sent.
    """
    if account_queries.active_workspace_ids():
        return None
    began = day_start(day_of(at, cast.TIME_ZONE) - timedelta(days=DAYS - 1), cast.TIME_ZONE)
    olga, finn, workspace = _people(began)
    with tenant(workspace):
        stage = Stage(workspace, olga, finn, began)
        _play(stage, until=at, tell=tell)
        _check_delivered(workspace)
        _answer_webhooks(workspace, at)
        _close_mail(workspace, at)
        analytics_services.rebuild_days(
            workspace=workspace,
            first_on=day_of(began, cast.TIME_ZONE),
            last_on=day_of(at, cast.TIME_ZONE),
            at=at,
        )
    return workspace


def _people(at: datetime) -> tuple[Actor, Actor, Workspace]:
    users = [_user(login) for login in cast.LOGINS]
    olga, finn = (Actor(kind="user", label=user.email, user=user) for user in users[:2])
    assert olga.user is not None
    workspace = account_services.create_workspace(
        owner=olga.user, name=cast.WORKSPACE, currency=cast.CURRENCY, time_zone=cast.TIME_ZONE, at=at
    )
    with tenant(workspace):
        for login, user in list(zip(cast.LOGINS, users, strict=True))[1:]:
            invitation, _ = account_services.invite_member(
                workspace=workspace, email=login.email, role=login.role, actor=olga, at=at
            )
            account_services.accept_invitation(invitation=invitation, user=user, at=at)
    return olga, finn, workspace


def _user(login: cast.Login) -> User:
    user = User.objects.create_user(login.email, cast.PASSWORD, name=login.name)
    EmailAddress.objects.create(user=user, email=login.email, verified=True, primary=True)
    return user


def _play(stage: Stage, *, until: datetime, tell: Tell) -> None:
    """Play what everybody does up to an instant, in order, each with its consequences."""
    timeline: list[tuple[timedelta, Callable[[datetime], None]]] = [
        (scene.after, partial(public.act, stage, scene.action)) for scene in story()
    ]
    timeline += [(after, partial(deed, stage)) for after, deed in staff.deeds()]
    timeline.sort(key=lambda each: each[0])
    due = [(after, do) for after, do in timeline if stage.began + after <= until]
    for number, (after, do) in enumerate(due, 1):
        with events.inline():
            do(stage.began + after)
        tell(number, len(due), f"day {after.days + 1} of {DAYS}")


def _check_delivered(workspace: Workspace) -> None:
    owed = EventDelivery.objects.for_workspace(workspace).exclude(state=EventDelivery.State.DONE)
    failed = owed.select_related("event").first()
    if failed is not None:
        raise DemoIncomplete(f"{failed.handler} failed on {failed.event.kind}; see the log above.")


def _answer_webhooks(workspace: Workspace, at: datetime) -> None:
    """Answer each delivery as a receiver would that broke: taken, then given up, the last to be retried."""
    rows = WebhookDelivery.objects.for_workspace(workspace)
    deliveries = list(rows.order_by("pk"))
    refused = sending.Answer(None, "", "The address could not be reached: connection refused.", 31)
    taken = sending.Answer(200, "ok", "", 84)
    for number, delivery in enumerate(deliveries):
        fine = number < len(deliveries) * 6 // 10
        attempts, answer = (1, taken) if fine else (MAX_ATTEMPTS, refused)
        if number >= len(deliveries) - _RETRYING:
            # High enough that the next try lies hours ahead.
            attempts = MAX_ATTEMPTS - 4
        rows.filter(pk=delivery.pk).update(attempts=attempts)
        claimed = Claim(delivery.pk, workspace.pk, attempts)
        sending.record_answer(claimed=claimed, answer=answer, at=at)


def _close_mail(workspace: Workspace, at: datetime) -> None:
    """Count every mail as sent when it was written, but for the last ones, which bounced."""
    waiting = Message.objects.for_workspace(workspace).filter(state=Message.State.PENDING)
    for message in waiting.order_by("-pk")[:_BOUNCED]:
        claimed = Claim(message.pk, workspace.pk, MAX_ATTEMPTS)
        mark_failed(Message, claimed, "The mail server refused it: 550 no such mailbox", at=at)
    waiting.update(state=Message.State.DONE, sent_at=F("created_at"), attempts=1)
