"""Work kept in tables: one worker at a time, leases that run out, back-off, the dead letter."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import Workspace
from accounts.queries import suspended_workspace_ids
from core import clock, events, queue
from core.models import EventDelivery
from core.queue import LEASE, MAX_ATTEMPTS, MAX_DELAY, Claim, backoff, claim
from core.tenancy import tenant
from referral_platform.celery import wake
from referral_platform.subscriptions import SUBSCRIPTIONS
from tests.conftest import AT, make_workspace
from tests.factories import UserFactory


def nothing(event: object) -> None:
    """Stand in the table of subscriptions."""


@pytest.fixture(autouse=True)
def subscriptions() -> Iterator[None]:
    """Owe each event to one handler."""
    events.configure({"thing.made": (f"{__name__}.nothing",)}, waker=lambda: None)
    yield
    events.configure(SUBSCRIPTIONS, waker=wake)


def owe(workspace: Workspace, count: int = 1) -> list[int]:
    """Emit events in the workspace; returns the keys of their deliveries."""
    with tenant(workspace):
        made = [events.emit("thing.made", at=AT) for _ in range(count)]
        rows = EventDelivery.objects.for_workspace(workspace).filter(event__in=made)
        return list(rows.order_by("pk").values_list("pk", flat=True))


def row(workspace: Workspace, pk: int) -> EventDelivery:
    """Read one delivery again."""
    found: EventDelivery = EventDelivery.objects.for_workspace(workspace).get(pk=pk)
    return found


def test_a_claim_leases_the_oldest_rows_and_counts_the_attempt(workspace: Workspace) -> None:
    first, second, third = owe(workspace, 3)
    now = clock.now()
    EventDelivery.objects.for_workspace(workspace).filter(pk=third).update(due_at=AT)
    assert claim(EventDelivery, limit=2, at=now) == [
        Claim(pk=third, workspace_id=workspace.pk, attempts=1),
        Claim(pk=first, workspace_id=workspace.pk, attempts=1),
    ]
    assert row(workspace, first).leased_until == now + LEASE
    assert row(workspace, first).attempts == 1
    assert [c.pk for c in claim(EventDelivery, limit=9, at=now)] == [second]
    assert claim(EventDelivery, limit=9, at=now) == []


def test_what_is_not_due_is_left(workspace: Workspace) -> None:
    (pk,) = owe(workspace)
    due_at = row(workspace, pk).due_at
    assert claim(EventDelivery, limit=9, at=due_at - timedelta(microseconds=1)) == []
    assert [c.pk for c in claim(EventDelivery, limit=9, at=due_at)] == [pk]


def test_a_lease_that_runs_out_makes_the_row_due_again(workspace: Workspace) -> None:
    (pk,) = owe(workspace)
    now = clock.now()
    assert [c.attempts for c in claim(EventDelivery, limit=9, at=now)] == [1]
    assert claim(EventDelivery, limit=9, at=now + LEASE) == []
    again = claim(EventDelivery, limit=9, at=now + LEASE + timedelta(microseconds=1))
    assert [(c.pk, c.attempts) for c in again] == [(pk, 2)]


def test_a_row_finished_by_another_worker_is_not_processed_again(workspace: Workspace) -> None:
    owe(workspace)
    slow = claim(EventDelivery, limit=9, at=clock.now())[0]
    queue.mark_done(EventDelivery, slow)
    processed: list[int] = []
    assert queue.run_claim(EventDelivery, slow, lambda found: processed.append(found.pk)) is True
    assert processed == []


def test_a_late_failure_does_not_reopen_a_finished_row(workspace: Workspace) -> None:
    (pk,) = owe(workspace)
    slow = claim(EventDelivery, limit=9, at=clock.now())[0]
    queue.mark_done(EventDelivery, slow)
    queue.mark_failed(EventDelivery, slow, "too late", at=clock.now())
    assert (row(workspace, pk).state, row(workspace, pk).last_error) == ("done", "")


def test_a_row_that_kills_its_workers_is_given_up(workspace: Workspace) -> None:
    (pk,) = owe(workspace)
    at = clock.now()
    for _ in range(MAX_ATTEMPTS):
        assert claim(EventDelivery, limit=9, at=at)
        at += LEASE + timedelta(seconds=1)
    last = claim(EventDelivery, limit=9, at=at)[0]
    assert last.attempts == MAX_ATTEMPTS + 1
    processed: list[int] = []
    assert queue.run_claim(EventDelivery, last, lambda found: processed.append(found.pk)) is False
    assert processed == []
    found = row(workspace, pk)
    assert (found.state, found.last_error) == (
        "dead",
        "given up: every attempt was cut off before its end",
    )


def test_the_stored_reason_is_cut_to_two_thousand_characters(workspace: Workspace) -> None:
    (pk,) = owe(workspace)
    claimed = claim(EventDelivery, limit=9, at=clock.now())[0]
    queue.mark_failed(EventDelivery, claimed, "x" * 5000, at=AT, retry_after=timedelta(hours=9))
    assert len(row(workspace, pk).last_error) == 2000
    assert row(workspace, pk).due_at == AT + timedelta(hours=9)


@pytest.mark.parametrize(
    ("attempts", "shortest"),
    [
        (1, timedelta(seconds=2)),
        (2, timedelta(seconds=4)),
        (11, timedelta(seconds=2048)),
        (12, timedelta(seconds=4096)),
        (15, MAX_DELAY),
        (400, MAX_DELAY),
    ],
)
def test_back_off_doubles_with_jitter_up_to_six_hours(attempts: int, shortest: timedelta) -> None:
    for _ in range(50):
        assert shortest <= backoff(attempts) <= min(shortest * 1.25, MAX_DELAY)


def test_back_off_respects_what_the_far_side_asked() -> None:
    assert backoff(1, timedelta(hours=30)) == timedelta(hours=30)
    assert backoff(12, timedelta(seconds=1)) >= timedelta(seconds=4096)


def test_a_dead_row_can_be_given_another_set_of_attempts(workspace: Workspace, at: datetime) -> None:
    (pk,) = owe(workspace)
    assert queue.retry_dead(EventDelivery, workspace_id=workspace.pk, pk=pk, at=at) is False
    EventDelivery.objects.for_workspace(workspace).filter(pk=pk).update(state="dead", attempts=12)
    assert queue.retry_dead(EventDelivery, workspace_id=workspace.pk, pk=pk, at=at) is True
    found = row(workspace, pk)
    assert (found.state, found.attempts, found.due_at) == ("pending", 0, at)


def test_a_dead_row_of_another_workspace_stays_dead(
    workspace: Workspace, other_workspace: Workspace, at: datetime
) -> None:
    (pk,) = owe(workspace)
    EventDelivery.objects.for_workspace(workspace).filter(pk=pk).update(state="dead")
    with tenant(other_workspace):
        assert queue.retry_dead(EventDelivery, workspace_id=other_workspace.pk, pk=pk, at=at) is False
    assert row(workspace, pk).state == "dead"


@pytest.mark.django_db(transaction=True)
def test_two_connections_never_share_a_row() -> None:
    place = make_workspace(UserFactory.create())
    keys = owe(place, 60)
    workers = 4
    start = Barrier(workers)

    def work() -> list[int]:
        try:
            start.wait(timeout=20)
            mine: list[int] = []
            while claims := claim(EventDelivery, limit=5, at=clock.now()):
                mine += [claimed.pk for claimed in claims]
            return mine
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        shares = [future.result(timeout=60) for future in [pool.submit(work) for _ in range(workers)]]
    assert sorted(pk for share in shares for pk in share) == keys
    with tenant(place):
        rows = EventDelivery.objects.for_workspace(place)
        assert set(rows.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_rows_locked_by_a_claim_in_progress_are_skipped_not_waited_for() -> None:
    place = make_workspace(UserFactory.create())
    first, second = owe(place, 2)

    def elsewhere() -> list[int]:
        try:
            return [claimed.pk for claimed in claim(EventDelivery, limit=9, at=clock.now())]
        finally:
            connection.close()

    with tenant(place), ThreadPoolExecutor(1) as pool:
        EventDelivery.objects.for_workspace(place).select_for_update().get(pk=first)
        assert pool.submit(elsewhere).result(timeout=20) == [second]


def test_the_rows_of_a_paused_workspace_wait_untouched(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    (waiting,), (going,) = owe(workspace), owe(other_workspace)
    queue.configure(paused=lambda: [workspace.pk])
    try:
        claims = claim(EventDelivery, limit=9, at=clock.now())
    finally:
        queue.configure(paused=suspended_workspace_ids)
    assert [claimed.pk for claimed in claims] == [going]
    left = row(workspace, waiting)
    assert (left.state, left.attempts, left.leased_until) == ("pending", 0, None)
    assert [claimed.pk for claimed in claim(EventDelivery, limit=9, at=clock.now())] == [waiting]
