"""Plays the demo's story through the same services as real traffic, at the times at which it happens."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import F

from accounts import queries as account_queries
from accounts import services as account_services
from accounts.models import User, Workspace
from accounts.services import Actor
from analytics import services as analytics_services
from analytics.days import day_of, day_start
from core import clock
from core.queue import MAX_ATTEMPTS, Claim, mark_failed
from core.tenancy import tenant
from engagement.models import Message
from referral_platform.demo import cast, endpoints, money, public, sandbox, staff
from referral_platform.demo.playing import Entry, Tell, play
from referral_platform.demo.stage import Stage
from referral_platform.demo.story import DAYS, story

_DAYS_AT_ONCE: Final = 5
_BOUNCED: Final = 6
_BOUNCES_EVERY: Final = 41


@transaction.atomic
def load(*, at: datetime, tell: Tell) -> Workspace | None:
    """Load the demo as it stands at `at`; None, and nothing done, where there is any workspace already.

    One transaction: an error leaves nothing behind. No mail and no webhook is sent.
    """
    if account_queries.active_workspace_ids():
        return None
    began = day_start(day_of(at, cast.TIME_ZONE) - timedelta(days=DAYS - 1), cast.TIME_ZONE)
    with clock.standing_at(began):
        olga, finn, workspace = _people(began)
    with tenant(workspace):
        stage = Stage(workspace, olga, finn, began)
        play(stage, _timeline(stage), until=at, tell=tell)
        endpoints.answer_last(stage, at)
        money.answer_last(stage, at)
        _close(workspace, began, at)
    sandbox.load(workspace, olga=olga, finn=finn, at=at)
    return workspace


def _close(workspace: Workspace, began: datetime, at: datetime) -> None:
    _close_mail(workspace, at)
    analytics_services.rebuild_days(
        workspace=workspace,
        first_on=day_of(began, cast.TIME_ZONE),
        last_on=day_of(at, cast.TIME_ZONE),
        at=at,
    )


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


def _timeline(stage: Stage) -> list[Entry]:
    weekday = stage.began.astimezone(ZoneInfo(cast.TIME_ZONE)).weekday()
    scenes = [
        Entry(scene.after, partial(public.act, stage, scene.action), alone=False)
        for scene in story(first_weekday=weekday)
    ]
    deeds = [
        Entry(
            after,
            partial(deed, stage),
            alone=deed is not staff.release,
            # Rewards are on hold for longer, so none falls due within the days in which it was earned.
            opens=deed is staff.release and after.days % _DAYS_AT_ONCE == 0,
        )
        for after, deed in staff.deeds()
    ]
    return scenes + deeds


def _close_mail(workspace: Workspace, at: datetime) -> None:
    """Count every mail as sent when it was written, but for some that bounced."""
    waiting = Message.objects.for_workspace(workspace).filter(state=Message.State.PENDING)
    for message in waiting.order_by("-pk")[: _BOUNCES_EVERY * _BOUNCED : _BOUNCES_EVERY]:
        claimed = Claim(message.pk, workspace.pk, MAX_ATTEMPTS)
        mark_failed(Message, claimed, "The mail server refused it: 550 no such mailbox", at=at)
    waiting.update(state=Message.State.DONE, sent_at=F("created_at"), attempts=1)
