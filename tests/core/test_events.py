"""The outbox: written with the fact, delivered to each handler on its own, never lost by a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User, Workspace
from core import clock, events, queue
from core.models import Event, EventDelivery
from core.tenancy import tenant
from programs.models import Customer
from referral_platform.celery import app as celery_app
from referral_platform.celery import wake
from referral_platform.subscriptions import SUBSCRIPTIONS
from tests.conftest import AT, make_workspace
from tests.factories import CustomerFactory, UserFactory

NAMES = __name__
"""Handlers below are named by this module's own dotted path."""

heard: list[tuple[str, str]] = []
woken: list[bool] = []


def on_first(event: Event) -> None:
    """Leave a row and a trace."""
    heard.append(("first", event.kind))
    CustomerFactory.create(workspace_id=event.workspace_id, name=f"first {event.public_id}")


def on_broken(event: Event) -> None:
    """Write, emit, then fail, so that a partial effect would show."""
    heard.append(("broken", event.kind))
    CustomerFactory.create(workspace_id=event.workspace_id, name="half an effect")
    events.emit("thing.followed", at=AT, of=event.public_id)
    raise RuntimeError("the handler stumbled")


def on_chain(event: Event) -> None:
    """Cause a second event."""
    heard.append(("chain", event.kind))
    events.emit("thing.followed", at=AT, of=event.public_id)


def on_followed(event: Event) -> None:
    """Hear what another handler caused."""
    heard.append(("followed", event.kind))


@contextmanager
def closed_broker() -> Iterator[None]:
    """While it lasts, Celery's broker is a port at which nobody listens."""
    was = celery_app.conf.broker_url
    try:
        _point_at("redis://127.0.0.1:1/0")
        yield
    finally:
        _point_at(was)


def _point_at(url: str) -> None:
    celery_app.conf["broker_url"] = url
    # Pools that exist already would go on using the address they were made with.
    vars(celery_app)["_pool"] = None
    vars(celery_app.amqp)["_producer_pool"] = None


TABLE = {
    "thing.made": (f"{NAMES}.on_first", f"{NAMES}.on_broken"),
    "thing.chained": (f"{NAMES}.on_chain", f"{NAMES}.on_first"),
    "thing.broke": (f"{NAMES}.on_broken",),
    "thing.followed": (f"{NAMES}.on_followed",),
    "thing.unheard": (),
}


@pytest.fixture(autouse=True)
def subscriptions() -> Iterator[None]:
    """Install this module's table, and put the product's back afterwards."""
    heard.clear()
    woken.clear()
    events.configure(TABLE, waker=lambda: woken.append(True))
    yield
    events.configure(SUBSCRIPTIONS, waker=wake)


def deliveries(workspace: Workspace) -> dict[str, EventDelivery]:
    """Return a workspace's deliveries by the handler's last name."""
    rows = EventDelivery.objects.for_workspace(workspace).order_by("pk")
    return {row.handler.rpartition(".")[2]: row for row in rows}


def make_due(workspace: Workspace) -> None:
    """Let the back-off of every pending delivery pass."""
    EventDelivery.objects.for_workspace(workspace).filter(state="pending").update(due_at=clock.now())


def test_an_event_needs_a_tenant(db: None) -> None:
    with pytest.raises(RuntimeError, match=r"open tenant\(\)"):
        events.emit("thing.made", at=AT)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_event /* workspace_id */")
        assert cursor.fetchone() == (0,)


def test_an_unknown_kind_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match=r"unknown event kind 'thing\.lost'"):
        events.emit("thing.lost", at=AT)
    assert Event.objects.for_workspace(workspace).count() == 0


def test_a_handler_that_does_not_exist_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"thing\.made: there is no handler core\.nowhere\.on_it"):
        events.configure({"thing.made": ["core.nowhere.on_it"]}, waker=lambda: None)


def test_kinds_are_listed_in_order() -> None:
    assert events.kinds() == tuple(sorted(TABLE))


def test_the_event_and_what_it_owes_are_written_together(workspace: Workspace) -> None:
    event = events.emit("thing.made", at=AT, thing="thg_1")
    stored = Event.objects.for_workspace(workspace).get()
    assert (stored.public_id, stored.kind, stored.data, stored.occurred_at) == (
        event.public_id,
        "thing.made",
        {"thing": "thg_1"},
        AT,
    )
    assert {name: (row.state, row.attempts) for name, row in deliveries(workspace).items()} == {
        "on_first": ("pending", 0),
        "on_broken": ("pending", 0),
    }


def test_a_rollback_leaves_neither_event_nor_delivery(workspace: Workspace) -> None:
    def fail_after_writing() -> None:
        CustomerFactory.create(workspace=workspace)
        events.emit("thing.made", at=AT)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        fail_after_writing()
    assert Customer.objects.for_workspace(workspace).count() == 0
    assert Event.objects.for_workspace(workspace).count() == 0
    assert EventDelivery.objects.for_workspace(workspace).count() == 0


def test_workers_are_woken_by_the_commit_and_only_where_somebody_listens(
    workspace: Workspace, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        events.emit("thing.unheard", at=AT)
    assert woken == []
    with django_capture_on_commit_callbacks(execute=True):
        events.emit("thing.made", at=AT)
        assert woken == []
    assert woken == [True]


def test_a_failing_handler_is_rolled_back_alone_and_tried_again(workspace: Workspace) -> None:
    event = events.emit("thing.made", at=AT)
    assert events.deliver_due() == 2
    assert sorted(heard) == [("broken", "thing.made"), ("first", "thing.made")]
    names = list(Customer.objects.for_workspace(workspace).values_list("name", flat=True))
    assert names == [f"first {event.public_id}"]
    rows = deliveries(workspace)
    assert (rows["on_first"].state, rows["on_first"].attempts, rows["on_first"].last_error) == ("done", 1, "")
    broken = rows["on_broken"]
    assert (broken.state, broken.attempts, broken.leased_until) == ("pending", 1, None)
    assert broken.last_error == "RuntimeError: the handler stumbled"
    # Two seconds and up to a quarter more, counted from the failure.
    assert timedelta(seconds=1) < broken.due_at - clock.now() <= timedelta(seconds=2.5)
    assert events.deliver_due() == 0

    make_due(workspace)
    assert events.deliver_due() == 1
    assert deliveries(workspace)["on_broken"].attempts == 2


def test_a_delivery_is_dead_after_its_last_attempt(workspace: Workspace) -> None:
    events.emit("thing.broke", at=AT)
    for _ in range(queue.MAX_ATTEMPTS):
        make_due(workspace)
        assert events.deliver_due() == 1
    make_due(workspace)
    assert events.deliver_due() == 0
    dead = deliveries(workspace)["on_broken"]
    assert (dead.state, dead.attempts) == ("dead", queue.MAX_ATTEMPTS)
    assert dead.last_error == "RuntimeError: the handler stumbled"
    assert len(heard) == queue.MAX_ATTEMPTS

    events.emit("thing.followed", at=AT)
    assert events.deliver_due() == 1
    assert heard[-1] == ("followed", "thing.followed")


def test_a_delivery_whose_handler_was_renamed_keeps_its_reason(workspace: Workspace) -> None:
    events.emit("thing.followed", at=AT)
    EventDelivery.objects.for_workspace(workspace).update(handler="core.gone.on_followed")
    assert events.deliver_due() == 1
    row = deliveries(workspace)["on_followed"]
    assert (row.state, row.last_error) == (
        "pending",
        "LookupError: no handler is named core.gone.on_followed",
    )


def test_deliveries_of_several_workspaces_stay_in_their_own(db: None) -> None:
    places = [make_workspace(UserFactory.create(), name=name) for name in ("One", "Two")]
    for place in places:
        with tenant(place):
            events.emit("thing.chained", at=AT)
    assert events.deliver_due() == 4
    for place in places:
        with tenant(place):
            assert Customer.objects.for_workspace(place).count() == 1
            assert sorted(row.state for row in deliveries(place).values()) == ["done", "done", "pending"]


def test_waiting_delivers_consequences_of_consequences(workspace: Workspace) -> None:
    with events.inline():
        events.emit("thing.chained", at=AT)
        assert heard == []
    assert heard == [("chain", "thing.chained"), ("first", "thing.chained"), ("followed", "thing.followed")]
    assert {row.state for row in deliveries(workspace).values()} == {"done"}
    assert events.deliver_due() == 0


def test_waiting_leaves_a_failing_handler_to_the_worker(
    workspace: Workspace, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True), events.inline():
        event = events.emit("thing.made", at=AT)
    # What the failing handler wrote and emitted is gone; the fact and the other handler's effect are not.
    assert heard == [("first", "thing.made"), ("broken", "thing.made")]
    assert [e.public_id for e in Event.objects.for_workspace(workspace)] == [event.public_id]
    assert Customer.objects.for_workspace(workspace).count() == 1
    rows = deliveries(workspace)
    assert (rows["on_first"].state, rows["on_broken"].state) == ("done", "pending")
    assert woken == [True]
    assert events.deliver_due() == 1


def test_a_block_that_fails_while_waiting_delivers_nothing(workspace: Workspace) -> None:
    def fail_after_emitting() -> None:
        events.emit("thing.chained", at=AT)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), transaction.atomic(), events.inline():
        fail_after_emitting()
    assert heard == []
    assert Event.objects.for_workspace(workspace).count() == 0
    # And the next event is owed to the worker again.
    events.emit("thing.followed", at=AT)
    assert heard == []


def test_replay_owes_past_events_again(workspace: Workspace) -> None:
    first = events.emit("thing.chained", at=AT)
    events.emit("thing.followed", at=AT)
    while events.deliver_due():
        pass
    assert len(heard) == 4
    assert events.replay(workspace_id=workspace.pk, handler=f"{NAMES}.on_chain") == 1
    assert events.deliver_due() == 1
    assert heard[4:] == [("chain", "thing.chained")]
    while events.deliver_due():
        pass
    assert events.replay(workspace_id=workspace.pk, after=first.pk, handler=f"{NAMES}.on_followed") == 3
    assert events.replay(workspace_id=workspace.pk) == 5


def test_replay_touches_no_other_workspace(workspace: Workspace, other_workspace: Workspace) -> None:
    events.emit("thing.followed", at=AT)
    events.deliver_due()
    with tenant(other_workspace):
        assert events.replay(workspace_id=other_workspace.pk) == 0
        assert events.replay(workspace_id=workspace.pk) == 0
    assert deliveries(workspace)["on_followed"].state == "done"


@pytest.mark.django_db(transaction=True)
def test_a_waker_that_fails_does_not_fail_the_commit() -> None:
    def stumble() -> None:
        raise RuntimeError("nobody there")

    place = make_workspace(UserFactory.create())
    events.configure(TABLE, waker=stumble)
    with tenant(place):
        events.emit("thing.followed", at=AT)
    with tenant(place):
        assert deliveries(place)["on_followed"].state == "pending"
    assert events.deliver_due() == 1
    assert heard == [("followed", "thing.followed")]


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_delays_delivery_and_loses_nothing(
    owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    place = make_workspace(owner)
    events.configure(TABLE, waker=wake)
    with closed_broker():
        began = clock.now()
        with tenant(place):
            events.emit("thing.followed", at=AT)
        assert clock.now() - began < timedelta(seconds=5)
    assert "the broker is away, the sweeper will deliver" in caplog.text
    assert events.deliver_due() == 1
    assert heard == [("followed", "thing.followed")]


heard_at: list[tuple[list[str], list[datetime], datetime]] = []


@events.in_groups
def on_many(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Leave a trace of a whole group."""
    heard_at.append(([event.kind for event, _ in heard], [at for _, at in heard], clock.now()))


def on_clocked(event: Event) -> None:
    """Cause an event at the time the handler believes it is."""
    events.emit("thing.grouped", at=clock.now(), of=event.public_id)


@events.in_groups
def on_picky(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Tell how many were heard, and refuse the bad ones."""
    events.emit("thing.heard", at=AT, by=len(heard))
    if any(event.data["name"] == "bad" for event, _ in heard):
        raise RuntimeError("no bad ones")


TABLE["thing.picky"] = (f"{NAMES}.on_picky",)
TABLE["thing.heard"] = ()
TABLE["thing.clocked"] = (f"{NAMES}.on_clocked",)
TABLE["thing.grouped"] = (f"{NAMES}.on_many",)


def test_as_one_delivers_in_rounds_with_the_clock_standing_at_each_event(workspace: Workspace) -> None:
    heard_at.clear()
    later = AT + timedelta(hours=5)
    with events.as_one():
        events.emit("thing.clocked", at=later)
        events.emit("thing.clocked", at=AT)
        assert Event.objects.for_workspace(workspace).count() == 0
    assert heard_at == [(["thing.grouped", "thing.grouped"], [AT, later], later)]
    stored = Event.objects.for_workspace(workspace).order_by("pk").values_list("kind", "occurred_at")
    assert list(stored) == [
        ("thing.clocked", AT),
        ("thing.clocked", later),
        ("thing.grouped", AT),
        ("thing.grouped", later),
    ]
    rows = EventDelivery.objects.for_workspace(workspace)
    assert {(row.state, row.attempts) for row in rows} == {("done", 1)}
    assert len(rows) == 4
    assert events.deliver_due() == 0
    assert woken == []


def test_as_one_fails_as_one(workspace: Workspace) -> None:
    with pytest.raises(RuntimeError, match="stumbled"), transaction.atomic(), events.as_one():
        events.emit("thing.made", at=AT)
    assert Event.objects.for_workspace(workspace).count() == 0
    assert Customer.objects.for_workspace(workspace).count() == 0
    events.emit("thing.grouped", at=AT)
    assert {row.state for row in deliveries(workspace).values()} == {"pending"}


def test_the_worker_hands_over_what_has_come_together(workspace: Workspace) -> None:
    heard_at.clear()
    with events.together():
        events.emit("thing.grouped", at=AT)
        events.emit("thing.grouped", at=AT)
        assert Event.objects.for_workspace(workspace).count() == 0
    assert events.deliver_due() == 2
    assert [kinds for kinds, _, _ in heard_at] == [["thing.grouped", "thing.grouped"]]
    assert {row.state for row in EventDelivery.objects.for_workspace(workspace)} == {"done"}


def test_one_that_fails_in_a_group_holds_up_itself_only(workspace: Workspace) -> None:
    heard_at.clear()
    for name in ("good", "bad", "good"):
        events.emit("thing.picky", at=AT, name=name)
    assert events.deliver_due() == 3
    rows = EventDelivery.objects.for_workspace(workspace).order_by("pk")
    assert [(row.state, row.attempts) for row in rows] == [("done", 1), ("pending", 1), ("done", 1)]
    assert "no bad ones" in rows[1].last_error
    # Nothing is left of the group that failed.
    assert [row.data["by"] for row in Event.objects.for_workspace(workspace).filter(kind="thing.heard")] == [
        1,
        1,
    ]
