"""Settling that is cut off, blocked, or waits for a rate: nothing is half done, repeating does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from threading import Event as Signal

import pytest
from django.db import DatabaseError, InterfaceError, connection

from accounts.models import Workspace
from core.models import Event
from core.tenancy import tenant
from rewards import services
from rewards.handlers import on_rates_changed
from rewards.models import Account, Reward, RewardChange, Transfer
from tests.conftest import as_owner
from tests.factories import AT
from tests.rewards.builders import conversion, participant, person, program, settled
from tests.rewards.test_races import at_once, shared
from tests.rewards.test_settlement import balances, events
from tracking.models import Conversion

__all__ = ["shared"]

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def expense_held(workspace: Workspace) -> Iterator[None]:
    """Hold the account that every promise is charged to, so that settling waits at its last statement."""
    held, done = Signal(), Signal()

    def hold() -> None:
        try:
            with tenant(workspace):
                rows = Account.objects.for_workspace(workspace).filter(kind="expense")
                list(rows.select_for_update())
                held.set()
                done.wait(timeout=60)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        assert held.wait(timeout=20)
        try:
            yield
        finally:
            done.set()
            holding.result()


def settle_apart(workspace: Workspace, fact: Conversion) -> str:
    """Settle on a connection of its own; returns how it ended."""
    try:
        with tenant(workspace):
            services.settle_conversion(conversion=fact, at=AT)
    except (DatabaseError, InterfaceError) as error:
        return type(error).__name__
    finally:
        connection.close()
    return "done"


def waiting_backends(job: Future[str]) -> list[int]:
    """Return the database processes that wait for a lock, once there is one; fails when the job ended."""
    with as_owner() as cursor:
        for _ in range(600):
            cursor.execute(
                "SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
                "WHERE NOT l.granted AND a.datname = current_database()"
            )
            if found := [pid for (pid,) in cursor.fetchall()]:
                return found
            assert not job.done(), job.result()
            Signal().wait(0.05)
    raise AssertionError("Nobody waits for the lock.")


def test_a_database_process_killed_in_the_middle_leaves_nothing_half_done(shared: Workspace) -> None:
    with tenant(shared):
        ana = participant(program(shared))
        settled(ana)
        fact = conversion(ana)
    with ThreadPoolExecutor(1) as threads, expense_held(shared):
        ending = threads.submit(settle_apart, shared, fact)
        waiting = waiting_backends(ending)
        with connection.cursor() as cursor:
            # A role may end its own processes.
            cursor.execute("SELECT pg_terminate_backend(%s)", waiting[:1])
        assert ending.result(timeout=30) in ("OperationalError", "InterfaceError")
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -1000, "pending EUR": 1000}
        assert not Reward.objects.for_workspace(shared).filter(conversion=fact).exists()
        assert RewardChange.objects.for_workspace(shared).count() == 1
    assert settle_apart(shared, fact) == "done"
    assert settle_apart(shared, fact) == "done"
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -2000, "pending EUR": 2000}
        assert events(shared) == ["reward.created", "reward.created"]


def test_a_deadlock_ends_one_side_and_its_repetition_has_one_effect(shared: Workspace) -> None:
    """Somebody holds the expense account and then wants the wallet that settling holds."""
    with tenant(shared):
        ana = participant(program(shared))
        settled(ana)
        fact = conversion(ana)
    with ThreadPoolExecutor(1) as threads:
        ended = ""
        try:
            with tenant(shared):
                rows = Account.objects.for_workspace(shared)
                list(rows.filter(kind="expense").select_for_update())
                ending = threads.submit(settle_apart, shared, fact)
                waiting_backends(ending)
                list(rows.filter(kind="pending").select_for_update())
        except DatabaseError as error:
            ended = type(error).__name__
        outcome = ending.result(timeout=30)
    # Postgres chooses whom it ends; the other one goes on.
    assert sorted([ended, outcome]) in (["", "OperationalError"], ["OperationalError", "done"])
    connection.close()
    assert settle_apart(shared, fact) == "done"
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -2000, "pending EUR": 2000}
        assert Transfer.objects.for_workspace(shared).count() == 2


def test_an_order_in_another_currency_waits_for_its_rate_and_is_promised_once(shared: Workspace) -> None:
    with tenant(shared):
        fact = conversion(participant(program(shared)), currency="JPY", amount_minor=100_000)
        (reward,) = services.settle_conversion(conversion=fact, at=AT)
        assert (reward.status, reward.reason, reward.amount_minor) == ("held", "currency_differs", 0)
        assert balances(shared) == {}
        services.enter_rate(
            workspace=shared,
            base="JPY",
            quote="EUR",
            on=date(2026, 1, 1),
            rate=Decimal("0.0061"),
            actor=person(),
            at=AT,
        )
    # The rate is heard of while the shop sends the order again.
    heard = lambda: on_rates_changed(_rates_changed(shared))  # noqa: E731
    again = lambda: services.settle_conversion(conversion=fact, at=AT)  # noqa: E731
    assert at_once(shared, heard, again, heard, again) == ["done"] * 4
    with tenant(shared):
        reward.refresh_from_db()
        assert (reward.status, reward.reason, reward.amount_minor, reward.base_minor) == (
            "pending",
            "",
            6100,
            61_000,
        )
        assert reward.sentence == (
            "¥100000 at 0.0061 EUR for 1 JPY (entered, 1 January 2026) is €610.00. 10 % of €610.00 is €61.00."
        )
        assert (reward.original_minor, reward.original_currency) == (100_000, "JPY")
        assert (reward.rate, reward.rate_source, reward.rate_on) == (
            Decimal("0.0061"),
            "entered",
            date(2026, 1, 1),
        )
        assert (reward.reporting_minor, reward.reporting_currency) == (6100, "EUR")
        assert balances(shared) == {"expense EUR": -6100, "pending EUR": 6100}
        assert Transfer.objects.for_workspace(shared).count() == 1


def _rates_changed(workspace: Workspace) -> Event:
    return Event.objects.for_workspace(workspace).filter(kind="rates.changed").order_by("pk")[0]
