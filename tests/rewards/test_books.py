"""Each check of the books passes on what is right, and names what is not."""

from __future__ import annotations

import pytest
from django.db.models import F

from accounts.models import Workspace
from rewards import queries
from rewards.models import (
    Account,
    Adjustment,
    Allowance,
    Payout,
    Redemption,
    RedemptionPart,
    Reservation,
    Reward,
    Transfer,
)
from rewards.queries import books
from rewards.services.ledger import Movement, Place, expense, post
from tests.factories import AT, CustomerFactory
from tests.rewards.builders import approved, paid_batch, participant, program, rule

pytestmark = pytest.mark.django_db


def _found(workspace: Workspace) -> list[str]:
    return [str(each) for each in queries.differences(workspace)]


def _points(workspace: Workspace, amount: int = 100) -> Reward:
    terms = rule(kind="points", amount={"type": "fixed", "minor": amount})
    return approved(participant(program(workspace, terms)))


def _redemption(reward: Reward, amount: int, **changes: object) -> Redemption:
    redemption = Redemption.objects.create(
        workspace=reward.workspace,
        key=f"key-{amount}",
        customer=reward.customer,
        unit=reward.unit,
        amount_minor=amount,
        created_at=AT,
        **changes,
    )
    RedemptionPart.objects.create(
        workspace=reward.workspace, redemption=redemption, reward=reward, amount_minor=amount
    )
    return redemption


def test_a_redemption_without_its_transfers_is_found(workspace: Workspace) -> None:
    reward = _points(workspace)
    redemption = _redemption(reward, 40)
    assert _found(workspace) == [
        f"spent of reward {reward.public_id}: expected 40 PTS, found 0",
        f"redemption {redemption.public_id} (done) in points: expected -40 PTS, found 0",
        f"redemption {redemption.public_id} (done) in redeemed: expected 40 PTS, found 0",
    ]
    Reward.objects.for_workspace(workspace).update(redeemed_minor=40)
    Redemption.objects.for_workspace(workspace).update(amount_minor=39)
    assert f"parts of redemption {redemption.public_id}: expected 39 PTS, found 40" in _found(workspace)
    Redemption.objects.for_workspace(workspace).update(status="cancelled", amount_minor=40)
    assert _found(workspace) == [f"spent of reward {reward.public_id}: expected 0 PTS, found 40"]


def test_a_redemption_with_its_transfers_is_right(workspace: Workspace) -> None:
    reward = _points(workspace)
    redemption = _redemption(reward, 40)
    Reward.objects.for_workspace(workspace).update(redeemed_minor=40)
    _transfer(workspace, reward, redemption=redemption, amount=40, credit=Account.Kind.REDEEMED)
    assert _found(workspace) == []


def _transfer(workspace: Workspace, purse_of: Reward, *, amount: int, credit: str, **about: object) -> None:
    """Write a transfer out of a reward's purse, with both balances, as `post` does."""
    accounts = Account.objects.for_workspace(workspace)
    purse = accounts.get(kind=purse_of.destination_kind, customer=purse_of.customer)
    other, _ = accounts.get_or_create(
        workspace=workspace, kind=credit, unit=purse_of.unit, customer=purse_of.customer
    )
    Transfer.objects.create(
        workspace=workspace,
        key=f"test:{credit}",
        debit=purse,
        credit=other,
        unit=purse_of.unit,
        amount_minor=amount,
        memo="Test",
        at=AT,
        **about,
    )
    accounts.filter(pk=purse.pk).update(balance_minor=F("balance_minor") - amount)
    accounts.filter(pk=other.pk).update(balance_minor=F("balance_minor") + amount)


def test_what_lapsed_of_a_reward_stands_as_expired(workspace: Workspace) -> None:
    reward = _points(workspace)
    _transfer(workspace, reward, reward=reward, amount=30, credit=Account.Kind.EXPIRED)
    assert _found(workspace) == [
        f"reward {reward.public_id} (issued) in expired: expected 0 PTS, found 30",
        f"reward {reward.public_id} (issued) in points: expected 100 PTS, found 70",
    ]
    Reward.objects.for_workspace(workspace).update(expired_minor=30)
    assert _found(workspace) == []


def test_an_adjustment_moves_what_was_applied(workspace: Workspace) -> None:
    reward = _points(workspace)
    adjustment = Adjustment.objects.create(
        workspace=workspace,
        customer=reward.customer,
        place=Adjustment.Place.POINTS,
        unit="PTS",
        amount_minor=-25,
        reason="Counted twice",
        status=Adjustment.Status.APPLIED,
        created_by_label="olga",
        created_at=AT,
    )
    assert _found(workspace) == [
        f"adjustment {adjustment.public_id} (applied) in adjusted: expected 25 PTS, found 0",
        f"adjustment {adjustment.public_id} (applied) in points: expected -25 PTS, found 0",
    ]
    _transfer(workspace, reward, adjustment=adjustment, amount=25, credit=Account.Kind.ADJUSTED)
    assert _found(workspace) == []
    Adjustment.objects.for_workspace(workspace).update(status="waiting")
    assert len(_found(workspace)) == 2


def test_a_fee_is_booked_whole_or_not_at_all(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    paid_batch(workspace)
    payout = Payout.objects.for_workspace(workspace).get()
    Payout.objects.for_workspace(workspace).update(fee_minor=35)
    assert _found(workspace) == []
    accounts = Account.objects.for_workspace(workspace)
    fees = accounts.create(workspace=workspace, kind="fees", unit="EUR", balance_minor=34)
    charged = accounts.get(kind="expense", unit="EUR")
    Transfer.objects.create(
        workspace=workspace,
        key="fee",
        debit=charged,
        credit=fees,
        unit="EUR",
        amount_minor=34,
        payout=payout,
        memo="Fee",
        at=AT,
    )
    accounts.filter(pk=charged.pk).update(balance_minor=F("balance_minor") - 34)
    assert _found(workspace) == [
        f"payout {payout.public_id} (paid) in expense: expected -35 EUR, found -34",
        f"payout {payout.public_id} (paid) in fees: expected 35 EUR, found 34",
    ]
    Payout.objects.for_workspace(workspace).update(fee_minor=34)
    assert _found(workspace) == []


def test_a_sent_payout_is_in_transit(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    paid_batch(workspace)
    payout = Payout.objects.for_workspace(workspace).get()
    Payout.objects.for_workspace(workspace).update(status="sent")
    subject = f"payout {payout.public_id} (sent)"
    found = queries.differences(workspace)
    assert [str(each) for each in found[:2]] == [
        f"{subject} in in_transit: expected 1000 EUR, found 0",
        f"{subject} in paid_out: expected 0 EUR, found 1000",
    ]
    assert (found[0].kind, found[0].public_id) == ("payout", payout.public_id)
    assert found[0].under == payout.batch.public_id


def test_an_allowance_is_the_sum_of_its_reservations(workspace: Workspace) -> None:
    reward = approved(participant(program(workspace)))
    allowance = Allowance.objects.create(
        workspace=workspace, program=reward.program, cap_key="month", used_minor=1000, used_count=1
    )
    reserved = Reservation.objects.create(
        workspace=workspace, allowance=allowance, reward=reward, amount_minor=1000
    )
    assert _found(workspace) == []
    Reservation.objects.for_workspace(workspace).filter(pk=reserved.pk).update(amount_minor=1001, counted=0)
    assert _found(workspace) == [
        f"used of month ({allowance.public_id}): expected 1001 minor units, found 1000",
        f"rewards under month ({allowance.public_id}): expected 0 rewards, found 1",
        f"reserved for reward {reward.public_id}: expected 1000 EUR, found 1001",
    ]


def test_many_differences_are_counted_and_the_first_are_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        approved(participant(program(workspace)))
    Account.objects.for_workspace(workspace).filter(kind="payable").update(balance_minor=1)
    monkeypatch.setattr(books, "SHOWN", 2)
    told: list[str] = []
    checks = {
        each.key: each for each in books.check_books(workspace, each=lambda done: told.append(done.key))
    }
    assert told == list(checks) == [check.key for check in books.CHECKS]
    assert (checks["balances"].checked, checks["balances"].differing) == (7, 3)
    assert len(checks["balances"].shown) == 2
    assert checks["rewards"].differing == 0


def test_the_books_of_nobody_are_right(workspace: Workspace) -> None:
    assert {each.checked for each in books.check_books(workspace)} == {0}
    ana = CustomerFactory.create(workspace=workspace)
    post(
        workspace=workspace,
        movements=[Movement("k", expense("EUR"), Place("pending", "EUR", ana.pk), 5, "Test")],
        at=AT,
    )
    assert _found(workspace) == []
