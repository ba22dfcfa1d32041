"""A batch of many people: prepared in groups by the worker, its page, stopped and cancelled in between."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, Workspace
from core.errors import Conflict
from core.models import Event
from programs.models import Participant
from rewards import handlers, queries, services
from rewards.models import Account, Payout, PayoutBatch, Reward
from rewards.services import preparation
from rewards.services.ledger import Movement, Place, post
from tests.factories import AT
from tests.rewards.builders import approved, participant, person, program
from tests.rewards.test_views import olga, page, text  # noqa: F401

pytestmark = pytest.mark.django_db

MONEY = 1000
"""What each reward of these tests is worth, in minor units."""


@pytest.fixture(autouse=True)
def groups_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "AT_ONCE", 2)


@pytest.fixture
def people(workspace: Workspace) -> list[Participant]:
    """Five people with an approved reward each."""
    shop = program(workspace)
    found = [participant(shop) for _ in range(5)]
    for each in found:
        approved(each)
    return found


def _events(workspace: Workspace, kind: str) -> list[Event]:
    return list(Event.objects.for_workspace(workspace).filter(kind=kind).order_by("pk"))


def _begun(workspace: Workspace, **changes: Any) -> PayoutBatch:
    return services.prepare_batch(
        workspace=workspace, **{"currency": "EUR", "actor": person(), "at": AT, **changes}
    )


def _next(workspace: Workspace) -> PayoutBatch:
    """Hand the last request to go on to its handler; returns the batch after it."""
    event = _events(workspace, "payout.batch_preparing")[-1]
    handlers.on_batch_preparing(event)
    return queries.batches(workspace).get(public_id=event.data["batch"])


def _far(batch: PayoutBatch) -> tuple[str, int, int, int]:
    return batch.status, batch.judged_count, batch.people_count, batch.payout_count


def _customers(batch: PayoutBatch) -> list[int]:
    return list(queries.payouts_of(batch).values_list("customer_id", flat=True))


def test_groups_follow_each_other_until_all_are_judged(
    workspace: Workspace, people: list[Participant]
) -> None:
    batch = _begun(workspace)
    assert _far(batch) == ("preparing", 2, 5, 2)
    assert _far(_next(workspace)) == ("preparing", 4, 5, 4)
    assert not _events(workspace, "payout.batch_prepared")
    done = _next(workspace)
    assert _far(done) == ("draft", 5, 5, 5)
    assert _customers(done) == [each.customer_id for each in people]
    assert done.total_minor == sum(reward.amount_minor for reward in Reward.objects.for_workspace(workspace))
    assert not Reward.objects.for_workspace(workspace).filter(payout=None)
    (told,) = _events(workspace, "payout.batch_prepared")
    assert told.data == {
        "batch": batch.public_id,
        "method": "csv",
        "currency": "EUR",
        "total_minor": done.total_minor,
        "payouts": 5,
    }
    actions = AuditEntry.objects.for_workspace(workspace).filter(subject=batch.public_id)
    assert list(actions.order_by("pk").values_list("action", flat=True)) == [
        "payout_batch.begun",
        "payout_batch.prepared",
    ]
    assert not queries.differences(workspace)


def test_the_same_request_twice_judges_nobody_twice(workspace: Workspace, people: list[Participant]) -> None:
    batch = _begun(workspace)
    (asked,) = _events(workspace, "payout.batch_preparing")
    for _ in range(3):
        handlers.on_batch_preparing(asked)
    batch.refresh_from_db()
    assert _far(batch) == ("preparing", 4, 5, 4)
    assert len(_events(workspace, "payout.batch_preparing")) == 2


def test_whoever_gets_something_meanwhile_is_judged_in_turn(
    workspace: Workspace, people: list[Participant]
) -> None:
    _begun(workspace)
    # Behind the group that was judged, and after it.
    approved(people[0])
    later = participant(people[0].program)
    approved(later)
    _next(workspace)
    done = _next(workspace)
    assert _far(done) == ("preparing", 6, 5, 6)
    done = _next(workspace)
    assert _far(done) == ("draft", 6, 6, 6)
    assert later.customer_id in _customers(done)
    assert done.total_minor == 6 * MONEY
    assert not queries.differences(workspace)


def test_one_in_a_currency_at_a_time(workspace: Workspace, people: list[Participant]) -> None:
    batch = _begun(workspace)
    with pytest.raises(Conflict) as caught:
        _begun(workspace)
    assert caught.value.code == "preparing"
    assert caught.value.details == {"batch": batch.public_id, "judged": 2, "people": 5}
    with pytest.raises(IntegrityError, match="batch_one_in_the_making"), transaction.atomic():
        PayoutBatch.objects.create(
            workspace=workspace,
            currency="EUR",
            status="preparing",
            total_minor=0,
            payout_count=0,
            created_by=batch.created_by,
            created_at=AT,
        )


def test_it_cannot_be_approved_before_it_is_made(workspace: Workspace, people: list[Participant]) -> None:
    batch = _begun(workspace)
    with pytest.raises(Conflict) as caught:
        services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)
    assert caught.value.code == "not_draft"


def test_cancelled_in_the_making_it_gives_everything_back(
    workspace: Workspace, people: list[Participant]
) -> None:
    batch = _begun(workspace)
    services.cancel_batch(batch=batch, reason="Wrong day", actor=person(), at=AT)
    # What was asked for before comes too late.
    assert _far(_next(workspace)) == ("failed", 2, 5, 2)
    statuses = queries.payouts_of(batch).values_list("status", flat=True)
    assert set(statuses) == {Payout.Status.FAILED}
    assert not Account.objects.for_workspace(workspace).filter(kind="in_transit").exclude(balance_minor=0)
    again = _begun(workspace)
    _next(workspace)
    assert _far(_next(workspace))[0] == "draft"
    again.refresh_from_db()
    assert again.payout_count == 5
    assert not queries.differences(workspace)


def test_nobody_to_pay_in_the_end_is_said(workspace: Workspace) -> None:
    shop = program(workspace)
    for _ in range(3):
        approved(participant(shop, account=""))
    batch = _begun(workspace)
    assert batch.status == "preparing"
    done = _next(workspace)
    assert _far(done) == ("failed", 3, 3, 0)
    assert done.note == "Nobody could be paid in EUR."


def test_only_some_people_go_in_groups_as_well(workspace: Workspace, people: list[Participant]) -> None:
    wanted = [each.customer_id for each in people[1:4]]
    # One of them has nothing by now: the group has one person fewer, and the next goes on behind it.
    post(
        workspace=workspace,
        movements=[
            Movement(
                key="taken",
                debit=Place("payable", "EUR", wanted[0]),
                credit=Place("adjusted", "EUR"),
                amount_minor=MONEY,
                memo="taken",
            )
        ],
        at=AT,
    )
    batch = _begun(workspace, customers=wanted)
    assert _far(batch) == ("preparing", 2, 3, 1)
    done = _next(workspace)
    assert _far(done) == ("draft", 3, 3, 2)
    assert _customers(done) == wanted[1:]


def test_the_page_says_how_far_it_is(
    workspace: Workspace,
    people: list[Participant],
    olga: Client,  # noqa: F811
) -> None:
    made: Any = olga.post(page("batch_new"), {"currency": "EUR", "method": "csv"}, follow=True)
    shown = text(made)
    assert "this page says how far it is" in shown
    assert "<strong>2</strong> of 5 people judged" in shown
    assert "Cancel this batch" in shown
    batch = PayoutBatch.objects.for_workspace(workspace).get()
    part = f"{page('batch_progress', batch.public_id)}?preparing=1"
    assert part in shown
    asked = olga.get(part)
    assert "of 5 people judged" in text(asked)
    assert "HX-Refresh" not in asked
    _next(workspace)
    _next(workspace)
    assert olga.get(part)["HX-Refresh"] == "true"
    shown = text(olga.get(page("batch_detail", batch.public_id)))
    assert "people judged" not in shown
    assert "Cancel this draft" in shown


def test_events_that_ask_the_worker_are_nobody_elses(workspace: Workspace, people: list[Participant]) -> None:
    _begun(workspace)
    (asked,) = Event.objects.for_workspace(workspace).filter(kind="payout.batch_preparing")
    assert [each.handler for each in asked.deliveries.all()] == ["rewards.handlers.on_batch_preparing"]
