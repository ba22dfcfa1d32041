"""Points and store credit are spent, given back and lapse to the cent, and never fall below zero."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Workspace
from core.errors import Conflict, Invalid
from core.models import Event
from core.tenancy import tenant
from rewards import queries, services, tasks
from rewards.models import CatalogueItem, Fulfilment, Redemption, RedemptionPart, Reward
from rewards.services import ItemFacts
from tests.factories import AT
from tests.rewards import builders
from tests.rewards.builders import approved, conversion, participant, person, program, rule
from tests.rewards.test_races import at_once, shared
from tests.rewards.test_settlement import balances, events
from tracking.models import Conversion

__all__ = ["shared"]

DAY = timedelta(days=1)
MUG = ItemFacts(name="Mug", kind="product", points=60, details={"sku": "MUG-1"}, stock=1)


def item(workspace: Workspace, facts: ItemFacts = MUG) -> CatalogueItem:
    return services.create_item(workspace=workspace, facts=facts, actor=person(), at=AT)


def saver(workspace: Workspace, *points: int, kind: str = "points", **terms: Any) -> Any:
    """Return a participant with a reward for each number; the later ones expire earlier."""
    rules = [
        rule(
            key=f"r{index}",
            kind=kind,
            amount={"type": "fixed", "minor": minor},
            expiry_days=100 - index if len(points) > 1 else terms.pop("expiry_days", None),
        )
        for index, minor in enumerate(points)
    ]
    ana = participant(program(workspace, *rules, **terms))
    for reward in services.settle_conversion(conversion=conversion(ana), at=AT):
        services.approve_reward(reward=reward, actor=person(), at=AT)
    return ana


def spent(workspace: Workspace) -> list[tuple[str, int, str]]:
    rows = Reward.objects.for_workspace(workspace).order_by("rule_key")
    return [(row.rule_key, row.redeemed_minor, row.status) for row in rows]


def test_points_that_expire_first_are_spent_first(workspace: Workspace) -> None:
    ana = saver(workspace, 50, 40, 30)
    redemption = services.redeem_points(customer=ana.customer, item=item(workspace), key="k1", at=AT)
    assert spent(workspace) == [("r0", 0, "issued"), ("r1", 30, "issued"), ("r2", 30, "redeemed")]
    parts = RedemptionPart.objects.for_workspace(workspace).order_by("pk")
    assert [part.amount_minor for part in parts] == [30, 30]
    row = Fulfilment.objects.for_workspace(workspace).get(redemption=redemption)
    assert (row.status, row.kind, row.details) == ("todo", "product", {"sku": "MUG-1", "name": "Mug"})
    assert balances(workspace) == {"expense PTS": -120, "points PTS": 60, "redeemed PTS": 60}
    told = Event.objects.for_workspace(workspace).get(kind="redemption.created").data
    assert (told["redemption"], told["amount_minor"], told["unit"]) == (redemption.public_id, 60, "PTS")


def test_the_same_key_spends_once_and_another_wish_under_it_is_refused(workspace: Workspace) -> None:
    ana, mug = saver(workspace, 200), item(workspace)
    first = services.redeem_points(customer=ana.customer, item=mug, key="k1", at=AT)
    assert services.redeem_points(customer=ana.customer, item=mug, key="k1", at=AT).pk == first.pk
    with pytest.raises(Conflict) as reused:
        services.redeem_points(
            customer=ana.customer,
            item=item(workspace, ItemFacts(name="Tea", kind="custom", points=1)),
            key="k1",
            at=AT,
        )
    assert reused.value.code == "key_reused"
    assert balances(workspace)["points PTS"] == 140


@pytest.mark.parametrize(
    ("points", "terms", "stock", "code"),
    [
        (59, {}, 1, "too_few_points"),
        (100, {"redemption_minimum": 61}, 1, "below_minimum"),
        (100, {}, 0, "sold_out"),
    ],
)
def test_what_cannot_be_redeemed_takes_nothing(
    workspace: Workspace, points: int, terms: dict[str, Any], stock: int, code: str
) -> None:
    ana, mug = saver(workspace, points, **terms), item(workspace)
    CatalogueItem.objects.for_workspace(workspace).update(stock=stock)
    with pytest.raises(Conflict) as refused:
        services.redeem_points(customer=ana.customer, item=mug, key="k1", at=AT)
    assert refused.value.code == code
    mug.refresh_from_db()
    assert mug.stock == stock
    assert not Redemption.objects.for_workspace(workspace).exists()
    assert balances(workspace) == {"expense PTS": -points, "points PTS": points}


def test_an_archived_item_is_not_offered(workspace: Workspace) -> None:
    ana, mug = saver(workspace, 100), item(workspace)
    services.archive_item(item=mug, archived=True, actor=person(), at=AT)
    with pytest.raises(Conflict) as refused:
        services.redeem_points(customer=ana.customer, item=mug, key="k1", at=AT)
    assert refused.value.code == "not_offered"
    services.archive_item(item=mug, archived=False, actor=person(), at=AT)
    services.redeem_points(customer=ana.customer, item=mug, key="k1", at=AT)


def test_points_become_store_credit_at_once_and_back(workspace: Workspace) -> None:
    ana = saver(workspace, 500)
    voucher = item(
        workspace, ItemFacts(name="Voucher", kind="credit", points=400, value_minor=500, currency="EUR")
    )
    redemption = services.redeem_points(customer=ana.customer, item=voucher, key="k1", at=AT)
    assert balances(workspace) == {
        "expense PTS": -500,
        "points PTS": 100,
        "redeemed PTS": 400,
        "expense EUR": -500,
        "credit EUR": 500,
    }
    for _ in range(2):
        services.cancel_redemption(redemption=redemption, note="Mistake", actor=person(), at=AT)
    assert balances(workspace) == {"expense PTS": -500, "points PTS": 500}
    assert spent(workspace) == [("r0", 0, "issued")]
    assert events(workspace).count("redemption.cancelled") == 1


def test_credit_that_was_spent_is_not_taken_back(workspace: Workspace) -> None:
    ana = saver(workspace, 500)
    voucher = item(
        workspace, ItemFacts(name="Voucher", kind="credit", points=400, value_minor=500, currency="EUR")
    )
    redemption = services.redeem_points(customer=ana.customer, item=voucher, key="k1", at=AT)
    services.spend_credit(
        customer=ana.customer, amount_minor=1, currency="EUR", order_reference="7", key="k2", at=AT
    )
    with pytest.raises(Conflict) as refused:
        services.cancel_redemption(redemption=redemption, note="", actor=person(), at=AT)
    assert refused.value.code == "credit_spent"


def test_a_cancelled_mug_goes_back_and_a_sent_one_does_not(workspace: Workspace) -> None:
    ana, mug = saver(workspace, 120), item(workspace)
    redemption = services.redeem_points(customer=ana.customer, item=mug, key="k1", at=AT)
    services.cancel_redemption(redemption=redemption, note="Mistake", actor=person(), at=AT)
    mug.refresh_from_db()
    assert mug.stock == 1
    assert Fulfilment.objects.for_workspace(workspace).get().status == "cancelled"
    again = services.redeem_points(customer=ana.customer, item=mug, key="k2", at=AT)
    row = Fulfilment.objects.for_workspace(workspace).get(redemption=again)
    services.complete_fulfilment(fulfilment=row, reference="DHL 1", actor=person(), at=AT)
    with pytest.raises(Conflict) as refused:
        services.cancel_redemption(redemption=again, note="", actor=person(), at=AT)
    assert refused.value.code == "handed_over"
    assert balances(workspace) == {"expense PTS": -120, "points PTS": 60, "redeemed PTS": 60}


def test_store_credit_is_spent_on_orders(workspace: Workspace) -> None:
    ana = saver(workspace, 700, kind="credit")
    spend = {"customer": ana.customer, "currency": "EUR", "order_reference": "1007", "at": AT}
    services.spend_credit(amount_minor=300, key="a", **spend)
    services.spend_credit(amount_minor=300, key="a", **spend)
    with pytest.raises(Conflict) as refused:
        services.spend_credit(amount_minor=401, key="b", **spend)
    assert refused.value.code == "too_little_credit"
    assert refused.value.details == {"balance_minor": 400, "amount_minor": 401}
    services.spend_credit(amount_minor=400, key="c", **spend)
    assert spent(workspace) == [("r0", 700, "redeemed")]
    assert balances(workspace) == {"expense EUR": -700, "redeemed EUR": 700}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"amount_minor": 0}, "amount_minor"),
        ({"currency": "EURO"}, "currency"),
        ({"order_reference": "x" * 256}, "order_reference"),
        ({"key": " "}, "key"),
    ],
)
def test_a_refused_spending_names_the_field(
    workspace: Workspace, changes: dict[str, Any], param: str
) -> None:
    wish = {"amount_minor": 1, "currency": "EUR", "order_reference": "1", "key": "a", **changes}
    with pytest.raises(Invalid) as refused:
        services.spend_credit(customer=saver(workspace, 7).customer, at=AT, **wish)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"name": " "}, "name"),
        ({"kind": "yacht"}, "kind"),
        ({"points": 0}, "points"),
        ({"stock": -1}, "stock"),
        ({"kind": "product", "details": {}}, "sku"),
        ({"kind": "gift_card"}, "value_minor"),
        ({"value_minor": 5}, "currency"),
        ({"currency": "EUR"}, "value_minor"),
        ({"currency": "EURO", "value_minor": 5}, "currency"),
        ({"kind": "discount", "details": {"percent_bps": 10_001}}, "percent_bps"),
    ],
)
def test_a_refused_item_names_the_field(workspace: Workspace, changes: dict[str, Any], param: str) -> None:
    facts = ItemFacts(**{"name": "Thing", "kind": "custom", "points": 5, **changes})
    with pytest.raises(Invalid) as refused:
        item(workspace, facts)
    assert refused.value.param == param


# Expiry


def test_what_is_not_used_in_time_lapses(workspace: Workspace) -> None:
    ana = saver(workspace, 100, expiry_days=30)
    services.redeem_points(customer=ana.customer, item=item(workspace), key="k", at=AT)
    assert services.expire_due_rewards(workspace=workspace, at=AT + 30 * DAY - timedelta(seconds=1)) == 0
    assert services.expire_due_rewards(workspace=workspace, at=AT + 30 * DAY) == 1
    assert services.expire_due_rewards(workspace=workspace, at=AT + 31 * DAY) == 0
    reward = Reward.objects.for_workspace(workspace).get()
    assert (reward.status, reward.redeemed_minor, reward.expired_minor) == ("redeemed", 60, 40)
    assert balances(workspace) == {"expense PTS": -100, "redeemed PTS": 60, "expired PTS": 40}
    redemption = Redemption.objects.for_workspace(workspace).get()
    services.cancel_redemption(redemption=redemption, note="", actor=person(), at=AT + 31 * DAY)
    assert services.expire_due_rewards(workspace=workspace, at=AT + 31 * DAY) == 1
    reward.refresh_from_db()
    assert (reward.status, reward.expired_minor) == ("expired", 100)
    assert balances(workspace) == {"expense PTS": -100, "expired PTS": 100}


def test_a_refund_takes_what_lapsed_before_what_was_spent(workspace: Workspace) -> None:
    ana = saver(workspace, 100, expiry_days=10)
    tea = ItemFacts(name="Tea", kind="custom", points=40)
    services.redeem_points(customer=ana.customer, item=item(workspace, tea), key="k1", at=AT)
    services.expire_due_rewards(workspace=workspace, at=AT + 11 * DAY)
    lapsed = {"expense PTS": -100, "expired PTS": 60, "redeemed PTS": 40}
    assert balances(workspace) == lapsed
    fact = Conversion.objects.for_workspace(workspace).get()
    for amount_minor, left in (
        (5_000, {"expense PTS": -50, "expired PTS": 10, "redeemed PTS": 40}),
        (5_000, {"points PTS": -40, "redeemed PTS": 40}),
    ):
        services.settle_conversion(conversion=builders.refund(fact, amount_minor), at=AT + 12 * DAY)
        assert balances(workspace) == left
        assert queries.differences(workspace) == []
    services.settle_conversion(conversion=builders.reinstate(fact), at=AT + 13 * DAY)
    assert balances(workspace) == {"expense PTS": -100, "points PTS": 60, "redeemed PTS": 40}
    assert spent(workspace) == [("r0", 40, "issued")]
    services.expire_due_rewards(workspace=workspace, at=AT + 14 * DAY)
    assert balances(workspace) == lapsed
    assert spent(workspace) == [("r0", 40, "redeemed")]
    assert queries.differences(workspace) == []


def test_an_expired_code_is_disabled(workspace: Workspace) -> None:
    cut = rule(kind="discount", amount=None, discount={"type": "percentage", "bps": 1500}, expiry_days=10)
    reward = approved(participant(program(workspace, cut)))
    assert reward.expires_at == AT + 10 * DAY
    services.expire_due_rewards(workspace=workspace, at=AT + 10 * DAY)
    reward.refresh_from_db()
    assert (reward.status, reward.fulfilment["cancelled"]) == ("expired", True)
    assert Fulfilment.objects.for_workspace(workspace).get().status == "cancelled"


def test_the_owner_is_warned_once(workspace: Workspace) -> None:
    saver(workspace, 100, expiry_days=30, expiry_warning_days=7)
    for days, told in ((22, 0), (23, 1), (24, 0)):
        assert services.warn_of_expiry(workspace=workspace, at=AT + days * DAY) == told
    assert events(workspace).count("reward.expiring") == 1


def test_the_scheduled_job_ends_what_is_due(workspace: Workspace) -> None:
    saver(workspace, 100, expiry_days=1)
    assert tasks.expire_due() == 1
    assert tasks.expire_due() == 0


# Who approves


def test_large_chosen_and_doubtful_rewards_wait_for_a_person(workspace: Workspace) -> None:
    terms = {"approval": "automatic", "approval_above_minor": 500, "approval_score": 40}
    small, large = (rule(key=f"r{minor}", amount={"type": "fixed", "minor": minor}) for minor in (500, 501))
    points = rule(key="p", kind="points", amount={"type": "fixed", "minor": 900})
    card = rule(key="c", kind="credit", amount={"type": "fixed", "minor": 1})
    ana = participant(program(workspace, small, large, points, card, approval_kinds=["credit"], **terms))
    first, second = (services.settle_conversion(conversion=conversion(ana), at=AT) for _ in range(2))
    Reward.objects.for_workspace(workspace).filter(pk__in=[each.pk for each in second]).update(score=40)
    waiting = queries.due_for_a_person(workspace, at=AT).order_by("pk")
    assert [row.rule_key for row in waiting] == ["r501", "c", "r500", "r501", "p", "c"]
    assert all(queries.why_a_person(row) for row in waiting)
    assert services.release_due_rewards(workspace=workspace, at=AT) == 2
    assert services.release_due_rewards(workspace=workspace, at=AT) == 0
    assert {row.rule_key for row in first if row.pk not in {w.pk for w in waiting}} == {"r500", "p"}


# Two at once


@pytest.mark.django_db(transaction=True)
def test_the_last_piece_and_the_last_points_go_once(shared: Workspace) -> None:
    with tenant(shared):
        ana, ben, mug = saver(shared, 100), saver(shared, 100), item(shared)
        tea = item(shared, ItemFacts(name="Tea", kind="custom", points=100))

    def redeem(who: Any, what: CatalogueItem, key: str) -> Any:
        return lambda: services.redeem_points(customer=who.customer, item=what, key=key, at=AT)

    assert at_once(shared, redeem(ana, mug, "a"), redeem(ben, mug, "b")) == ["done", "sold_out"]
    with tenant(shared):
        rich = Redemption.objects.for_workspace(shared).get().customer_id
        other = ben if rich == ana.customer_id else ana
    jobs = [redeem(other, tea, f"t{index}") for index in range(3)]
    assert at_once(shared, *jobs) == ["done", "too_few_points", "too_few_points"]
    with tenant(shared):
        assert balances(shared) == {"expense PTS": -200, "points PTS": 40, "redeemed PTS": 160}


@pytest.mark.django_db(transaction=True)
def test_one_key_at_once_spends_once(shared: Workspace) -> None:
    with tenant(shared):
        ana = saver(shared, 700, kind="credit")

    def spend() -> Any:
        services.spend_credit(
            customer=ana.customer, amount_minor=400, currency="EUR", order_reference="1", key="a", at=AT
        )

    assert at_once(shared, *[spend] * 3) == ["done"] * 3
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -700, "credit EUR": 300, "redeemed EUR": 400}
