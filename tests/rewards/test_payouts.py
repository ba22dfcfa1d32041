"""Batches from the ledger's balances to the bank's answer, to the cent and with two people."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, Workspace
from accounts.services import Actor
from core.errors import Conflict, Forbidden, Invalid
from core.models import Event
from rewards import queries, services
from rewards.models import Account, PayoutBatch, Reward
from rewards.services import ResultRow, preparation
from tests.factories import AT
from tests.rewards import builders
from tests.rewards.builders import (
    IBAN,
    IBAN_LABEL,
    approved,
    conversion,
    paid_batch,
    participant,
    person,
    program,
    rule,
    settled,
)
from tests.rewards.test_settlement import balances, events


def _prepared(workspace: Workspace) -> PayoutBatch:
    return services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)


def _released(workspace: Workspace) -> PayoutBatch:
    batch = _prepared(workspace)
    return services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)


def _import(batch: PayoutBatch, *rows: ResultRow) -> list[tuple[str, str]]:
    outcomes = services.import_results(batch=batch, rows=rows, actor=person(), at=AT)
    batch.refresh_from_db()
    return [(outcome.outcome, outcome.column) for outcome in outcomes]


def _exported(batch: PayoutBatch) -> str:
    return "".join(services.export_batch(batch=batch, actor=person(), at=AT).pieces)


def _ids(batch: PayoutBatch) -> list[str]:
    return [payout.public_id for payout in queries.payouts_of(batch)]


def test_hold_approve_batch_paid_refund_and_the_debt_is_netted(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}
    services.approve_reward(reward=reward, actor=person(), at=AT)
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}
    batch = _prepared(workspace)
    assert (batch.status, batch.total_minor, batch.payout_count) == ("draft", 1000, 1)
    assert balances(workspace) == {"expense EUR": -1000, "in_transit EUR": 1000}
    services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)
    (payout_id,) = _ids(batch)
    assert _import(batch, ResultRow(2, payout_id, "paid", "bank-1")) == [("paid", "")]
    assert balances(workspace) == {"expense EUR": -1000, "paid_out EUR": 1000}
    reward.refresh_from_db()
    assert (reward.status, batch.status, batch.completed_at) == ("paid", "completed", AT)

    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 4000), at=AT)
    assert (reward.status, reward.reversed_minor) == ("paid", 400)
    assert balances(workspace) == {"expense EUR": -600, "payable EUR": -400, "paid_out EUR": 1000}
    last = queries.changes_of(reward).last()
    assert last is not None
    assert (last.before, last.after, last.amount_minor) == ("paid", "paid", -400)
    with pytest.raises(Conflict, match="Nobody can be paid"):
        _prepared(workspace)

    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 6000), at=AT)
    assert (reward.status, reward.reversed_minor) == ("paid", 1000)
    assert balances(workspace) == {"payable EUR": -1000, "paid_out EUR": 1000}

    approved(ana, amount_minor=25_000)
    assert balances(workspace) == {"expense EUR": -2500, "payable EUR": 1500, "paid_out EUR": 1000}
    second = paid_batch(workspace)
    assert second.total_minor == 1500
    assert balances(workspace) == {"expense EUR": -2500, "paid_out EUR": 2500}
    assert set(Reward.objects.for_workspace(workspace).values_list("status", flat=True)) == {"paid"}


def test_a_batch_takes_everyone_who_can_be_paid_and_says_why_not_the_others(workspace: Workspace) -> None:
    shop = program(workspace, payout_minimum_minor=1000)
    good, small, lost, asleep = (
        participant(shop),
        participant(shop),
        participant(shop, account=""),
        participant(shop, status="suspended"),
    )
    debtor = participant(shop)
    fact = conversion(debtor)
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    paid_batch(workspace)
    services.settle_conversion(conversion=builders.refund(fact, 500), at=AT)
    for who, amount in ((good, 10_000), (small, 9_990), (lost, 30_000), (asleep, 20_000)):
        approved(who, amount_minor=amount)

    rows = list(queries.payable(workspace, "EUR"))
    assert [(r.customer_id, r.amount_minor, r.destination, r.left_out) for r in rows] == [
        (lost.customer_id, 3000, "", "no_destination"),
        (asleep.customer_id, 2000, IBAN_LABEL, "suspended"),
        (good.customer_id, 1000, IBAN_LABEL, ""),
        (small.customer_id, 999, IBAN_LABEL, "below_minimum"),
        (debtor.customer_id, -50, IBAN_LABEL, "negative_balance"),
    ]
    assert {row.minimum_minor for row in rows} == {1000}
    (total,) = queries.payable_totals(workspace)
    assert (total.currency, total.ready_minor, total.ready_count) == ("EUR", 1000, 1)
    assert (total.left_out_minor, total.left_out_count) == (5949, 4)

    batch = _prepared(workspace)
    assert (batch.total_minor, batch.payout_count) == (1000, 1)
    payout = queries.payouts_of(batch).get()
    assert (payout.customer_id, payout.amount_minor, payout.destination) == (
        good.customer_id,
        1000,
        IBAN_LABEL,
    )


def test_the_highest_minimum_of_a_persons_programs_in_that_currency_counts(workspace: Workspace) -> None:
    ana = participant(program(workspace, payout_minimum_minor=500))
    participant(
        program(workspace, payout_minimum_minor=2000), customer=ana.customer, account="12-34-56 12345678"
    )
    participant(
        program(workspace, currency="USD", payout_minimum_minor=9000),
        customer=ana.customer,
        account="",
    )
    approved(ana)
    (row,) = queries.payable(workspace, "EUR")
    assert (row.minimum_minor, row.destination, row.left_out) == (2000, "…5678", "below_minimum")


def test_a_friend_without_enrolment_has_nowhere_to_be_paid(workspace: Workspace) -> None:
    shop = program(workspace, rule(side="referee"))
    approved(participant(shop))
    (row,) = queries.payable(workspace, "EUR")
    assert (row.minimum_minor, row.left_out) == (0, "no_destination")


def test_only_cash_in_the_batchs_currency_is_paid(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    euro = approved(ana)
    dollar_program = program(workspace, currency="USD")
    dollar = approved(participant(dollar_program, customer=ana.customer), currency="USD")
    credit_program = program(workspace, rule(kind="credit"))
    approved(participant(credit_program, customer=ana.customer))
    batch = _prepared(workspace)
    euro.refresh_from_db()
    dollar.refresh_from_db()
    assert (euro.payout_id, dollar.payout_id) == (queries.payouts_of(batch).get().pk, None)
    assert [total.currency for total in queries.payable_totals(workspace)] == ["USD"]
    assert balances(workspace) == {
        "expense EUR": -2000,
        "in_transit EUR": 1000,
        "credit EUR": 1000,
        "expense USD": -1000,
        "payable USD": 1000,
    }


def test_a_second_preparation_finds_nothing(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    _prepared(workspace)
    with pytest.raises(Conflict) as refused:
        _prepared(workspace)
    assert refused.value.code == "nothing_payable"
    assert PayoutBatch.objects.for_workspace(workspace).count() == 1


def test_preparing_needs_a_currency_and_a_person(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    with pytest.raises(Invalid) as invalid:
        services.prepare_batch(workspace=workspace, currency="PTS", actor=person(), at=AT)
    assert invalid.value.param == "currency"
    robot = Actor(kind="api_key", label="Robot")
    with pytest.raises(Forbidden) as refused:
        services.prepare_batch(workspace=workspace, currency="EUR", actor=robot, at=AT)
    assert refused.value.code == "needs_person"
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}


def test_a_ledger_that_disagrees_stops_the_batch(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    approved(ana)
    (row,) = queries.payable(workspace, "EUR")
    batch = _prepared(workspace)
    batch.total_minor = 999
    Account.objects.for_workspace(workspace).filter(kind="payable").update(balance_minor=1)
    checks: list[Any] = [
        lambda: preparation._check_left(batch, [row]),
        lambda: preparation._check_sums(batch),
    ]
    for check in checks:
        with pytest.raises(Conflict) as refused:
            check()
        assert refused.value.code == "totals_differ"


def test_another_person_has_to_approve(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    batch = _prepared(workspace)
    with pytest.raises(Forbidden) as same:
        services.approve_batch(batch=batch, actor=person(), at=AT)
    assert (same.value.code, same.value.details) == ("second_person", {"created_by": "olga@acme.example"})
    key = Actor(kind="api_key", label="Robot", user=person("second@acme.example").user)
    with pytest.raises(Forbidden) as robot:
        services.approve_batch(batch=batch, actor=key, at=AT)
    assert robot.value.code == "needs_person"
    batch = services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)
    assert (batch.status, batch.approved_at) == ("approved", AT)
    with pytest.raises(Conflict) as twice:
        services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)
    assert twice.value.code == "not_draft"
    actions = AuditEntry.objects.for_workspace(workspace).filter(subject=batch.public_id)
    assert list(actions.order_by("pk").values_list("action", flat=True)) == [
        "payout_batch.prepared",
        "payout_batch.approved",
    ]


def test_the_database_insists_on_two_people(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    batch = _prepared(workspace)
    for changes, name in (
        ({"approved_by": batch.created_by}, "batch_second_person"),
        ({"status": "processing"}, "batch_approved_before_money_moves"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            PayoutBatch.objects.for_workspace(workspace).update(**changes)


def test_nothing_leaves_before_approval(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    batch = _prepared(workspace)
    payout = queries.payouts_of(batch).get()
    calls: list[Any] = [
        lambda: services.export_batch(batch=batch, actor=person(), at=AT),
        lambda: _import(batch, ResultRow(2, payout.public_id, "paid")),
        lambda: services.mark_payout_paid(payout=payout, reference="x", actor=person(), at=AT),
    ]
    for call in calls:
        with pytest.raises(Conflict) as refused:
            call()
        assert refused.value.code == "not_approved"
    assert balances(workspace) == {"expense EUR": -1000, "in_transit EUR": 1000}


def test_the_file_has_exact_amounts_and_the_account_in_full(workspace: Workspace) -> None:
    shop = program(workspace)
    people = [participant(shop) for _ in range(3)]
    for index, each in enumerate(people):
        approved(each, amount_minor=10_000 + index * 10)
    batch = _released(workspace)
    text = _exported(batch)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["payout_id", "name", "email", "destination", "amount", "currency"]
    emails = [each.customer.email for each in people]
    assert rows[1:] == [
        [public_id, "Ana Kos", email, IBAN, amount, "EUR"]
        for public_id, email, amount in zip(_ids(batch), emails, ("10.00", "10.01", "10.02"), strict=True)
    ]
    batch.refresh_from_db()
    assert batch.status == "processing"
    assert _exported(batch) == text
    assert AuditEntry.objects.for_workspace(workspace).filter(action="payout_batch.exported").count() == 2


def _three(workspace: Workspace) -> PayoutBatch:
    shop = program(workspace)
    for amount in (10_000, 20_000, 30_000):
        approved(participant(shop), amount_minor=amount)
    return _released(workspace)


def test_a_refused_line_does_not_stop_the_others(workspace: Workspace) -> None:
    batch = _three(workspace)
    first, second, third = _ids(batch)
    outcomes = _import(
        batch,
        ResultRow(2, first, "paid", "bank-1"),
        ResultRow(3, second, "failed", failure="Account closed"),
        ResultRow(4, "pyt_unknown", "paid"),
        ResultRow(5, third, "gone"),
        ResultRow(6, third, "paid", reference="x" * 256),
        ResultRow(7, third, "failed", failure="x\x00"),
        ResultRow(8, first, "failed"),
        ResultRow(9, first, "paid"),
    )
    assert outcomes == [
        ("paid", ""),
        ("failed", ""),
        ("refused", "payout_id"),
        ("refused", "status"),
        ("refused", "reference"),
        ("refused", "failure"),
        ("refused", "status"),
        ("unchanged", ""),
    ]
    assert batch.status == "processing"
    assert queries.payouts_by_status(batch) == {
        "pending": (1, 3000),
        "sent": (0, 0),
        "paid": (1, 1000),
        "failed": (1, 2000),
    }
    assert balances(workspace) == {
        "expense EUR": -6000,
        "paid_out EUR": 1000,
        "payable EUR": 2000,
        "in_transit EUR": 3000,
    }
    found = {p.public_id: (p.provider_reference, p.failure, p.settled_at) for p in queries.payouts_of(batch)}
    assert found == {first: ("bank-1", "", AT), second: ("", "Account closed", AT), third: ("", "", None)}
    assert events(workspace)[-2:] == ["payout.completed", "payout.failed"]


def test_importing_again_changes_nothing(workspace: Workspace) -> None:
    batch = _three(workspace)
    first, second, third = _ids(batch)
    rows = [
        ResultRow(2, first, "paid", "bank-1"),
        ResultRow(3, second, "failed", failure="Account closed"),
        ResultRow(4, third, "paid", "bank-3"),
    ]
    _import(batch, *rows)
    assert (batch.status, batch.completed_at) == ("completed", AT)
    before = (balances(workspace), Event.objects.for_workspace(workspace).count())
    assert _import(batch, *rows) == [("unchanged", "")] * 3
    assert (balances(workspace), Event.objects.for_workspace(workspace).count()) == before
    assert _import(batch, ResultRow(2, second, "paid"), ResultRow(3, first, "failed")) == [
        ("refused", "status"),
        ("refused", "status"),
    ]
    assert _import(batch) == []


def test_a_failed_payout_is_paid_by_the_next_batch(workspace: Workspace) -> None:
    reward = approved(participant(program(workspace)))
    batch = _released(workspace)
    (payout,) = queries.payouts_of(batch)
    payout = services.mark_payout_failed(payout=payout, failure="", actor=person(), at=AT)
    assert (payout.status, payout.failure) == ("failed", "No reason was given.")
    batch.refresh_from_db()
    reward.refresh_from_db()
    assert (batch.status, reward.status, reward.payout_id) == ("failed", "approved", None)
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}
    with pytest.raises(Conflict) as refused:
        services.mark_payout_paid(payout=payout, reference="late", actor=person(), at=AT)
    assert refused.value.code == "failed"
    paid_batch(workspace)
    reward.refresh_from_db()
    assert reward.status == "paid"
    assert balances(workspace) == {"expense EUR": -1000, "paid_out EUR": 1000}


def test_one_payout_marked_by_hand(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    batch = _released(workspace)
    (payout,) = queries.payouts_of(batch)
    with pytest.raises(Invalid) as refused:
        services.mark_payout_paid(payout=payout, reference="x" * 256, actor=person(), at=AT)
    assert refused.value.param == "reference"
    for _ in range(2):
        settled_payout = services.mark_payout_paid(payout=payout, reference="bank", actor=person(), at=AT)
        assert (settled_payout.status, settled_payout.provider_reference) == ("paid", "bank")
    assert balances(workspace) == {"expense EUR": -1000, "paid_out EUR": 1000}


@pytest.mark.parametrize("outcome", ["paid", "failed"])
def test_a_full_refund_while_the_money_is_on_its_way(workspace: Workspace, outcome: str) -> None:
    fact = conversion(participant(program(workspace)))
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    batch = _released(workspace)
    assert list(queries.overdrawn_in(batch)) == []
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 10_000), at=AT)
    assert (reward.status, reward.net_minor) == ("approved", 0)
    assert balances(workspace) == {"payable EUR": -1000, "in_transit EUR": 1000}
    assert [account.balance_minor for account in queries.overdrawn_in(batch)] == [-1000]
    _import(batch, ResultRow(2, _ids(batch)[0], outcome))
    reward.refresh_from_db()
    if outcome == "paid":
        assert reward.status == "paid"
        assert balances(workspace) == {"payable EUR": -1000, "paid_out EUR": 1000}
    else:
        assert (reward.status, reward.payout_id) == ("reversed", None)
        assert balances(workspace) == {}


def test_a_cancelled_draft_gives_everything_back(workspace: Workspace) -> None:
    reward = approved(participant(program(workspace)))
    batch = _prepared(workspace)
    for reason in (" ", "x" * 201):
        with pytest.raises(Invalid) as invalid:
            services.cancel_batch(batch=batch, reason=reason, actor=person(), at=AT)
        assert invalid.value.param == "reason"
    told = events(workspace)
    batch = services.cancel_batch(batch=batch, reason="Wrong month", actor=person(), at=AT)
    assert (batch.status, batch.note, batch.completed_at) == ("failed", "Wrong month", AT)
    payout = queries.payouts_of(batch).get()
    assert (payout.status, payout.failure) == ("failed", "The batch was cancelled.")
    reward.refresh_from_db()
    assert (reward.status, reward.payout_id) == ("approved", None)
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}
    assert events(workspace) == told
    with pytest.raises(Conflict) as refused:
        services.cancel_batch(batch=batch, reason="Again", actor=person(), at=AT)
    assert refused.value.code == "not_draft"
    assert paid_batch(workspace).total_minor == 1000


def test_what_a_person_was_paid(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    approved(ana)
    batch = paid_batch(workspace)
    (payout,) = queries.payouts_for(ana.customer)
    assert (payout.batch, payout.amount_minor, payout.status) == (batch, 1000, "paid")
    assert queries.batches(workspace).get() == batch


def test_a_debt_and_a_reward_that_cancel_out_wait_for_more(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    paid_batch(workspace)
    services.settle_conversion(conversion=builders.refund(fact, 10_000), at=AT)
    waiting = approved(ana)
    assert list(queries.payable(workspace, "EUR")) == []
    more = approved(ana, amount_minor=1_230)
    batch = paid_batch(workspace)
    assert batch.total_minor == 123
    for each in (waiting, more):
        each.refresh_from_db()
        assert (each.status, each.payout_id) == ("paid", queries.payouts_of(batch).get().pk)
    assert balances(workspace) == {"expense EUR": -1123, "paid_out EUR": 1123}


def test_pending_rewards_are_not_paid(workspace: Workspace) -> None:
    settled(participant(program(workspace)))
    with pytest.raises(Conflict, match="Nobody can be paid in EUR now"):
        _prepared(workspace)
    assert not Account.objects.for_workspace(workspace).filter(kind="payable").exists()
