"""The demo workspace's sandbox: what a developer leaves there after an afternoon of trying things out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.db.models import F

from accounts import queries as account_queries
from accounts.models import Workspace
from accounts.services import Actor
from analytics import services as analytics_services
from analytics.days import day_of
from core.tenancy import tenant
from engagement.models import Message
from referral_platform.demo import cast, public, staff
from referral_platform.demo.playing import Entry, play
from referral_platform.demo.scenes import Buy, Enrol, GiveBack, Scene, SignUp, Visit
from referral_platform.demo.stage import Stage
from referral_platform.demo.traffic import CHANNELS, DESK

_AGO = timedelta(days=9)
_PARTICIPANTS = 6


def load(workspace: Workspace, *, olga: Actor, finn: Actor, at: datetime) -> None:
    """Play a trial of some days ago in the sandbox of a workspace."""
    began = at - _AGO
    sandbox_id = account_queries.sandbox_id_of(workspace)
    assert sandbox_id is not None
    with tenant(sandbox_id):
        sandbox = Workspace.objects.for_workspace(sandbox_id).get()
        stage = Stage(sandbox, olga, finn, began)
        scenes = [Entry(scene.after, partial(public.act, stage, scene.action)) for scene in _scenes()]
        first = Entry(timedelta(), partial(_set_up, stage), alone=True)
        play(stage, [first, *scenes], until=at, tell=_hush)
        Message.objects.for_workspace(sandbox).update(
            state=Message.State.DONE, sent_at=F("created_at"), attempts=1
        )
        analytics_services.rebuild_days(
            workspace=sandbox,
            first_on=day_of(began, cast.TIME_ZONE),
            last_on=day_of(at, cast.TIME_ZONE),
            at=at,
        )


def _set_up(stage: Stage, at: datetime) -> None:
    staff.publish(stage, "friends", "Refer a friend", "customer", cast.FRIENDS_WITH_TIERS, at)


def _hush(done: int, whole: int, what: str) -> None:
    """Tell nobody: it is over in a second."""


def _scenes() -> Iterator[Scene]:
    for number in range(_PARTICIPANTS):
        joined = timedelta(minutes=2 + 3 * number)
        yield Scene(joined, Enrol(number, "friends", payout=number % 2 == 0))
        for step in range(4):
            key = number * 10 + step + 1
            clicked = timedelta(minutes=30 + 7 * number + 45 * step)
            facts = {**CHANNELS[(number + step) % len(CHANNELS)][1], "user_agent": DESK, "country": "DE"}
            yield Scene(clicked, Visit(key, number, key, facts))
            if step % 2:
                continue
            person = 700 + key
            yield Scene(clicked + timedelta(minutes=2), SignUp(person, key, "DE"))
            if number % 3 != 2:
                order = 90_000 + key
                yield Scene(clicked + timedelta(minutes=4), Buy(order, person, 2_000 + 500 * step))
                if number == 1:
                    yield Scene(clicked + timedelta(days=1), GiveBack(order, 50))
