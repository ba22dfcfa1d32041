"""Paying batches through the providers' fakes over real HTTP: each payout once, whatever dies in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock
from core.errors import Conflict
from core.tenancy import tenant
from integrations.models import Connection, PayoutRun
from integrations.payout_queries import run_progress
from integrations.payout_turns import stopped
from integrations.services.connections import disable_connection
from integrations.services.paying import (
    claim_runs,
    pay_due,
    queue_runs,
    record_turn,
    retry_run,
    touch_runs,
)
from integrations.tasks import pay_out
from rewards.models import Account
from tests.conftest import AT, make_workspace
from tests.contracts.fakes.paypal import PayPal
from tests.contracts.fakes.server import Fault, Reply, Request, running
from tests.contracts.fakes.stripe import Stripe
from tests.contracts.fakes.tremendous import Tremendous
from tests.factories import UserFactory
from tests.integrations.payout_batches import (
    batch_of,
    connected_to,
    due_now,
    emails,
    open_to,
    payouts,
    run_of,
    standings,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def paypal(settings: Any) -> Iterator[PayPal]:
    """PayPal on loopback."""
    with running(PayPal()) as vendor:
        open_to(settings, vendor)
        yield vendor


@pytest.fixture
def stripe(settings: Any) -> Iterator[Stripe]:
    """Stripe on loopback."""
    with running(Stripe()) as vendor:
        open_to(settings, vendor)
        yield vendor


@pytest.fixture
def tremendous(settings: Any) -> Iterator[Tremendous]:
    """Tremendous on loopback."""
    with running(Tremendous()) as vendor:
        open_to(settings, vendor)
        yield vendor


def turn(workspace: Workspace) -> int:
    """Take one round of turns, now."""
    due_now(workspace)
    return pay_out()


def balance(workspace: Workspace, kind: str) -> int:
    rows = Account.objects.for_workspace(workspace).filter(kind=kind)
    return sum(rows.values_list("balance_minor", flat=True))


# What is queued


def test_an_approved_batch_of_a_provider_is_queued_once(workspace: Workspace, paypal: PayPal) -> None:
    connection = connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(3))
    queue_runs(batch=batch, at=AT)
    queue_runs(batch=batch, at=AT)
    run = run_of(batch)
    assert (run.connection, run.reference, run.payout_count, run.step, run.state) == (
        connection,
        batch.public_id,
        3,
        "send",
        "pending",
    )


def test_other_batches_are_not(workspace: Workspace, paypal: PayPal) -> None:
    connected_to(workspace, paypal)
    assert queue_runs(batch=batch_of(workspace, "csv", emails(1)), at=AT) == []
    assert queue_runs(batch=batch_of(workspace, "paypal", emails(1), approved=False), at=AT) == []
    with pytest.raises(Conflict, match=r"Connect Stripe first\."):
        queue_runs(batch=batch_of(workspace, "stripe", emails(1)), at=AT)
    assert PayoutRun.objects.for_workspace(workspace).count() == 0


def test_a_large_batch_goes_in_parts_of_the_providers_size(workspace: Workspace, stripe: Stripe) -> None:
    connected_to(workspace, stripe)
    batch = batch_of(workspace, "stripe", [stripe.add_account() for _ in range(203)])
    queue_runs(batch=batch, at=AT)
    rows = PayoutRun.objects.for_workspace(workspace).order_by("pk")
    assert [(row.reference, row.payout_count) for row in rows] == [
        (f"{batch.public_id}-1", 100),
        (f"{batch.public_id}-2", 100),
        (f"{batch.public_id}-3", 3),
    ]
    assert pay_due() == 3
    assert len(set(stripe.paid)) == len(stripe.paid) == 203
    assert not {"paid", "failed"} & set(standings(batch))
    assert turn(workspace) == 3
    assert set(standings(batch)) == {"paid"}
    assert {row.state for row in rows.all()} == {"done"}


# Paying


def test_of_a_hundred_payouts_the_one_that_is_refused_is_payable_again(
    workspace: Workspace, paypal: PayPal
) -> None:
    connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(100, bad={57: "blocked"}))
    queue_runs(batch=batch, at=AT)
    assert turn(workspace) == 1
    assert set(standings(batch)) == {"sent"}
    assert run_of(batch).step == "poll"
    paypal.work_off()
    assert turn(workspace) == 1
    rows = payouts(batch)
    assert Counter(row.status for row in rows) == {"paid": 99, "failed": 1}
    assert (rows[56].status, rows[56].failure) == (
        "failed",
        "RECEIVER_UNCONFIRMED: Receiver's email is unconfirmed",
    )
    assert balance(workspace, "payable") == 1000
    # PayPal's fee of 0.25 for each is paid besides.
    assert (balance(workspace, "in_transit"), balance(workspace, "paid_out")) == (0, 99_000 + 99 * 25)
    batch.refresh_from_db()
    assert (batch.status, batch.provider_paid_minor, batch.discrepancy) == ("completed", 99_000, "")
    run = run_of(batch)
    assert (run.state, run.provider_paid_minor) == ("done", 99_000)

    posted = len(paypal.calls("POST /v1/payments/payouts"))
    queue_runs(batch=batch, at=AT)
    PayoutRun.objects.for_workspace(workspace).update(state="pending", step="send", handed_pk=0)
    turn(workspace)
    turn(workspace)
    assert len(paypal.calls("POST /v1/payments/payouts")) == posted == 1
    assert len(paypal.paid) == 100
    assert (balance(workspace, "payable"), balance(workspace, "paid_out")) == (1000, 99_000 + 99 * 25)


def test_stripe_pays_and_refuses_one_by_one(workspace: Workspace, stripe: Stripe) -> None:
    connected_to(workspace, stripe)
    accounts = [stripe.add_account() for _ in range(5)]
    accounts[2] = "acct_unknown"
    batch = batch_of(workspace, "stripe", accounts)
    queue_runs(batch=batch, at=AT)
    turn(workspace)
    assert standings(batch)[2] == "failed"
    turn(workspace)
    assert standings(batch) == ["paid", "paid", "failed", "paid", "paid"]
    assert run_of(batch).provider_paid_minor == 4000
    assert payouts(batch)[0].provider_reference == "tr_00000001"
    assert run_of(batch).state == "done"
    assert turn(workspace) == 0
    assert len(stripe.paid) == 4


def test_gifts_are_paid_when_they_are_delivered(workspace: Workspace, tremendous: Tremendous) -> None:
    connected_to(workspace, tremendous)
    batch = batch_of(workspace, "tremendous", emails(3, bad={2: "invalid"}))
    queue_runs(batch=batch, at=AT)
    turn(workspace)
    assert standings(batch)[1] == "failed"
    tremendous.deliver(**{payouts(batch)[2].public_id: "FAILED"})
    turn(workspace)
    assert [standings(batch)[0], standings(batch)[1]] == ["paid", "failed"]
    assert standings(batch)[2] in ("pending", "sent")
    assert run_of(batch).note == (
        "1 payout: Tremendous could not deliver it: correct the address there, or cancel it there."
    )
    tremendous.move(payouts(batch)[2].public_id, "CANCELED")
    turn(workspace)
    assert (standings(batch), run_of(batch).state) == (["paid", "failed", "failed"], "done")
    assert payouts(batch)[2].failure == "It came back. The order was cancelled at Tremendous."


def test_what_paypal_never_accepted_is_payable_again(workspace: Workspace, paypal: PayPal) -> None:
    """An item was refused with the request, the process died, and the rest is found under the batch's id."""
    connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(3, bad={2: "invalid"}))
    queue_runs(batch=batch, at=AT)
    # The first request is refused for its second item; the next one is taken, and its answer is lost.
    paypal.faults.append(Fault("POST /v1/payments/payouts", Reply(400, _blamed()), after=False))
    paypal.faults.append(Fault("POST /v1/payments/payouts", Reply(0, cut=True), after=True))
    turn(workspace)
    assert standings(batch) == ["pending"] * 3
    turn(workspace)
    paypal.work_off()
    turn(workspace)
    assert standings(batch) == ["paid", "failed", "paid"]
    assert payouts(batch)[1].failure == "The provider never accepted this payment."
    assert len(paypal.paid) == 2


def _blamed() -> dict[str, Any]:
    issue = {"field": "items[1].receiver", "issue": "Receiver is invalid"}
    return {"name": "VALIDATION_ERROR", "message": "m", "debug_id": "d", "details": [issue]}


# What goes wrong


def test_a_busy_provider_is_tried_again_and_given_up_after_twelve_times(
    workspace: Workspace, paypal: PayPal
) -> None:
    connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(1))
    queue_runs(batch=batch, at=AT)
    busy = Fault("POST /v1/payments/payouts", Reply(429, {}, {"Retry-After": "900"}))
    paypal.faults.append(busy)
    before = clock.now()
    turn(workspace)
    run = run_of(batch)
    assert run.due_at - before >= timedelta(seconds=900)
    assert run.last_error == "The provider could not be reached, or is busy; it is tried again."
    PayoutRun.objects.for_workspace(workspace).update(attempts=11)
    paypal.faults.append(busy)
    turn(workspace)
    run = run_of(batch)
    assert (run.state, run.last_error) == (
        "dead",
        "The provider could not be reached, or was busy, twelve times.",
    )
    assert standings(batch) == ["pending"]
    retry_run(run=run, actor=SYSTEM, at=AT)
    turn(workspace)
    assert len(paypal.paid) == 1
    with pytest.raises(Conflict, match="not waiting"):
        retry_run(run=run_of(batch), actor=SYSTEM, at=AT)


def test_too_little_money_waits_for_a_person_and_then_pays_each_once(
    workspace: Workspace, stripe: Stripe
) -> None:
    connected_to(workspace, stripe)
    batch = batch_of(workspace, "stripe", [stripe.add_account() for _ in range(4)])
    queue_runs(batch=batch, at=AT)
    stripe.balance = 2500
    turn(workspace)
    run = run_of(batch)
    assert (run.state, run.refusals) == ("dead", 1)
    assert run.last_error == "balance_insufficient: You have insufficient funds."
    assert len(stripe.paid) == 2
    stripe.balance = 10_000
    retry_run(run=run, actor=SYSTEM, at=AT)
    turn(workspace)
    turn(workspace)
    assert standings(batch) == ["paid"] * 4
    assert len(set(stripe.paid)) == len(stripe.paid) == 4


@pytest.mark.parametrize("figure", ["total", "item", "currency"])
def test_figures_that_differ_from_ours_settle_nothing_and_are_shown(
    workspace: Workspace, paypal: PayPal, figure: str
) -> None:
    connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(3))
    queue_runs(batch=batch, at=AT)
    turn(workspace)
    paypal.work_off()
    (stored,) = paypal.batches.values()
    if figure == "total":
        stored["batch_header"]["amount"]["value"] = "30.01"
    else:
        amount = stored["items"][1]["payout_item"]["amount"]
        amount.update({"value": "10.01"} if figure == "item" else {"currency": "JPY", "value": "10"})
    turn(workspace)
    run = run_of(batch)
    assert run.state == "dead"
    assert {
        "total": "The provider's total is 30.01, ours 30.00 USD.",
        "item": f"{payouts(batch)[1].public_id}: the provider pays 10.01, not 10.00 USD.",
        "currency": f"{payouts(batch)[1].public_id}: the provider pays 0.10, not 10.00 USD.",
    }[figure] == run.last_error
    assert not {"paid", "failed"} & set(standings(batch))
    assert balance(workspace, "in_transit") == 3000
    assert run_progress(batch).stopped == 1


def test_a_payment_that_is_not_ours_stops_the_run(workspace: Workspace, tremendous: Tremendous) -> None:
    connected_to(workspace, tremendous)
    batch = batch_of(workspace, "tremendous", emails(1), amount_minor=500)
    queue_runs(batch=batch, at=AT)
    reward = {"value": {"denomination": 7.5, "currency_code": "USD"}, "delivery": {"status": "SUCCEEDED"}}
    order = {
        "id": "O1",
        "external_id": payouts(batch)[0].public_id,
        "status": "EXECUTED",
        "rewards": [reward],
    }
    tremendous.orders.append(order)
    turn(workspace)
    assert run_of(batch).state == "dead"
    assert run_of(batch).last_error.endswith("the provider pays 7.50, not 5.00 USD.")
    assert standings(batch) == ["pending"]


def test_money_that_comes_back_after_it_was_paid_is_shown(workspace: Workspace, paypal: PayPal) -> None:
    connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(2))
    queue_runs(batch=batch, at=AT)
    turn(workspace)
    paypal.work_off()
    turn(workspace)
    first = payouts(batch)[0]
    paypal.move(first.public_id, "REVERSED")
    run = run_of(batch)
    assert run.state == "done"
    assert touch_runs(workspace=workspace, run_pks=[run.pk], at=AT) == 1
    turn(workspace)
    assert run_of(batch).note == (
        f"{first.public_id}: The payout is paid already and cannot become failed.\n"
        "The batch was completed with another sum."
    )
    assert standings(batch) == ["paid", "paid"]


def test_a_disconnected_provider_and_an_old_batch_are_not_asked(workspace: Workspace, paypal: PayPal) -> None:
    connection = connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(1))
    queue_runs(batch=batch, at=AT)
    disable_connection(connection=connection, actor=SYSTEM)
    turn(workspace)
    run = run_of(batch)
    assert (run.state, run.last_error) == ("dead", "PayPal is disconnected.")
    Connection.objects.for_workspace(workspace).update(status="active")
    PayoutRun.objects.for_workspace(workspace).update(sending_at=clock.now() - timedelta(days=29, minutes=1))
    retry_run(run=run, actor=SYSTEM, at=AT)
    turn(workspace)
    assert run_of(batch).last_error == (
        "Too long ago to be sent again safely: look in PayPal what became of it."
    )
    assert paypal.requests == []


def test_wrong_keys_and_a_broken_answer_stop_the_run(workspace: Workspace, stripe: Stripe) -> None:
    connected_to(workspace, stripe)
    batch = batch_of(workspace, "stripe", [stripe.add_account()])
    queue_runs(batch=batch, at=AT)
    stripe.faults.append(Fault("GET /v1/transfers", Reply(401, {})))
    turn(workspace)
    assert run_of(batch).last_error == "The provider refuses the keys."
    assert stripe.paid == []


# What dies in between

KILLED = """
import os, sys
import django
django.setup()
from django.conf import settings
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
settings.OUTBOUND_ALLOW_PORTS = [int(sys.argv[2])]
from integrations.services.paying import pay_due
pay_due()
"""


@pytest.fixture
def shared(transactional_db: None) -> Workspace:
    """A workspace that is committed, so that another process sees it."""
    return make_workspace(UserFactory.create(email="olga@acme.example"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("vendor_class", [PayPal, Stripe, Tremendous])
def test_a_process_that_is_killed_between_sending_and_recording_pays_once(
    shared: Workspace, settings: Any, vendor_class: type[Any]
) -> None:
    with running(vendor_class()) as vendor:
        open_to(settings, vendor)
        create = {
            "paypal": "POST /v1/payments/payouts",
            "stripe": "POST /v1/transfers",
            "tremendous": "POST /api/v2/orders",
        }[vendor.contract]
        with tenant(shared):
            connected_to(shared, vendor)
            recipients = (
                [vendor.add_account() for _ in range(3)] if vendor.contract == "stripe" else emails(3)
            )
            batch = batch_of(shared, vendor.contract, recipients)
            queue_runs(batch=batch, at=AT)
        taken, killed = threading.Event(), threading.Event()

        def hold(request: Request) -> None:
            if request.call == create and not killed.is_set():
                taken.set()
                assert killed.wait(30)

        vendor.pause = hold
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, database.settings_dict["NAME"], str(vendor.server_port)],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "referral_platform.settings"},
        )
        try:
            assert taken.wait(60)
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait(30) == -signal.SIGKILL
        finally:
            process.kill()
            process.wait()
            killed.set()
        assert len(vendor.paid) >= 1
        with tenant(shared):
            run = run_of(batch)
            assert (run.step, run.attempts, run.state) == ("send", 1, "pending")
            assert run.leased_until is not None
            assert run.sending_at is not None
            assert set(standings(batch)) == {"pending"}
        assert pay_due() == 0
        for _ in range(3):
            with tenant(shared):
                due_now(shared)
            pay_due()
            if vendor.contract == "paypal":
                vendor.work_off()
            elif vendor.contract == "tremendous":
                vendor.deliver()
        with tenant(shared):
            assert sorted(vendor.paid) == sorted(payout.public_id for payout in payouts(batch))
            assert standings(batch) == ["paid"] * 3
            fees = 3 * 25 if vendor.contract == "paypal" else 0
            assert balance(shared, "paid_out") == 3000 + fees


def test_an_answer_after_the_lease_has_run_out_is_dropped(workspace: Workspace, paypal: PayPal) -> None:
    connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(1))
    queue_runs(batch=batch, at=AT)
    (first,) = claim_runs(limit=8, at=clock.now())
    PayoutRun.objects.for_workspace(workspace).update(attempts=5)
    record_turn(claimed=first, turn=stopped("late"), at=AT)
    assert (run_of(batch).state, run_of(batch).last_error) == ("pending", "")


def test_a_run_whose_workers_are_all_killed_stops(workspace: Workspace, paypal: PayPal) -> None:
    connected_to(workspace, paypal)
    batch = batch_of(workspace, "paypal", emails(1))
    queue_runs(batch=batch, at=AT)
    PayoutRun.objects.for_workspace(workspace).update(attempts=12)
    turn(workspace)
    assert run_of(batch).last_error == "Given up: every attempt was cut off before its end."
    assert paypal.requests == []
