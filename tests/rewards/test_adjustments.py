"""Money given or taken by hand: within the limit, by two people above it, once, and never below zero."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User, Workspace
from accounts.services import Actor
from analytics.queries.attention import standing
from core.errors import Conflict, Forbidden, Invalid
from core.models import Event
from core.tenancy import tenant
from programs.models import Customer
from rewards import queries, services
from rewards.models import Adjustment, MoneySettings, Transfer
from tests.conftest import make_workspace
from tests.factories import AT, CustomerFactory, UserFactory
from tests.rewards.builders import person
from tests.rewards.test_races import at_once
from tests.rewards.test_settlement import balances


@pytest.fixture
def ana(workspace: Workspace) -> Customer:
    return CustomerFactory.create(workspace=workspace, name="Ana Kos")


def adjust(customer: Customer, amount_minor: int, **changes: Any) -> Adjustment:
    wanted = {
        "place": "payable",
        "unit": "EUR",
        "reason": "Sorry for the wait",
        "actor": person(),
        "key": f"key-{Adjustment.objects.for_workspace(customer.workspace_id).count()}",
        "at": AT,
        **changes,
    }
    return services.make_adjustment(customer=customer, amount_minor=amount_minor, **wanted)


def kinds(workspace: Workspace) -> list[str]:
    rows = Event.objects.for_workspace(workspace).filter(kind__startswith="adjustment.")
    return list(rows.order_by("pk").values_list("kind", flat=True))


def test_money_is_given_and_taken_at_once_within_the_limit(workspace: Workspace, ana: Customer) -> None:
    given = adjust(ana, 10_000)
    assert (given.status, given.created_by_label) == ("applied", "olga@acme.example")
    taken = adjust(ana, -2_500)
    assert balances(workspace) == {"adjusted EUR": -7_500, "payable EUR": 7_500}
    moved = Transfer.objects.for_workspace(workspace).order_by("pk")
    assert [
        (each.key, each.debit.kind, each.credit.kind, each.amount_minor, each.memo) for each in moved
    ] == [
        (f"adjustment:{given.public_id}", "adjusted", "payable", 10_000, "By hand: Sorry for the wait"),
        (f"adjustment:{taken.public_id}", "payable", "adjusted", 2_500, "By hand: Sorry for the wait"),
    ]
    assert kinds(workspace) == ["adjustment.applied", "adjustment.applied"]
    entry = AuditEntry.objects.for_workspace(workspace).get(subject=given.public_id)
    assert (entry.action, entry.reason) == ("adjustment.applied", "Sorry for the wait")
    assert entry.after == {
        "status": "applied",
        "customer": ana.public_id,
        "place": "payable",
        "amount": "€100.00",
    }
    assert queries.differences(workspace) == []


def test_the_same_key_adjusts_once(workspace: Workspace, ana: Customer) -> None:
    first, again = adjust(ana, 500, key="k"), adjust(ana, 500, key="k")
    assert first.pk == again.pk
    assert balances(workspace) == {"adjusted EUR": -500, "payable EUR": 500}
    with pytest.raises(Conflict) as other:
        adjust(ana, 501, key="k")
    assert other.value.code == "key_reused"


def test_above_the_limit_another_person_decides(workspace: Workspace, ana: Customer) -> None:
    maker, other = person(), person("fred@acme.example")
    waiting = adjust(ana, 10_001, actor=maker)
    assert (waiting.status, balances(workspace), kinds(workspace)) == ("waiting", {}, ["adjustment.waiting"])
    with pytest.raises(Forbidden) as same:
        services.approve_adjustment(adjustment=waiting, actor=maker, at=AT)
    with pytest.raises(Forbidden) as same_no:
        services.decline_adjustment(adjustment=waiting, reason="No", actor=maker, at=AT)
    with pytest.raises(Forbidden) as robot:
        services.approve_adjustment(
            adjustment=waiting, actor=Actor("api_key", "Robot", user=other.user), at=AT
        )
    codes = (same.value.code, same_no.value.code, robot.value.code)
    assert codes == ("second_person", "second_person", "needs_person")
    approved = services.approve_adjustment(adjustment=waiting, actor=other, at=AT)
    assert (approved.status, approved.decided_by, approved.decided_at) == ("applied", other.user, AT)
    assert balances(workspace) == {"adjusted EUR": -10_001, "payable EUR": 10_001}
    with pytest.raises(Conflict) as again:
        services.approve_adjustment(adjustment=waiting, actor=other, at=AT)
    assert again.value.code == "not_waiting"
    assert queries.differences(workspace) == []


def test_what_is_declined_moves_nothing(workspace: Workspace, ana: Customer) -> None:
    waiting = adjust(ana, -20_000)
    with pytest.raises(Invalid) as silent:
        services.decline_adjustment(adjustment=waiting, reason=" ", actor=person("fred@acme.example"), at=AT)
    assert silent.value.param == "reason"
    declined = services.decline_adjustment(
        adjustment=waiting, reason="Too much", actor=person("fred@acme.example"), at=AT
    )
    assert (declined.status, declined.note, balances(workspace)) == ("declined", "Too much", {})
    assert kinds(workspace) == ["adjustment.waiting"]


def test_the_table_itself_refuses_the_same_person(workspace: Workspace, ana: Customer) -> None:
    waiting = adjust(ana, 20_000)
    rows = Adjustment.objects.for_workspace(workspace).filter(pk=waiting.pk)
    with pytest.raises(IntegrityError, match="adjustment_second_person"), transaction.atomic():
        rows.update(decided_by=waiting.created_by)


def test_the_workspace_sets_the_limit(workspace: Workspace, ana: Customer) -> None:
    MoneySettings.objects.create(workspace=workspace, adjustment_limit_minor=499)
    assert [adjust(ana, amount).status for amount in (499, -499, 500, -500)] == [
        "applied",
        "applied",
        "waiting",
        "waiting",
    ]


def test_cash_may_go_below_zero_and_points_and_credit_may_not(workspace: Workspace, ana: Customer) -> None:
    adjust(ana, -300)
    assert balances(workspace) == {"adjusted EUR": 300, "payable EUR": -300}
    [row] = queries.payable(workspace, "EUR")
    assert row.left_out == "negative_balance"
    adjust(ana, 50, place="points", unit="PTS")
    with pytest.raises(Conflict) as points:
        adjust(ana, -51, place="points", unit="PTS")
    assert (points.value.code, points.value.param) == ("below_zero", "amount_minor")
    assert points.value.message == "Only 50 points are there to take."
    with pytest.raises(Conflict) as credit:
        adjust(ana, -1, place="credit")
    assert credit.value.message == "Only €0.00 are there to take."
    # A large one is refused when it is made, and again when meanwhile too little is left.
    adjust(ana, 9_000, place="credit")
    adjust(ana, 9_000, place="credit")
    waiting = adjust(ana, -15_000, place="credit")
    adjust(ana, -5_000, place="credit")
    with pytest.raises(Conflict) as late:
        services.approve_adjustment(adjustment=waiting, actor=person("fred@acme.example"), at=AT)
    assert late.value.details == {"balance_minor": 13_000}
    assert queries.differences(workspace) == []


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"place": "expense"}, "place"),
        ({"unit": "PTS"}, "unit"),
        ({"place": "points"}, "unit"),
        ({"unit": "ABC"}, "unit"),
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": 10**17}, "amount_minor"),
        ({"reason": ""}, "reason"),
        ({"reason": "r" * 201}, "reason"),
        ({"key": ""}, "key"),
    ],
)
def test_what_is_wrong_is_named(
    workspace: Workspace, ana: Customer, changes: dict[str, Any], param: str
) -> None:
    with pytest.raises(Invalid) as refused:
        adjust(ana, **{"amount_minor": 100, **changes})
    assert refused.value.param == param
    assert not Adjustment.objects.for_workspace(workspace).exists()


def test_what_waits_asks_for_attention(workspace: Workspace, ana: Customer) -> None:
    adjust(ana, 20_000)
    [matter] = [each for each in standing(workspace, at=AT).matters if each.code == "adjustments_waiting"]
    assert (matter.label, matter.count, matter.url_name, matter.query) == (
        "adjustment waiting for a second person",
        1,
        "adjustment_list",
        "status=waiting",
    )


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_move_the_money_once(transactional_db: None) -> None:
    shared = make_workspace(UserFactory.create(email="olga@acme.example"))
    with tenant(shared):
        ana = CustomerFactory.create(workspace=shared)
        waiting = adjust(ana, 20_000)
        fred, gina = person("fred@acme.example"), person("gina@acme.example")

    def approve(actor: Actor) -> Any:
        return lambda: services.approve_adjustment(adjustment=waiting, actor=actor, at=AT)

    ended = at_once(shared, approve(fred), approve(gina), approve(fred))
    assert Counter(ended) == {"done": 1, "not_waiting": 2}
    with tenant(shared):
        assert Transfer.objects.for_workspace(shared).count() == 1
        assert balances(shared) == {"adjusted EUR": -20_000, "payable EUR": 20_000}


@pytest.mark.django_db(transaction=True)
def test_two_who_take_points_at_once_do_not_overdraw(transactional_db: None) -> None:
    shared = make_workspace(UserFactory.create(email="olga@acme.example"))
    with tenant(shared):
        ana, olga = CustomerFactory.create(workspace=shared), person()
        adjust(ana, 100, place="points", unit="PTS")

    def take(key: str) -> Any:
        return lambda: adjust(ana, -60, place="points", unit="PTS", key=key, actor=olga)

    assert at_once(shared, take("a"), take("b"), take("b")) in (
        ["below_zero", "done", "done"],
        ["below_zero", "below_zero", "done"],
    )
    with tenant(shared):
        assert queries.balance(ana, "points", "PTS") == 40


@pytest.fixture
def olga(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def page(workspace: Workspace, name: str, *ids: str) -> str:
    return reverse(name, args=[workspace.slug, *ids])


def test_the_console_adjusts_and_a_second_person_decides(
    workspace: Workspace, olga: Client, ana: Customer
) -> None:
    new = page(workspace, "adjustment_new", ana.public_id)
    form = olga.get(new).context["form"]
    given = {
        "direction": "give",
        "place": "payable",
        "amount": "250.00",
        "unit": "EUR",
        "reason": "Contest",
        "key": form.initial["key"],
    }
    for bad, field in (({"amount": "x"}, "amount"), ({"amount": "0"}, "amount"), ({"unit": "ABC"}, "unit")):
        answer = olga.post(new, {**given, **bad})
        assert (answer.status_code, list(answer.context["form"].errors)) == (400, [field])
    # Pressed twice, it is one adjustment.
    made, again = olga.post(new, given), olga.post(new, given)
    assert made["Location"] == again["Location"]
    row = queries.adjustments(workspace).get()
    assert (row.amount_minor, row.status) == (25_000, "waiting")
    assert "You made this adjustment" in olga.get(made["Location"]).content.decode()
    mine = olga.post(page(workspace, "adjustment_approve", row.public_id))
    assert mine.status_code == 403
    taken = olga.post(new, {**given, "direction": "take", "place": "points", "amount": "5", "key": "another"})
    assert list(taken.context["form"].errors) == ["amount"]
    shown = olga.get(page(workspace, "adjustment_list"), {"status": "waiting"}).content.decode()
    assert row.public_id in shown
    file = olga.get(page(workspace, "adjustment_list"), {"export": "csv"})
    assert row.public_id in b"".join(file).decode()


def test_another_persons_console_declines(workspace: Workspace, olga: Client, ana: Customer) -> None:
    waiting = adjust(ana, 20_000, actor=person("fred@acme.example"))
    decline = page(workspace, "adjustment_decline", waiting.public_id)
    assert olga.post(decline, {"reason": ""}).status_code == 400
    assert olga.post(decline, {"reason": "No"}).status_code == 302
    waiting.refresh_from_db()
    assert waiting.status == "declined"
    second = adjust(ana, 20_000, actor=person("fred@acme.example"), key="second")
    approve = page(workspace, "adjustment_approve", second.public_id)
    assert olga.post(approve).status_code == 302
    assert olga.post(approve).status_code == 409
    detail = olga.get(page(workspace, "adjustment_detail", second.public_id)).content.decode()
    assert "In the ledger" in detail
