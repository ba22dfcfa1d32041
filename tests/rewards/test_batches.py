"""Batches by method and cutoff: what closes them, what is tried again, and what comes back from the bank."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEntry, Workspace
from core.errors import Conflict, Invalid
from core.models import Event
from programs.models import Customer
from rewards import queries, services
from rewards.bank_files.pain001 import end_to_end_id
from rewards.bank_files.pain002 import read_report
from rewards.models import Account, MoneySettings, Payout, PayoutBatch, Reward, Transfer
from rewards.services import ResultRow
from tests.factories import AT
from tests.rewards import builders
from tests.rewards.builders import IBAN, approved, bank, participant, person, program, settled
from tests.rewards.test_settlement import balances, events

SECOND = "second@acme.example"


def _prepared(workspace: Workspace, **changes: Any) -> PayoutBatch:
    values: dict[str, Any] = {"currency": "EUR", "actor": person(), "at": AT, **changes}
    return services.prepare_batch(workspace=workspace, **values)


def _released(workspace: Workspace, **changes: Any) -> PayoutBatch:
    return services.approve_batch(batch=_prepared(workspace, **changes), actor=person(SECOND), at=AT)


def _mailbox(customer: Customer, method: str = "paypal") -> None:
    services.choose_payout_account(
        customer=customer, method=method, details={"email": "ana@example.com"}, actor=person(), at=AT
    )


def _import(batch: PayoutBatch, *rows: ResultRow) -> list[str]:
    found = services.import_results(batch=batch, rows=rows, actor=person(), at=AT)
    batch.refresh_from_db()
    return [outcome.outcome for outcome in found]


def _payouts(batch: PayoutBatch) -> list[Payout]:
    return list(queries.payouts_of(batch))


def _settings(workspace: Workspace, **values: Any) -> None:
    MoneySettings.objects.create(workspace=workspace, **values)


def test_a_batch_pays_those_whose_account_is_of_its_method(workspace: Workspace) -> None:
    shop = program(workspace)
    by_bank, by_mail = participant(shop), participant(shop, account="")
    _mailbox(by_mail.customer)
    for each in (by_bank, by_mail):
        approved(each)
    rows = {row.customer_id: row.left_out for row in queries.payable(workspace, "EUR", method="paypal")}
    assert rows == {by_bank.customer_id: "other_method", by_mail.customer_id: ""}
    batch = _prepared(workspace, method="paypal", connection="con_1")
    (payout,) = _payouts(batch)
    assert (payout.customer_id, payout.fee_minor, batch.fee_minor) == (by_mail.customer_id, 20, 20)
    assert (batch.method, batch.connection) == ("paypal", "con_1")
    (other,) = _payouts(_prepared(workspace))
    assert other.customer_id == by_bank.customer_id


def test_every_reason_stands_in_the_preview(workspace: Workspace) -> None:
    shop = program(workspace, payout_minimum_minor=1000)
    people = {
        "": participant(shop),
        "below_minimum": participant(shop),
        "suspended": participant(shop, status="suspended"),
        "no_destination": participant(shop, account=""),
        "account_refused": participant(shop),
        "other_method": participant(shop, account=""),
        "no_iban": participant(shop, account="12-34 5678 9012"),
    }
    _mailbox(people["other_method"].customer)
    (account,) = queries.payout_accounts_of(people["account_refused"].customer)
    services.refuse_payout_account(account=account, reason="Not yours", actor=person())
    for code, each in people.items():
        approved(each, amount_minor=5_000 if code == "below_minimum" else 10_000)
    found = queries.preview(workspace, "EUR", method="pain001")
    assert (found.count, found.total_minor) == (1, 1000)
    assert {part.code: (part.count, part.balance_minor) for part in found.reasons()} == {
        code: (1, 500 if code == "below_minimum" else 1000) for code in people if code
    }
    assert found.left_out["account_refused"].rows[0].sentence.endswith("Not yours")


def test_what_was_approved_after_the_cutoff_waits(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    early = approved(ana)
    late = settled(ana)
    services.approve_reward(reward=late, actor=person(), at=AT + timedelta(days=3))
    now = AT + timedelta(days=4)
    batch = _prepared(workspace, cutoff_at=AT + timedelta(days=1), at=now)
    assert (batch.total_minor, batch.cutoff_at) == (1000, AT + timedelta(days=1))
    early.refresh_from_db()
    late.refresh_from_db()
    assert (early.payout, late.payout) == (_payouts(batch)[0], None)
    assert balances(workspace) == {"expense EUR": -2000, "payable EUR": 1000, "in_transit EUR": 1000}
    with pytest.raises(Conflict) as refused:
        _prepared(workspace, cutoff_at=AT + timedelta(days=1), at=now)
    assert refused.value.code == "nothing_payable"
    assert _prepared(workspace, at=now).total_minor == 1000


def test_a_refund_counts_though_it_came_after_the_cutoff(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    approved(ana)
    fact = builders.conversion(ana)
    (late,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=late, actor=person(), at=AT + timedelta(days=3))
    services.settle_conversion(conversion=builders.refund(fact, 4_000), at=AT + timedelta(days=3))
    (row,) = queries.payable(workspace, "EUR", cutoff_at=AT + timedelta(days=1))
    assert (row.balance_minor, row.amount_minor) == (1600, 1000)


def test_the_workspaces_own_days_are_the_usual_cutoff(workspace: Workspace) -> None:
    _settings(workspace, payout_cutoff_days=5)
    approved(participant(program(workspace)))
    with pytest.raises(Conflict):
        _prepared(workspace, at=AT + timedelta(days=4))
    batch = _prepared(workspace, at=AT + timedelta(days=6))
    assert batch.cutoff_at == AT + timedelta(days=1)


def test_a_method_that_does_not_exist_and_a_file_nobody_pays(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    with pytest.raises(Invalid) as invalid:
        _prepared(workspace, method="cheque")
    assert invalid.value.param == "method"
    with pytest.raises(Conflict) as refused:
        _prepared(workspace, method="pain001")
    assert refused.value.code == "no_debtor"


def test_the_approval_of_a_providers_batch_is_told(workspace: Workspace) -> None:
    ana = participant(program(workspace), account="")
    _mailbox(ana.customer)
    approved(ana)
    batch = _released(workspace, method="paypal")
    told = Event.objects.for_workspace(workspace).get(kind="payout.batch_approved")
    assert told.data == {"batch": batch.public_id, "method": "paypal"}
    with pytest.raises(Conflict) as refused:
        services.export_batch(batch=batch, actor=person(), at=AT)
    assert refused.value.code == "no_file"
    bank(ana.customer, at=AT + timedelta(hours=1))
    approved(ana)
    _released(workspace)
    assert events(workspace).count("payout.batch_approved") == 1


def _sent(workspace: Workspace, people: int = 2) -> PayoutBatch:
    shop = program(workspace)
    for _ in range(people):
        ana = participant(shop, account="")
        _mailbox(ana.customer)
        approved(ana)
    batch = _released(workspace, method="paypal")
    ids = [payout.public_id for payout in _payouts(batch)]
    assert services.mark_sent(batch=batch, payout_ids=ids, reference="PP-1") == people
    batch.refresh_from_db()
    return batch


def test_a_provider_takes_over_reports_and_says_its_total(workspace: Workspace) -> None:
    batch = _sent(workspace)
    first, second = _payouts(batch)
    assert (batch.status, batch.provider_reference) == ("processing", "PP-1")
    assert {(each.status, each.attempts, each.provider_reference) for each in (first, second)} == {
        ("sent", 1, "PP-1")
    }
    assert services.mark_sent(batch=batch, payout_ids=[first.public_id], reference="PP-2") == 0
    paid = ResultRow(1, first.public_id, "paid", "T-1", fee_minor=30)
    assert _import(batch, paid, ResultRow(2, second.public_id, "failed", failure="Unknown")) == [
        "paid",
        "failed",
    ]
    assert (batch.status, batch.paid_minor, batch.failed_minor) == ("processing", 1000, 1000)
    assert batch.discrepancy == "The provider has not said yet how much it paid in all."
    assert balances(workspace) == {
        "expense EUR": -2000,
        "payable EUR": 1000,
        "paid_out EUR": 1030,
        "fees EUR": -30,
    }
    assert queries.differences(workspace) == []
    assert queries.fees_of(batch) == 30
    services.record_provider_total(batch=batch, paid_minor=999, at=AT)
    batch.refresh_from_db()
    assert batch.status == "processing"
    assert batch.discrepancy == "The provider says that it paid €9.99, our payouts say €10.00."
    for _ in range(2):
        services.record_provider_total(batch=batch, paid_minor=1000, at=AT)
        batch.refresh_from_db()
        assert (batch.status, batch.discrepancy, batch.completed_at) == ("completed", "", AT)
    with pytest.raises(Conflict) as refused:
        services.record_provider_total(batch=batch, paid_minor=999, at=AT)
    assert refused.value.code == "completed"
    with pytest.raises(Invalid):
        services.record_provider_total(batch=batch, paid_minor=-1, at=AT)


def test_a_batch_of_which_nothing_was_paid_needs_no_total(workspace: Workspace) -> None:
    batch = _sent(workspace, people=1)
    (payout,) = _payouts(batch)
    assert _import(batch, ResultRow(1, payout.public_id, "failed")) == ["failed"]
    assert (batch.status, batch.discrepancy) == ("failed", "")


@pytest.mark.parametrize("side", ["batch", "payouts", "ledger", "provider"])
def test_no_batch_is_completed_while_a_side_differs(workspace: Workspace, side: str) -> None:
    shop = program(workspace)
    approved(participant(shop))
    approved(participant(shop))
    batch = _released(workspace)
    first, second = _payouts(batch)
    _import(batch, ResultRow(1, first.public_id, "paid"))
    rows = PayoutBatch.objects.for_workspace(workspace)
    if side == "batch":
        rows.update(total_minor=2500)
    elif side == "payouts":
        Payout.objects.for_workspace(workspace).filter(pk=first.pk).update(amount_minor=1500)
    elif side == "ledger":
        stored = Transfer.objects.for_workspace(workspace).get(key=f"payout:{first.public_id}:paid")
        stored.pk, stored.public_id, stored.key, stored.amount_minor = None, "trf_x", "stray", 7
        stored.save(force_insert=True)
    else:
        rows.update(provider_paid_minor=1)
    assert _import(batch, ResultRow(1, second.public_id, "paid")) == ["paid"]
    assert (batch.status, batch.completed_at) == ("processing", None)
    said = {
        "batch": "Paid and failed are €20.00 together, the batch is €25.00.",
        "payouts": "The batch has €20.00 in all; by the payouts it is €25.00.",
        "ledger": "The batch has €20.00 paid; by the ledger it is €20.07.",
        "provider": "The provider says that it paid €0.01, our payouts say €20.00.",
    }
    assert batch.discrepancy == said[side]


def test_the_database_refuses_a_completed_batch_that_does_not_add_up(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    batch = _released(workspace)
    rows = PayoutBatch.objects.for_workspace(workspace).filter(pk=batch.pk)
    for changes in (
        {"status": "completed"},
        {"status": "completed", "paid_minor": 1000, "provider_paid_minor": 999},
        {"paid_minor": 1001},
    ):
        with pytest.raises(IntegrityError, match="adds_up"), transaction.atomic():
            rows.update(**changes)


def test_a_hundred_with_one_refused_imported_twice(workspace: Workspace) -> None:
    """99 are paid, one is released, and the same file again does nothing."""
    shop = program(workspace)
    ana = approved(participant(shop))
    people = Customer.objects.bulk_create(
        Customer(workspace=workspace, external_id=f"p{n}", email=f"p{n}@x.example") for n in range(99)
    )
    places = [
        services.ledger.Movement(
            key=f"given:{each.pk}",
            debit=services.ledger.Place("adjusted", "EUR", each.pk),
            credit=services.ledger.Place("payable", "EUR", each.pk),
            amount_minor=1000,
            memo="given",
        )
        for each in people
    ]
    services.ledger.post(workspace=workspace, movements=places, at=AT)
    for each in people:
        bank(each)
    batch = _released(workspace)
    payouts = _payouts(batch)
    assert (batch.payout_count, batch.total_minor) == (100, 100_000)
    rows = [
        ResultRow(line, payout.public_id, "failed" if line == 57 else "paid", reference=f"r{line}")
        for line, payout in enumerate(payouts, start=1)
    ]
    assert sorted(set(_import(batch, *rows))) == ["failed", "paid"]
    assert (batch.status, batch.paid_minor, batch.failed_minor) == ("completed", 99_000, 1000)
    before = (balances(workspace), Event.objects.for_workspace(workspace).count())
    assert set(_import(batch, *rows)) == {"unchanged"}
    assert (balances(workspace), Event.objects.for_workspace(workspace).count()) == before
    kinds = events(workspace)
    assert (kinds.count("payout.completed"), kinds.count("payout.failed")) == (99, 1)
    assert before[0]["paid_out EUR"] == 99_000
    assert before[0]["payable EUR"] == 1000
    ana.refresh_from_db()
    assert ana.status == "paid"


def test_the_failed_are_tried_again_in_a_batch_of_their_own(workspace: Workspace) -> None:
    shop = program(workspace)
    people = [participant(shop) for _ in range(3)]
    for each in people:
        approved(each)
    batch = _released(workspace)
    with pytest.raises(Conflict) as refused:
        services.retry_failed(batch=batch, actor=person(), at=AT)
    assert refused.value.code == "nothing_failed"
    first, second, third = _payouts(batch)
    _import(
        batch,
        ResultRow(1, first.public_id, "paid"),
        ResultRow(2, second.public_id, "failed"),
        ResultRow(3, third.public_id, "failed"),
    )
    approved(people[0])
    again = services.retry_failed(batch=batch, actor=person(), at=AT)
    assert (again.status, again.method, again.total_minor) == ("draft", "csv", 2000)
    assert [each.customer_id for each in _payouts(again)] == [second.customer_id, third.customer_id]
    with pytest.raises(Conflict) as nothing:
        services.retry_failed(batch=batch, actor=person(), at=AT)
    assert nothing.value.code == "nothing_payable"
    entry = AuditEntry.objects.for_workspace(workspace).get(action="payout_batch.retried")
    assert (entry.subject, entry.reason) == (batch.public_id, again.public_id)


@pytest.mark.parametrize("method", ["csv", "pain001"])
def test_what_failed_is_in_no_file_again(workspace: Workspace, method: str) -> None:
    """Its money is payable again: paid by this file and by the next batch, it would be paid twice."""
    _settings(workspace, debtor_name="Acme", debtor_iban="DE89370400440532013000")
    shop = program(workspace)
    for _ in range(2):
        approved(participant(shop))
    batch = _released(workspace, method=method)
    ana, ben = _payouts(batch)

    def written() -> str:
        return "".join(services.export_batch(batch=batch, actor=person(), at=AT).pieces)

    def names(payout: Payout, text: str) -> bool:
        return payout.public_id in text or end_to_end_id(payout.public_id) in text

    assert names(ana, written())
    assert names(ben, written())
    _import(batch, ResultRow(1, ben.public_id, "failed"))
    left = written()
    assert names(ana, left)
    assert not names(ben, left)
    assert "20.00" not in left
    _import(batch, ResultRow(1, ana.public_id, "failed"))
    with pytest.raises(Conflict) as nothing:
        written()
    assert nothing.value.code == "nothing_left"


def test_a_file_of_the_bank_and_its_answer(workspace: Workspace) -> None:
    services.update_money_settings(
        workspace=workspace,
        adjustment_limit_minor=10_000,
        payout_cutoff_days=0,
        payout_fees={},
        debtor_name="Acme",
        debtor_iban="DE89 3704 0044 0532 0130 00",
        debtor_bic="",
        actor=person(),
    )
    shop = program(workspace)
    for _ in range(2):
        approved(participant(shop))
    batch = _released(workspace, method="pain001")
    file = services.export_batch(batch=batch, actor=person(), at=AT)
    text = "".join(file.pieces)
    assert (file.name, file.content_type) == (f"{batch.public_id}.xml", "application/xml; charset=utf-8")
    assert text.count(IBAN) == 2
    # The day on which the bank pays is one of the workspace's clocks: in Berlin the next has begun.
    late = AT.replace(hour=23, minute=30)
    Workspace.objects.for_workspace(workspace).update(time_zone="Europe/Berlin")
    evening = services.export_batch(batch=batch, actor=person(), at=late)
    assert f"<Dt>{late.date() + timedelta(days=1)}</Dt>" in "".join(evening.pieces)
    first, second = _payouts(batch)
    said = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{end_to_end_id(each.public_id)}</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts></TxInfAndSts>"
        for each, status in ((first, "ACCP"),)
    )
    message = (
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{end_to_end_id(batch.public_id)}</OrgnlMsgId>%s</OrgnlGrpInfAndSts>"
    )
    report = read_report(io.BytesIO(f"<D>{message % ''}{said}</D>".encode()))
    (outcome,) = services.import_report(batch=batch, report=report, actor=person(), at=AT)
    assert outcome.outcome == "sent"
    whole = read_report(io.BytesIO(f"<D>{message % '<GrpSts>ACSC</GrpSts>'}</D>".encode()))
    found = services.import_report(batch=batch, report=whole, actor=person(), at=AT)
    assert [(each.line, each.outcome) for each in found] == [(1, "paid"), (2, "paid")]
    batch.refresh_from_db()
    assert (batch.status, second.batch_id) == ("completed", batch.pk)
    other = read_report(
        io.BytesIO(b"<D><OrgnlGrpInfAndSts><OrgnlMsgId>x</OrgnlMsgId></OrgnlGrpInfAndSts></D>")
    )
    with pytest.raises(Invalid) as refused:
        services.import_report(batch=batch, report=other, actor=person(), at=AT)
    assert (refused.value.code, refused.value.param) == ("other_batch", "file")


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"payout_cutoff_days": 366}, "payout_cutoff_days"),
        ({"debtor_iban": "DE00"}, "debtor_iban"),
        ({"debtor_bic": "x"}, "debtor_bic"),
        ({"debtor_name": "x" * 71}, "debtor_name"),
        ({"payout_fees": {"cheque": {}}}, "payout_fees"),
        ({"payout_fees": {"csv": {"bps": -1}}}, "csv_bps"),
    ],
)
def test_settings_that_are_refused_name_the_field(
    workspace: Workspace, changes: dict[str, Any], param: str
) -> None:
    values: dict[str, Any] = {
        "adjustment_limit_minor": 0,
        "payout_cutoff_days": 0,
        "payout_fees": {},
        "debtor_name": "",
        "debtor_iban": "",
        "debtor_bic": "",
        **changes,
    }
    with pytest.raises(Invalid) as refused:
        services.update_money_settings(workspace=workspace, actor=person(), **values)
    assert refused.value.param == param


def test_a_changed_account_is_told_before_the_money_goes(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    approved(ana)
    batch = _prepared(workspace)
    assert not queries.changed_accounts(batch).exists()
    bank(ana.customer, "AT611904300234573201", at=AT + timedelta(hours=1))
    assert [payout.customer_id for payout in queries.changed_accounts(batch)] == [ana.customer_id]
    assert Reward.objects.for_workspace(workspace).get().payout_id == _payouts(batch)[0].pk
    assert Account.objects.for_workspace(workspace).filter(kind="in_transit").count() == 1
