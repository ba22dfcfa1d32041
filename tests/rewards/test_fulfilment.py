"""What is not cash is handed over once, and called off once it is not owed any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM
from core.errors import Conflict, Invalid
from core.models import Event
from programs.models import Participant
from rewards import handlers, services
from rewards.models import Fulfilment, MoneySettings, Reward
from tests.factories import AT
from tests.rewards.builders import approved, conversion, participant, person, program, refund, rule
from tests.rewards.test_settlement import balances, events

MUG = {
    "kind": "product",
    "amount": {"type": "fixed", "minor": 800},
    "product": {"sku": "MUG-1", "name": "Mug"},
}
CUT = {
    "kind": "discount",
    "amount": {"type": "fixed", "minor": 500},
    "discount": {"type": "fixed", "minor": 500},
}
LATER = AT + timedelta(days=1)


def earning(workspace: Workspace, **rules: Any) -> Participant:
    return participant(program(workspace, rule(**rules)))


def of(reward: Reward) -> Fulfilment:
    found: Fulfilment = Fulfilment.objects.for_workspace(reward.workspace_id).get(reward=reward)
    return found


def test_points_need_nobody_and_credit_is_handed_over_at_once(workspace: Workspace) -> None:
    points = approved(earning(workspace, kind="points", amount={"type": "fixed", "minor": 50}))
    credit = approved(earning(workspace, kind="credit"))
    assert (points.status, points.issued_at, credit.status, credit.issued_at) == ("issued", AT, "issued", AT)
    assert not Fulfilment.objects.for_workspace(workspace).filter(reward=points).exists()
    assert (of(credit).status, of(credit).amount_minor, of(credit).currency) == ("done", 1000, "EUR")


def test_a_code_is_issued_at_once_where_no_shop_has_to_know_it(workspace: Workspace) -> None:
    reward = approved(earning(workspace, **CUT))
    row = of(reward)
    assert (reward.status, row.status, row.connection) == ("issued", "done", "")
    assert reward.fulfilment["code"] == row.code == row.details["code"]
    assert "fulfilment.wanted" not in events(workspace)


def test_a_product_is_issued_once_a_person_says_it_was_sent(workspace: Workspace) -> None:
    reward = approved(earning(workspace, **MUG))
    assert (reward.status, of(reward).status) == ("approved", "todo")
    for _ in range(2):
        services.complete_fulfilment(
            fulfilment=of(reward),
            reference=" DHL 17 ",
            details={"link": "https://dhl.example/17", "secret": "x"},
            actor=person(),
            at=LATER,
        )
    reward.refresh_from_db()
    assert (reward.status, reward.issued_at) == ("issued", LATER)
    assert reward.fulfilment == {"sku": "MUG-1", "name": "Mug", "link": "https://dhl.example/17"}
    assert (of(reward).status, of(reward).reference) == ("done", "DHL 17")
    assert events(workspace).count("reward.issued") == 1
    entry = AuditEntry.objects.for_workspace(workspace).get(action="fulfilment.completed")
    assert entry.subject == of(reward).public_id
    assert balances(workspace) == {"expense EUR": -800, "given EUR": 800}


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"reference": "x" * 256}, "reference"),
        ({"details": {"link": "javascript:alert(1)"}}, "link"),
        ({"details": {"note": "x" * 2001}}, "note"),
    ],
)
def test_what_came_of_it_is_checked(workspace: Workspace, given: dict[str, Any], param: str) -> None:
    row = of(approved(earning(workspace, **MUG)))
    with pytest.raises(Invalid) as refused:
        services.complete_fulfilment(fulfilment=row, actor=person(), at=AT, **given)
    assert refused.value.param == param


def test_what_a_provider_will_not_do_waits_for_somebody_to_try_again(workspace: Workspace) -> None:
    MoneySettings.objects.create(workspace=workspace, give_url="https://own.example/give")
    reward = approved(earning(workspace, **MUG))
    Reward.objects.for_workspace(workspace).filter(pk=reward.pk).update(kind="custom")
    Fulfilment.objects.for_workspace(workspace).update(kind="custom")
    row = services.retry_fulfilment(fulfilment=of(reward), actor=person(), at=AT)
    assert (row.status, row.attempts) == ("waiting", 1)
    for _ in range(2):
        services.fail_fulfilment(fulfilment=row, failure="Your system answered 400.", at=AT)
    assert (of(reward).status, of(reward).failure) == ("failed", "Your system answered 400.")
    services.retry_fulfilment(fulfilment=row, actor=person(), at=AT)
    assert events(workspace)[-3:] == ["fulfilment.wanted", "fulfilment.failed", "fulfilment.wanted"]
    told = Event.objects.for_workspace(workspace).filter(kind="fulfilment.wanted").last()
    assert told is not None
    assert told.data == {
        "action": "issue",
        "fulfilment": row.public_id,
        "gives": "custom",
        "reward": reward.public_id,
        "redemption": None,
    }
    with pytest.raises(Conflict) as waiting:
        services.retry_fulfilment(fulfilment=row, actor=person(), at=AT)
    assert waiting.value.code == "not_retriable"


def test_without_a_connection_there_is_nobody_to_try(workspace: Workspace) -> None:
    with pytest.raises(Conflict) as refused:
        services.retry_fulfilment(fulfilment=of(approved(earning(workspace, **MUG))), actor=person(), at=AT)
    assert refused.value.code == "no_connection"


# Taken back


def test_what_waits_is_called_off_and_cannot_be_handed_over_any_more(workspace: Workspace) -> None:
    fact = conversion(earning(workspace, **MUG))
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    (reward,) = services.settle_conversion(conversion=refund(fact, 10_000), at=AT)
    for _ in range(2):
        services.withdraw_fulfilments(workspace=workspace, rewards=[reward], at=LATER)
    assert (of(reward).status, of(reward).failure) == ("cancelled", "A refund took it back.")
    with pytest.raises(Conflict) as refused:
        services.complete_fulfilment(fulfilment=of(reward), actor=SYSTEM, at=LATER)
    assert refused.value.code == "fulfilment_cancelled"
    reward.refresh_from_db()
    assert (reward.status, reward.issued_at) == ("reversed", None)
    assert balances(workspace) == {}


def test_an_unused_code_is_disabled_and_a_used_one_stays_and_says_so(workspace: Workspace) -> None:
    ana = earning(workspace, **CUT)
    fresh, used = approved(ana), approved(ana)
    services.use_codes(workspace=workspace, codes=[of(used).code], order_reference="1007", at=LATER)
    used.refresh_from_db()
    services.withdraw_fulfilments(workspace=workspace, rewards=[fresh, used], at=LATER)
    for reward in (fresh, used):
        reward.refresh_from_db()
    assert (of(fresh).status, fresh.fulfilment["cancelled"]) == ("cancelled", True)
    assert (of(used).status, used.fulfilment["used_on"]) == ("done", "1007")
    assert "cancelled" not in used.fulfilment


def test_what_was_sent_cannot_be_called_back(workspace: Workspace) -> None:
    reward = approved(earning(workspace, **MUG))
    services.complete_fulfilment(fulfilment=of(reward), actor=SYSTEM, at=AT)
    services.withdraw_fulfilments(workspace=workspace, rewards=[reward], at=LATER)
    assert of(reward).status == "done"


# Codes in orders


def test_an_order_with_the_code_redeems_the_reward_once(workspace: Workspace) -> None:
    reward = approved(earning(workspace, **CUT))
    code = of(reward).code
    order = conversion(
        earning(workspace), source_key="1007", metadata={"coupon_codes": [code.lower(), "SUMMER"]}
    )
    told = Event(workspace_id=workspace.pk, kind="conversion.created", data={"conversion": order.public_id})
    for _ in range(2):
        handlers.on_codes_used(told)
    reward.refresh_from_db()
    assert (reward.status, reward.redeemed_minor, reward.unused_minor) == ("redeemed", 500, 0)
    assert reward.fulfilment["used_on"] == of(reward).details["used_on"] == "1007"
    assert events(workspace).count("reward.redeemed") == 1
    assert balances(workspace) == {"expense EUR": -500, "given EUR": 500}


@pytest.mark.parametrize(
    "metadata", [{"coupon_codes": "text"}, {"coupon_codes": [None]}, {"reported_by": "page"}]
)
def test_an_order_that_says_nothing_sound_of_codes_redeems_nothing(
    workspace: Workspace, metadata: dict[str, Any]
) -> None:
    reward = approved(earning(workspace, **CUT))
    found = {"coupon_codes": [of(reward).code], **metadata}
    order = conversion(earning(workspace), metadata=found)
    handlers.on_codes_used(
        Event(workspace_id=workspace.pk, kind="conversion.created", data={"conversion": order.public_id})
    )
    reward.refresh_from_db()
    assert reward.status == "issued"


def test_a_code_used_after_it_was_cancelled_is_noted(workspace: Workspace) -> None:
    reward = approved(earning(workspace, **CUT))
    Reward.objects.for_workspace(workspace).filter(pk=reward.pk).update(status="reversed")
    (row,) = services.use_codes(workspace=workspace, codes=[of(reward).code], order_reference="9", at=LATER)
    reward.refresh_from_db()
    assert (reward.status, row.details["used_on"]) == ("reversed", "9")
