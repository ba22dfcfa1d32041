"""A refund that turned out to be wrong gives back what it took, wherever the reward stood by then."""

from __future__ import annotations

from accounts.models import Workspace
from rewards import queries, services
from rewards.models import Fulfilment, Reward
from tests.factories import AT
from tests.rewards import builders
from tests.rewards.builders import conversion, paid_batch, participant, person, program, rule
from tests.rewards.test_settlement import balances, events
from tracking.models import Conversion


def refunded(fact: Conversion, amount_minor: int) -> None:
    services.settle_conversion(conversion=builders.refund(fact, amount_minor), at=AT)


def reinstated(fact: Conversion) -> Reward:
    (reward,) = services.settle_conversion(conversion=builders.reinstate(fact), at=AT)
    return reward


def test_on_hold_it_waits_again(workspace: Workspace) -> None:
    fact = conversion(participant(program(workspace, hold_days=30)))
    services.settle_conversion(conversion=fact, at=AT)
    refunded(fact, 10_000)
    assert balances(workspace) == {}
    reward = reinstated(fact)
    assert (reward.status, reward.reversed_minor) == ("pending", 0)
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}
    assert events(workspace) == ["reward.created", "reward.reversed", "reward.restored"]


def test_after_the_payout_the_debt_is_forgiven(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    paid_batch(workspace)
    refunded(fact, 4000)
    refunded(fact, 6000)
    assert queries.balance(ana.customer, "payable", "EUR") == -1000
    reward = reinstated(fact)
    assert (reward.status, reward.reversed_minor) == ("paid", 0)
    assert balances(workspace) == {"expense EUR": -1000, "paid_out EUR": 1000}
    for _ in range(2):
        services.settle_conversion(conversion=fact, at=AT)
    # And refunded once more, to the cent.
    refunded(fact, 10_000)
    assert queries.balance(ana.customer, "payable", "EUR") == -1000
    assert [each.amount_minor for each in queries.changes_of(reward) if each.amount_minor < 0] == [
        -400,
        -600,
        -1000,
    ]


def test_a_code_that_was_withdrawn_is_given_again(workspace: Workspace) -> None:
    ana = participant(
        program(
            workspace,
            rule(kind="discount", amount=None, discount={"type": "percentage", "bps": 1500}),
        )
    )
    fact = conversion(ana)
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    refunded(fact, 10_000)
    given = Fulfilment.objects.for_workspace(workspace).get(reward=reward)
    assert given.status == "cancelled"
    reward = reinstated(fact)
    reward.refresh_from_db()
    given.refresh_from_db()
    assert (reward.status, given.status) == ("issued", "done")
    assert reward.fulfilment["code"] == given.code
    assert "cancelled" not in reward.fulfilment


def test_a_code_that_was_used_is_redeemed_still(workspace: Workspace) -> None:
    code = {"type": "percentage", "bps": 1500}
    fact = conversion(participant(program(workspace, rule(kind="discount", amount=None, discount=code))))
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    given = Fulfilment.objects.for_workspace(workspace).get(reward=reward)
    services.use_codes(workspace=workspace, codes=[given.code], order_reference="1001", at=AT)
    refunded(fact, 10_000)
    reward = reinstated(fact)
    given.refresh_from_db()
    assert (reward.status, given.status, given.details["used_on"]) == ("redeemed", "done", "1001")


def test_a_product_that_was_sent_is_given_still(workspace: Workspace) -> None:
    mug = rule(
        kind="product", amount={"type": "fixed", "minor": 500}, product={"sku": "MUG-1", "name": "Mug"}
    )
    fact = conversion(participant(program(workspace, mug)))
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    sent = Fulfilment.objects.for_workspace(workspace).get(reward=reward)
    services.complete_fulfilment(fulfilment=sent, actor=person(), at=AT)
    refunded(fact, 10_000)
    reward = reinstated(fact)
    assert (reward.status, reward.net_minor) == ("issued", 500)
    assert balances(workspace) == {"expense EUR": -500, "given EUR": 500}
    assert queries.differences(workspace) == []


def test_a_doubt_that_came_meanwhile_holds_it(workspace: Workspace) -> None:
    ana = participant(program(workspace, hold_days=30))
    fact = conversion(ana)
    services.settle_conversion(conversion=fact, at=AT)
    refunded(fact, 10_000)
    builders.doubt(fact, ana, name="too_fast", outcome="hold")
    reward = reinstated(fact)
    assert (reward.status, reward.reason) == ("held", "too_fast")
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}


def test_a_doubt_that_was_cleared_meanwhile_holds_it_no_more(workspace: Workspace) -> None:
    ana = participant(program(workspace, hold_days=30))
    fact = conversion(ana)
    case = builders.doubt(fact, ana, name="too_fast", outcome="hold")
    services.settle_conversion(conversion=fact, at=AT)
    refunded(fact, 10_000)
    case.status = "approved"
    case.save(update_fields=["status"])
    reward = reinstated(fact)
    assert (reward.status, reward.reason) == ("pending", "")


def test_a_judgement_taken_back_gives_a_paid_reward_back(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    paid_batch(workspace)
    case = builders.doubt(fact, ana, name="too_fast", outcome="deny")
    services.settle_conversion(conversion=fact, at=AT)
    assert queries.balance(ana.customer, "payable", "EUR") == -1000
    case.status = "approved"
    case.save(update_fields=["status"])
    services.settle_conversion(conversion=fact, at=AT)
    assert balances(workspace) == {"expense EUR": -1000, "paid_out EUR": 1000}
