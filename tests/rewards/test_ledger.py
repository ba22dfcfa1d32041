"""Transfers once by key, balances beside them, and a check that finds whatever is wrong."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction

from accounts.models import Workspace
from core.errors import Conflict
from core.tenancy import tenant
from rewards import queries, services
from rewards.models import Account, Payout, PayoutBatch, Reward, Transfer
from rewards.services.ledger import Movement, Place, expense, lock_wallets, post, wallet
from tests.conftest import make_workspace
from tests.factories import AT, CustomerFactory, UserFactory
from tests.rewards import builders
from tests.rewards.builders import approved, participant, person, program, settled
from tests.rewards.test_settlement import balances


def _movement(customer_id: int, **changes: Any) -> Movement:
    values = {
        "key": "test:1",
        "debit": expense("EUR"),
        "credit": wallet(customer_id, "EUR"),
        "amount_minor": 500,
        "memo": "Test",
        **changes,
    }
    return Movement(**values)


def test_a_transfer_moves_both_balances_once(workspace: Workspace) -> None:
    ana = CustomerFactory.create(workspace=workspace)
    assert post(workspace=workspace, movements=[_movement(ana.pk)], at=AT) == 1
    assert post(workspace=workspace, movements=[_movement(ana.pk)], at=AT) == 0
    assert balances(workspace) == {"expense EUR": -500, "pending EUR": 500}
    assert queries.balance(ana, "pending", "EUR") == 500
    assert queries.balance(ana, "payable", "EUR") == 0
    assert post(workspace=workspace, movements=[], at=AT) == 0


def test_movements_that_cancel_out_are_both_kept(workspace: Workspace) -> None:
    ana = CustomerFactory.create(workspace=workspace)
    there = _movement(ana.pk)
    back = _movement(ana.pk, key="test:2", debit=there.credit, credit=there.debit)
    assert post(workspace=workspace, movements=[there, back], at=AT) == 2
    assert balances(workspace) == {}
    assert Transfer.objects.for_workspace(workspace).count() == 2


def test_one_key_is_one_transfer(workspace: Workspace) -> None:
    ana = CustomerFactory.create(workspace=workspace)
    post(workspace=workspace, movements=[_movement(ana.pk)], at=AT)
    for change in (
        {"amount_minor": 501},
        {"credit": wallet(CustomerFactory.create(workspace=workspace).pk, "EUR")},
    ):
        with pytest.raises(Conflict) as refused, transaction.atomic():
            post(workspace=workspace, movements=[_movement(ana.pk, **change)], at=AT)
        assert refused.value.code == "transfer_differs"
    assert balances(workspace) == {"expense EUR": -500, "pending EUR": 500}


@pytest.mark.parametrize("amount", [0, -1])
def test_only_positive_amounts_move(workspace: Workspace, amount: int) -> None:
    ana = CustomerFactory.create(workspace=workspace)
    with pytest.raises(IntegrityError, match="transfer_positive"), transaction.atomic():
        post(workspace=workspace, movements=[_movement(ana.pk, amount_minor=amount)], at=AT)


def test_a_transfer_needs_two_accounts(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError, match="transfer_two_accounts"), transaction.atomic():
        post(workspace=workspace, movements=[_movement(0, credit=expense("EUR"))], at=AT)


def test_many_movements_go_in_portions(workspace: Workspace) -> None:
    people = CustomerFactory.create_batch(3, workspace=workspace)
    movements = [
        _movement(people[index % 3].pk, key=f"test:{index}", amount_minor=1) for index in range(1203)
    ]
    assert post(workspace=workspace, movements=movements, at=AT) == 1203
    assert balances(workspace) == {"expense EUR": -1203, "pending EUR": 1203}
    assert queries.balance(people[0], "pending", "EUR") == 401


def test_a_wallet_is_one_account_however_often_it_is_locked(workspace: Workspace) -> None:
    ana = CustomerFactory.create(workspace=workspace)
    lock_wallets(workspace=workspace, owners=[])
    lock_wallets(workspace=workspace, owners=[(ana.pk, "EUR"), (ana.pk, "EUR"), (ana.pk, "PTS")])
    lock_wallets(workspace=workspace, owners=[(ana.pk, "EUR")])
    assert [(a.kind, a.unit) for a in queries.balances_of(ana)] == [("pending", "EUR"), ("pending", "PTS")]


def test_the_application_cannot_rewrite_the_ledger(workspace: Workspace) -> None:
    settled(participant(program(workspace)))
    for sql in ("UPDATE rewards_transfer SET amount_minor = 1", "DELETE FROM rewards_transfer"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"{sql} WHERE workspace_id = %s", [workspace.pk])


def test_a_statement_reads_from_the_persons_side(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    reward = approved(ana)
    lines = queries.statement(ana.customer)
    assert [(line.account, line.change_minor, line.memo) for line in lines] == [
        ("payable", 1000, "Approved"),
        ("pending", -1000, "Approved"),
        ("pending", 1000, f"Promised for {reward.conversion.public_id}"),
    ]
    assert {line.reward for line in lines} == {reward.public_id}
    assert {(line.unit, line.payout) for line in lines} == {("EUR", "")}
    batch = builders.paid_batch(workspace)
    latest = queries.statement(ana.customer)[0]
    assert (latest.account, latest.change_minor) == ("paid_out", 1000)
    assert latest.payout == queries.payouts_of(batch).get().public_id


def test_account_pages_see_both_sides(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    approved(ana)
    kinds = [(a.kind, a.balance_minor) for a in queries.accounts(workspace)]
    assert kinds == [("expense", -1000), ("payable", 1000), ("pending", 0)]
    pending = Account.objects.for_workspace(workspace).get(kind="pending")
    assert [t.memo for t in queries.transfers_through(pending)][:1] == ["Approved"]
    assert queries.transfers_through(pending).count() == 2


def test_sums_by_unit(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    settled(
        participant(program(workspace, builders.rule(kind="points", amount={"type": "fixed", "minor": 5})))
    )
    found = [
        (s.unit, s.accounts, s.transfers, s.moved_minor, s.balance_minor) for s in queries.sums(workspace)
    ]
    assert found == [("EUR", 3, 2, 2000, 0), ("PTS", 2, 1, 5, 0)]


def test_differences_name_what_is_wrong(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    reward, gone = approved(ana), settled(ana)
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    payout = queries.payouts_of(batch).get()
    assert queries.differences(workspace) == []

    Account.objects.for_workspace(workspace).filter(kind="payable").update(balance_minor=7)
    Reward.objects.for_workspace(workspace).filter(pk=reward.pk).update(amount_minor=1001)
    Reward.objects.for_workspace(workspace).filter(pk=gone.pk).update(status="denied")
    Payout.objects.for_workspace(workspace).update(status="paid")
    PayoutBatch.objects.for_workspace(workspace).update(total_minor=999, payout_count=2)

    payable = Account.objects.for_workspace(workspace).get(kind="payable")
    assert [str(found) for found in queries.differences(workspace)] == [
        "sum of all balances: expected 0 EUR, found 7",
        f"account {payable.public_id} (payable): expected 0 EUR, found 7",
        f"reward {reward.public_id} (approved) in expense: expected -1001 EUR, found -1000",
        f"reward {reward.public_id} (approved) in payable: expected 1001 EUR, found 1000",
        f"reward {gone.public_id} (denied) in expense: expected 0 EUR, found -1000",
        f"reward {gone.public_id} (denied) in pending: expected 0 EUR, found 1000",
        f"payout {payout.public_id} (paid) in in_transit: expected 0 EUR, found 1000",
        f"payout {payout.public_id} (paid) in paid_out: expected 1000 EUR, found 0",
        f"batch {batch.public_id}: expected 1000 EUR, found 999",
        f"batch {batch.public_id} paid: expected 1000 EUR, found 0",
        f"batch {batch.public_id}: expected 1 payouts, found 2",
    ]


def test_a_transfer_between_units_is_found(workspace: Workspace) -> None:
    ana = CustomerFactory.create(workspace=workspace)
    movement = _movement(ana.pk, credit=Place("points", "PTS", ana.pk))
    post(workspace=workspace, movements=[movement], at=AT)
    subjects = [found.subject.split(" ")[0] for found in queries.differences(workspace)]
    assert subjects == ["sum", "sum", "transfer"]


def test_the_command_says_ok_or_exits_with_the_differences(db: None) -> None:
    with pytest.raises(CommandError, match="There is no workspace yet"):
        call_command("verify_ledger")
    acme = make_workspace(UserFactory.create(email="olga@acme.example"))
    with tenant(acme):
        settled(participant(program(acme)))
    out, err = StringIO(), StringIO()
    call_command("verify_ledger", "--workspace", "acme", stdout=out, stderr=err)
    *told, summary = out.getvalue().splitlines()
    assert [line.partition(" (")[0] for line in told] == [
        "acme units: 1 checked, 0 differ",
        "acme mixed_units: 1 checked, 0 differ",
        "acme repeated: 1 checked, 0 differ",
        "acme balances: 2 checked, 0 differ",
        "acme rewards: 1 checked, 0 differ",
        "acme spent: 0 checked, 0 differ",
        "acme redemptions: 0 checked, 0 differ",
        "acme credited: 0 checked, 0 differ",
        "acme redemption_parts: 0 checked, 0 differ",
        "acme adjustments: 0 checked, 0 differ",
        "acme payouts: 0 checked, 0 differ",
        "acme batches: 0 checked, 0 differ",
        "acme allowances: 0 checked, 0 differ",
        "acme reservations: 0 checked, 0 differ",
    ]
    assert summary == "acme EUR: OK, 1 transfers between 2 accounts, moved 1000, balances sum to 0"
    call_command("verify_ledger", stdout=out, stderr=err)
    assert err.getvalue() == ""
    with tenant(acme):
        Account.objects.for_workspace(acme).filter(kind="pending").update(balance_minor=999)
    with pytest.raises(CommandError, match="2 differences in the books"):
        call_command("verify_ledger", "--workspace", "acme", stdout=out, stderr=err)
    assert "sum of all balances: expected 0 EUR, found -1" in err.getvalue()
    with pytest.raises(CommandError, match="There is no workspace nowhere"):
        call_command("verify_ledger", "--workspace", "nowhere")
