"""Each check of the books passes on what is right, and names what is not."""

from __future__ import annotations

import pytest
from django.db.models import F
from django.test import Client

from accounts.models import User, Workspace
from accounts.services import SYSTEM, Actor
from analytics.queries import standing
from core.models import Event
from rewards import queries, services, tasks
from rewards.models import (
    Account,
    Adjustment,
    Allowance,
    BooksCheck,
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
from tests.rewards.builders import approved, paid_batch, participant, person, program, rule
from tests.rewards.test_api import Api
from tests.rewards.test_views import member

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


def test_the_fee_of_a_paid_payout_is_booked_whole(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    paid_batch(workspace)
    payout = Payout.objects.for_workspace(workspace).get()
    Payout.objects.for_workspace(workspace).update(fee_minor=35)
    name = f"payout {payout.public_id} (paid)"
    assert _found(workspace) == [
        f"{name} in fees: expected -35 EUR, found 0",
        f"{name} in paid_out: expected 1035 EUR, found 1000",
    ]
    accounts = Account.objects.for_workspace(workspace)
    fees = accounts.create(workspace=workspace, kind="fees", unit="EUR", balance_minor=-34)
    paid_out = accounts.create(workspace=workspace, kind="paid_out", unit="EUR", balance_minor=34)
    Transfer.objects.create(
        workspace=workspace,
        key="fee",
        debit=fees,
        credit=paid_out,
        unit="EUR",
        amount_minor=34,
        payout=payout,
        memo="Fee",
        at=AT,
    )
    assert _found(workspace) == [
        f"{name} in fees: expected -35 EUR, found -34",
        f"{name} in paid_out: expected 1035 EUR, found 1034",
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


def _run_now(workspace: Workspace) -> BooksCheck:
    services.request_check(workspace=workspace, actor=person(), at=AT)
    assert services.run_due_checks() == 1
    return BooksCheck.objects.for_workspace(workspace).latest("pk")


def test_a_run_is_asked_for_once_and_stored_check_by_check(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    first = services.request_check(workspace=workspace, actor=person(), at=AT)
    assert services.request_check(workspace=workspace, actor=SYSTEM, at=AT).pk == first.pk
    assert queries.books_report(workspace).running == first
    assert services.run_due_checks() == 1
    assert services.run_due_checks() == 0
    report = queries.books_report(workspace)
    assert (report.running, report.failed) == (None, None)
    assert report.last is not None
    assert (report.last.state, report.last.differing, report.last.requested_by) == (
        "done",
        0,
        "olga@acme.example",
    )
    assert {each.key: each.checked for each in report.checks if each.checked} == {
        "units": 1,
        "mixed_units": 2,
        "repeated": 2,
        "balances": 3,
        "rewards": 1,
    }
    assert not Event.objects.for_workspace(workspace).filter(kind="books.differ").exists()


def test_a_run_that_finds_something_tells_everybody_until_the_next_one(workspace: Workspace) -> None:
    approved(participant(program(workspace)))
    Account.objects.for_workspace(workspace).filter(kind="payable").update(balance_minor=7)
    run = _run_now(workspace)
    assert run.differing == 2
    event = Event.objects.for_workspace(workspace).get(kind="books.differ")
    assert event.data == {"check": run.public_id, "differences": 2}
    [matter] = [each for each in standing(workspace, at=AT).matters if each.code == "books_differ"]
    assert (matter.count, matter.url_name) == (1, "books")
    Account.objects.for_workspace(workspace).filter(kind="payable").update(balance_minor=1000)
    _run_now(workspace)
    assert [each for each in standing(workspace, at=AT).matters if each.code == "books_differ"] == []


def test_every_night_every_workspace_is_checked(workspace: Workspace) -> None:
    # The sandbox has books of its own.
    assert tasks.check_all_books() == 2
    assert tasks.check_books() == 2
    assert BooksCheck.objects.for_workspace(workspace).get().requested_by == SYSTEM.label


def test_the_page_says_what_differs_and_where(workspace: Workspace, owner: User) -> None:
    reward = approved(participant(program(workspace)))
    olga = Client()
    olga.force_login(owner)
    address = f"/w/{workspace.slug}/books/"
    assert "They have not been run yet" in olga.get(address).content.decode()
    assert olga.post(f"{address}check/").status_code == 302
    assert "0 of 14 checks are done" in olga.get(address).content.decode()
    services.run_due_checks()
    assert "The books are right" in olga.get(address).content.decode()
    Reward.objects.for_workspace(workspace).update(amount_minor=1001)
    _run_now(workspace)
    shown = olga.get(address).content.decode()
    assert "The books do not add up: 2 differences" in shown
    assert f'href="/w/{workspace.slug}/rewards/{reward.public_id}/"' in shown
    assert "1 checked, 2 differ" in shown
    reader = member(workspace, "read_only", "rita@acme.example")
    assert reader.get(address).status_code == 200
    assert reader.post(f"{address}check/").status_code == 403


def test_the_api_gives_the_same(workspace: Workspace, client: Client, owner: User) -> None:
    approved(participant(program(workspace)))
    maker = Actor(kind="user", label=owner.email, user=owner)
    api = Api(workspace, client, ("read", "payouts"), maker)
    asked = api.post("books")
    assert (asked.status_code, asked.json()["state"]) == (202, "pending")
    assert api.get("books").json()["running"]["id"] == asked.json()["id"]
    Account.objects.for_workspace(workspace).filter(kind="payable").update(balance_minor=7)
    services.run_due_checks()
    found = api.get("books").json()
    assert found["units"] == [
        {"unit": "EUR", "accounts": 3, "transfers": 2, "moved_minor": 2000, "balance_minor": -993}
    ]
    assert (found["running"], found["last"]["differing"]) == (None, 2)
    [balances] = [each for each in found["checks"] if each["key"] == "balances"]
    account = Account.objects.for_workspace(workspace).get(kind="payable")
    assert balances["differences"] == [
        {
            "sentence": f"account {account.public_id} (payable): expected 1000 EUR, found 7",
            "kind": "account",
            "id": account.public_id,
            "unit": "EUR",
            "expected_minor": 1000,
            "found_minor": 7,
        }
    ]
