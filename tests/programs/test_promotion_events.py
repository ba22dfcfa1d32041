"""That promotions started and ended is told once each, at the start and the end of their days."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock
from core.models import Event
from core.tenancy import tenant
from engagement import handlers
from engagement.models import Message
from engagement.services import announcing
from programs import services, tasks
from programs.models import Customer, Promotion
from tests.conftest import make_workspace
from tests.factories import AT, CustomerFactory, UserFactory
from tests.programs.test_promotions import asks, berlin, make, on, shop
from tests.rewards.builders import conversion, participant, program

pytestmark = pytest.mark.django_db
__all__ = ["berlin", "shop"]


def told(workspace: Workspace) -> list[tuple[str, datetime]]:
    rows = Event.objects.for_workspace(workspace).filter(kind__startswith="promotion.").order_by("pk")
    return list(rows.values_list("kind", "occurred_at"))


def tell(workspace: Workspace, at: datetime) -> int:
    return services.tell_of_promotions(workspace=workspace, at=at)


@pytest.mark.parametrize(
    ("day", "starts_at", "ends_at"),
    [
        # 23 hours where the clocks go forward, 25 where they go back.
        (date(2026, 3, 29), on("2026-03-28 23:00"), on("2026-03-29 22:00")),
        (date(2026, 10, 25), on("2026-10-24 22:00"), on("2026-10-25 23:00")),
        (date(2026, 6, 1), on("2026-05-31 22:00"), on("2026-06-01 22:00")),
    ],
)
def test_each_edge_of_its_days_is_told_once(
    shop: Any, day: date, starts_at: datetime, ends_at: datetime
) -> None:
    workspace, second = shop.workspace, timedelta(seconds=1)
    made = make(shop, starts_on=day, ends_on=day)
    assert tell(workspace, starts_at - second) == 0
    assert [tell(workspace, starts_at), tell(workspace, starts_at), tell(workspace, ends_at - second)] == [
        1,
        0,
        0,
    ]
    assert told(workspace) == [("promotion.started", starts_at)]
    assert [tell(workspace, ends_at), tell(workspace, ends_at)] == [1, 0]
    assert told(workspace) == [("promotion.started", starts_at), ("promotion.ended", ends_at)]
    event = Event.objects.for_workspace(workspace).filter(kind="promotion.ended").get()
    assert event.data == {"promotion": made.public_id, "program": shop.public_id}


def test_what_was_missed_is_told_late_and_once(shop: Any) -> None:
    make(shop, starts_on=date(2026, 3, 6), ends_on=date(2026, 3, 6))
    later = on("2026-05-01 00:00")
    assert [tell(shop.workspace, later), tell(shop.workspace, later)] == [2, 0]
    assert told(shop.workspace) == [
        ("promotion.started", on("2026-03-05 23:00")),
        ("promotion.ended", on("2026-03-06 23:00")),
    ]


def test_stopping_ends_it_and_before_the_start_tells_of_nothing(shop: Any) -> None:
    workspace = shop.workspace
    running, never = make(shop, starts_on=AT.date()), make(shop)
    stopped = AT + timedelta(hours=1)
    tell(workspace, AT)
    for promotion in (running, never):
        services.stop_promotion(promotion=promotion, actor=SYSTEM, at=stopped)
    assert [tell(workspace, stopped + timedelta(days=90)) for _ in range(2)] == [1, 0]
    assert told(workspace) == [("promotion.started", AT), ("promotion.ended", stopped)]


def test_many_are_told_of_in_turns(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("programs.services.seasons.AT_ONCE", 1)
    for _ in range(3):
        make(shop, starts_on=AT.date())
    assert [tell(shop.workspace, AT) for _ in range(4)] == [1, 1, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_tell_of_it_once(transactional_db: None) -> None:
    workspace = make_workspace(UserFactory.create(email="olga@acme.example"))
    with tenant(workspace):
        make(program(workspace), starts_on=AT.date(), ends_on=AT.date())
    start = Barrier(4)

    def run(_: int) -> int:
        try:
            start.wait(timeout=20)
            with tenant(workspace):
                return tell(workspace, AT + timedelta(days=2))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(run, range(4))) == [0, 0, 0, 2]
    with tenant(workspace):
        assert len(told(workspace)) == 2


@pytest.mark.django_db(transaction=True)
def test_the_job_visits_each_workspace(transactional_db: None) -> None:
    workspace = make_workspace(UserFactory.create(email="olga@acme.example"))
    today = clock.now().astimezone(UTC).date()
    with tenant(workspace):
        make(program(workspace), starts_on=today, ends_on=today, at=clock.now())
    assert [tasks.tell_of_promotions(), tasks.tell_of_promotions()] == [1, 0]


def announced(workspace: Workspace) -> list[tuple[str, str]]:
    rows = Message.objects.for_workspace(workspace).filter(kind="promotion_started")
    return sorted(rows.values_list("to_email", "subject"))


def event_of(promotion: Promotion, kind: str, **data: str) -> Event:
    return Event(
        workspace_id=promotion.workspace_id,
        kind=kind,
        data={"promotion": promotion.public_id, **data},
        occurred_at=clock.now(),
    )


def hear(promotion: Promotion) -> None:
    handlers.on_promotion_started(event_of(promotion, "promotion.started"))


def running(shop: Any, **changes: Any) -> Promotion:
    now = clock.now()
    return make(
        shop,
        starts_on=now.astimezone(UTC).date() + timedelta(days=1),
        ends_on=now.astimezone(UTC).date() + timedelta(days=9),
        at=now,
        **{"announce": True, "banner": "Double rewards", **changes},
    )


def begin(promotion: Promotion) -> Promotion:
    Promotion.objects.for_workspace(promotion.workspace_id).update(starts_at=clock.now() - timedelta(hours=1))
    return promotion


def test_its_audience_is_written_to_once(shop: Any) -> None:
    workspace = shop.workspace

    def someone(name: str, **changes: Any) -> Customer:
        fields = {"email": f"{name}@example.com", "name": f"{name.capitalize()} Kos", **changes}
        found: Customer = CustomerFactory.create(workspace=workspace, **fields)
        return found

    red = {"attributes": {"team": "red"}}
    ana = participant(shop, customer=someone("ana", **red))
    for _ in range(2):
        conversion(ana)
    participant(shop, customer=someone("few", **red))
    participant(shop, customer=someone("blue"))
    participant(shop, customer=someone("gone", **red), status="suspended")
    participant(shop, customer=someone("none", email="", **red))
    elsewhere = program(workspace)
    participant(elsewhere, customer=someone("away", **red))
    audience = asks(("referrer.attributes.team", "is", "red"), ("referrer.friends", "at_least", 2))
    promotion = begin(running(shop, audience=audience))
    for _ in range(2):
        hear(promotion)
    assert announced(workspace) == [("ana@example.com", "Double rewards")]
    message = Message.objects.for_workspace(workspace).get()
    assert "Hello Ana,\n\nDouble rewards – in “Refer a friend”, from now on. Until " in message.text
    assert message.about == promotion.public_id


def test_one_person_in_two_accounts_is_written_to_once(shop: Any) -> None:
    kept = CustomerFactory.create(workspace=shop.workspace)
    other = CustomerFactory.create(workspace=shop.workspace, same_person=kept)
    for customer in (kept, other):
        participant(shop, customer=customer, account="")
    hear(begin(running(shop)))
    assert len(announced(shop.workspace)) == 1


def test_people_are_written_to_in_turns(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "AT_ONCE", 1)
    for _ in range(2):
        participant(shop, account="")
    promotion = begin(running(shop))
    hear(promotion)
    for count in (1, 2):
        assert len(announced(shop.workspace)) == count
        following = Event.objects.for_workspace(shop.workspace).filter(kind="promotion.announcing")
        last = following.order_by("-pk")[0]
        handlers.on_promotion_announcing(last)
    assert len(announced(shop.workspace)) == 2


def test_nobody_is_written_to_unasked_or_too_late(shop: Any) -> None:
    participant(shop, account="")
    hear(begin(running(shop, announce=False)))
    coming = running(shop)
    hear(coming)
    services.stop_promotion(promotion=begin(coming), actor=SYSTEM, at=clock.now())
    hear(coming)
    paused = begin(running(shop))
    services.change_program_status(program=shop, status="paused", reason="", actor=SYSTEM, at=clock.now())
    hear(paused)
    assert announced(shop.workspace) == []
