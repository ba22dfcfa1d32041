"""Who may approve what and when, what approval does for each kind, and denial."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, Workspace
from accounts.queries import sandbox_id_of
from accounts.services import Actor, move_sandbox_clock
from core import clock
from core.errors import Conflict, Invalid, NotFound
from core.events import deliver_due, emit
from core.models import Event
from core.tenancy import tenant
from programs.models import ProgramVersion
from rewards import handlers, queries, services, tasks
from rewards.models import Fulfilment, Reward, RewardChange
from tests.factories import AT
from tests.rewards import builders
from tests.rewards.builders import conversion, participant, person, program, rule, settled
from tests.rewards.test_settlement import balances, events
from tracking.models import FraudCase

LATER = AT + timedelta(days=30)


def test_cash_becomes_payable(workspace: Workspace) -> None:
    reward = services.approve_reward(reward=settled(participant(program(workspace))), actor=person(), at=AT)
    assert reward.status == "approved"
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}
    assert events(workspace) == ["reward.created", "reward.approved"]
    entry = AuditEntry.objects.for_workspace(workspace).get(subject=reward.public_id)
    assert (entry.action, entry.actor) == ("reward.approved", "olga@acme.example")
    assert (entry.before, entry.after) == (
        {"status": "pending"},
        {"status": "approved", "amount_minor": 1000, "unit": "EUR"},
    )


@pytest.mark.parametrize(
    ("kind", "amount", "left"),
    [
        ("credit", {"type": "fixed", "minor": 700}, {"expense EUR": -700, "credit EUR": 700}),
        ("points", {"type": "fixed", "minor": 50}, {"expense PTS": -50, "points PTS": 50}),
    ],
)
def test_credit_and_points_are_issued_at_once(
    workspace: Workspace, kind: str, amount: dict[str, Any], left: dict[str, int]
) -> None:
    reward = settled(participant(program(workspace, rule(kind=kind, amount=amount))))
    reward = services.approve_reward(reward=reward, actor=person(), at=AT)
    assert reward.status == "issued"
    assert balances(workspace) == left
    assert events(workspace) == ["reward.created", "reward.approved", "reward.issued"]
    assert [change.after for change in queries.changes_of(reward)] == ["pending", "approved", "issued"]
    assert AuditEntry.objects.for_workspace(workspace).filter(subject=reward.public_id).count() == 1


def test_a_discount_is_issued_as_a_readable_code(workspace: Workspace) -> None:
    gift = rule(kind="discount", amount=None, discount={"type": "percentage", "bps": 1500})
    ana = participant(program(workspace, gift))
    codes = set()
    for _ in range(2):
        reward = services.approve_reward(reward=settled(ana), actor=person(), at=AT)
        reward.refresh_from_db()
        codes.add(reward.fulfilment.pop("code"))
        assert reward.fulfilment == {"terms": {"type": "percentage", "bps": 1500}, "single_use": True}
    assert len(codes) == 2
    assert all(re.fullmatch("[A-HJ-NP-Z2-9]{4}(-[A-HJ-NP-Z2-9]{4}){2}", code) for code in codes)
    assert balances(workspace) == {}


def test_a_product_is_a_task_to_send_it_and_its_value_is_given(workspace: Workspace) -> None:
    mug = rule(
        kind="product", amount={"type": "fixed", "minor": 800}, product={"sku": "MUG-1", "name": "Mug"}
    )
    reward = services.approve_reward(
        reward=settled(participant(program(workspace, mug))), actor=person(), at=AT
    )
    assert (reward.status, reward.fulfilment) == ("approved", {"sku": "MUG-1", "name": "Mug"})
    task = Fulfilment.objects.for_workspace(workspace).get(reward=reward)
    assert (task.status, task.details, task.amount_minor) == ("todo", reward.fulfilment, 800)
    assert balances(workspace) == {"expense EUR": -800, "given EUR": 800}


def test_a_refund_after_issue_cancels_the_code_and_takes_the_value_back(workspace: Workspace) -> None:
    cut = rule(
        kind="discount", amount={"type": "fixed", "minor": 500}, discount={"type": "fixed", "minor": 500}
    )
    fact = conversion(participant(program(workspace, cut)))
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 10_000), at=AT)
    assert (reward.status, reward.fulfilment["cancelled"]) == ("reversed", True)
    assert balances(workspace) == {}


def test_credit_that_was_refunded_after_issue_goes_below_zero_only_by_what_was_spent(
    workspace: Workspace,
) -> None:
    fact = conversion(participant(program(workspace, rule(kind="credit"))))
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 4000), at=AT)
    assert (reward.status, reward.net_minor) == ("issued", 600)
    assert balances(workspace) == {"expense EUR": -600, "credit EUR": 600}


def test_approval_after_a_partial_refund_moves_what_is_left(workspace: Workspace) -> None:
    fact = conversion(participant(program(workspace)))
    services.settle_conversion(conversion=fact, at=AT)
    (reward,) = services.settle_conversion(conversion=builders.refund(fact, 2500), at=AT)
    services.approve_reward(reward=reward, actor=person(), at=AT)
    assert balances(workspace) == {"expense EUR": -750, "payable EUR": 750}


def test_the_hold_is_refused_to_the_second_with_its_end(workspace: Workspace) -> None:
    reward = settled(participant(program(workspace, hold_days=30)))
    with pytest.raises(Conflict) as refused:
        services.approve_reward(reward=reward, actor=person(), at=LATER - timedelta(seconds=1))
    assert refused.value.code == "on_hold"
    assert refused.value.details == {"available_at": LATER.isoformat()}
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}
    assert services.approve_reward(reward=reward, actor=person(), at=LATER).status == "approved"


def test_a_second_approval_is_refused_and_moves_nothing(workspace: Workspace) -> None:
    reward = settled(participant(program(workspace)))
    services.approve_reward(reward=reward, actor=person(), at=AT)
    with pytest.raises(Conflict) as refused:
        services.approve_reward(reward=reward, actor=person(), at=AT)
    assert refused.value.code == "already_approved"
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}


def test_denied_and_reversed_rewards_cannot_be_approved(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    denied, gone = settled(ana), conversion(ana)
    services.deny_reward(reward=denied, reason="Staff member", actor=person(), at=AT)
    (reversed_reward,) = services.settle_conversion(conversion=builders.refund(gone, 10_000), at=AT)
    for reward, code in ((denied, "denied"), (reversed_reward, "reversed")):
        with pytest.raises(Conflict) as refused:
            services.approve_reward(reward=reward, actor=person(), at=AT)
        assert refused.value.code == code


def _held(workspace: Workspace, **terms: Any) -> Reward:
    ana = participant(program(workspace, **terms))
    fact = conversion(ana)
    builders.doubt(fact, ana, name="too_fast", outcome="hold")
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    return reward


def test_a_held_reward_is_trusted_by_a_person_with_a_reason(workspace: Workspace) -> None:
    reward = _held(workspace)
    assert services.release_due_rewards(workspace=workspace, at=LATER) == 0
    with pytest.raises(Invalid) as refused:
        services.approve_reward(reward=reward, actor=person(), at=AT, reason="  ")
    assert (refused.value.code, refused.value.param) == ("required", "reason")
    with pytest.raises(Invalid) as refused:
        services.approve_reward(reward=reward, actor=person(), at=AT, reason="x" * 201)
    assert (refused.value.code, refused.value.param) == ("too_long", "reason")
    reward = services.approve_reward(reward=reward, actor=person(), at=AT, reason="Known customer")
    assert (reward.status, reward.reason) == ("approved", "")
    last = queries.changes_of(reward).last()
    assert last is not None
    assert (last.before, last.after, last.reason) == ("held", "approved", "Known customer")


def test_a_held_reward_trusted_during_its_hold_period_waits_for_the_rest(workspace: Workspace) -> None:
    reward = _held(workspace, hold_days=30)
    reward = services.approve_reward(reward=reward, actor=person(), at=AT, reason="Known customer")
    assert (reward.status, reward.reason) == ("pending", "")
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}
    assert services.release_due_rewards(workspace=workspace, at=LATER) == 1


def test_a_reward_without_a_rate_cannot_be_approved(workspace: Workspace) -> None:
    reward = settled(participant(program(workspace)), currency="USD")
    with pytest.raises(Conflict) as refused:
        services.approve_reward(reward=reward, actor=person(), at=AT, reason="Looks fine")
    assert refused.value.code == "currency_differs"


def test_due_rewards_are_released_where_approval_is_automatic(workspace: Workspace) -> None:
    automatic = participant(program(workspace, hold_days=30))
    by_hand = participant(program(workspace, hold_days=30, approval="manual"))
    due, waiting = settled(automatic), settled(by_hand)
    late = settled(automatic, received_at=AT + timedelta(seconds=1))

    assert services.release_due_rewards(workspace=workspace, at=LATER - timedelta(seconds=1)) == 0
    assert services.release_due_rewards(workspace=workspace, at=LATER) == 1
    assert services.release_due_rewards(workspace=workspace, at=LATER) == 0

    found = {r.pk: r.status for r in Reward.objects.for_workspace(workspace)}
    assert found == {due.pk: "approved", waiting.pk: "pending", late.pk: "pending"}
    last = queries.changes_of(due).last()
    assert last is not None
    assert (last.actor, last.reason) == ("system", "The hold is over.")
    assert not AuditEntry.objects.for_workspace(workspace).filter(subject=due.public_id).exists()
    assert services.approve_reward(reward=waiting, actor=person(), at=LATER).status == "approved"


def test_a_long_list_is_released_in_portions(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    for _ in range(3):
        settled(ana)
    released = [services.release_due_rewards(workspace=workspace, at=AT, limit=2) for _ in range(3)]
    assert released == [2, 1, 0]
    assert balances(workspace) == {"expense EUR": -3000, "payable EUR": 3000}


def test_nothing_is_released_in_a_suspended_workspace(workspace: Workspace) -> None:
    settled(participant(program(workspace)))
    workspace.status = Workspace.Status.SUSPENDED
    assert services.release_due_rewards(workspace=workspace, at=AT) == 0
    workspace.status = Workspace.Status.ACTIVE
    assert services.release_due_rewards(workspace=workspace, at=AT) == 1


def test_denying_releases_what_was_set_aside(workspace: Workspace) -> None:
    reward = settled(participant(program(workspace, hold_days=30)))
    reward = services.deny_reward(reward=reward, reason=" Staff member ", actor=person(), at=AT)
    assert (reward.status, reward.reason) == ("denied", "denied_by_person")
    assert balances(workspace) == {}
    last = queries.changes_of(reward).last()
    assert last is not None
    assert (last.before, last.after, last.reason, last.amount_minor) == (
        "pending",
        "denied",
        "Staff member",
        -1000,
    )
    assert events(workspace)[-1] == "reward.reversed"


def test_a_held_reward_of_nothing_can_be_denied(workspace: Workspace) -> None:
    reward = settled(participant(program(workspace)), currency="USD")
    services.deny_reward(reward=reward, reason="No rate", actor=person(), at=AT)
    assert balances(workspace) == {}


def test_denying_needs_a_reason_and_an_open_reward(workspace: Workspace) -> None:
    reward = settled(participant(program(workspace)))
    with pytest.raises(Invalid) as missing:
        services.deny_reward(reward=reward, reason=" ", actor=person(), at=AT)
    assert missing.value.param == "reason"
    services.approve_reward(reward=reward, actor=person(), at=AT)
    with pytest.raises(Conflict) as refused:
        services.deny_reward(reward=reward, reason="Too late", actor=person(), at=AT)
    assert (refused.value.code, refused.value.details) == ("not_deniable", {"status": "approved"})
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}


def test_bulk_approval_says_for_each_why_not(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    first, second, denied = settled(ana), settled(ana), settled(ana)
    services.deny_reward(reward=denied, reason="Staff member", actor=person(), at=AT)
    held = _held(workspace)
    ids = [first.public_id, denied.public_id, held.public_id, "rwd_none", second.public_id, first.public_id]

    results = services.bulk_approve(workspace=workspace, public_ids=ids, actor=person(), at=AT)

    assert [(public_id, error and error.code) for public_id, error in results] == [
        (first.public_id, None),
        (denied.public_id, "denied"),
        (held.public_id, "required"),
        ("rwd_none", "not_found"),
        (second.public_id, None),
    ]
    assert isinstance(results[3][1], NotFound)
    assert balances(workspace) == {"expense EUR": -3000, "payable EUR": 2000, "pending EUR": 1000}


def test_bulk_approval_of_nothing_does_nothing(workspace: Workspace) -> None:
    assert services.bulk_approve(workspace=workspace, public_ids=[], actor=person(), at=AT) == []
    assert not RewardChange.objects.for_workspace(workspace).exists()


def test_an_api_key_may_approve_and_is_named(workspace: Workspace) -> None:
    robot = Actor(kind="api_key", label="Robot (sk_12345678…)")
    reward = services.approve_reward(reward=settled(participant(program(workspace))), actor=robot, at=AT)
    entry = AuditEntry.objects.for_workspace(workspace).get(subject=reward.public_id)
    assert (entry.actor_kind, entry.actor) == ("api_key", "Robot (sk_12345678…)")


def test_the_handler_settles_and_the_clock_releases(workspace: Workspace) -> None:
    fact = conversion(participant(program(workspace)))
    event = Event(workspace_id=workspace.pk, kind="conversion.created", data={"conversion": fact.public_id})
    handlers.on_conversion_changed(event)
    handlers.on_conversion_changed(event)
    assert balances(workspace) == {"expense EUR": -1000, "pending EUR": 1000}
    handlers.on_sandbox_clock_moved(Event(workspace_id=workspace.pk, kind="sandbox.clock_moved", data={}))
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}


def test_the_scheduled_job_visits_every_workspace_at_its_own_time(workspace: Workspace) -> None:
    sandbox_id = sandbox_id_of(workspace)
    assert sandbox_id is not None
    with tenant(sandbox_id):
        sandbox = Workspace.objects.for_workspace(sandbox_id).get()
        there = settled(participant(program(sandbox, hold_days=30)), received_at=clock.now())
    here = settled(participant(program(workspace, hold_days=30)), received_at=clock.now())
    assert tasks.release_due() == 0
    with tenant(sandbox):
        move_sandbox_clock(workspace=sandbox, forward=timedelta(days=31), actor=person())
    assert tasks.release_due() == 1
    with tenant(sandbox):
        there.refresh_from_db()
    here.refresh_from_db()
    assert (there.status, here.status) == ("approved", "pending")


def test_bulk_denial_needs_a_reason_and_leaves_decided_rewards_alone(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    done = services.approve_reward(reward=settled(ana), actor=person(), at=AT)
    with pytest.raises(Invalid) as missing:
        services.bulk_deny(workspace=workspace, public_ids=[], reason="", actor=person(), at=AT)
    assert missing.value.param == "reason"
    results = services.bulk_deny(
        workspace=workspace, public_ids=[done.public_id, "rwd_none"], reason="No", actor=person(), at=AT
    )
    assert [(public_id, error and error.code) for public_id, error in results] == [
        (done.public_id, "not_deniable"),
        ("rwd_none", "not_found"),
    ]
    assert [reward.pk for reward in queries.rewards_for(ana.customer)] == [done.pk]
    assert balances(workspace) == {"expense EUR": -1000, "payable EUR": 1000}


@pytest.mark.parametrize("outcome", ["allow", "deny"])
def test_judging_what_fraud_held_is_told_once_for_both_sides(workspace: Workspace, outcome: str) -> None:
    ana = participant(program(workspace, rule(), rule(key="welcome", side="referee")))
    fact = conversion(ana)
    builders.doubt(fact, ana, name="too_fast", outcome="hold")
    ids = [reward.public_id for reward in services.settle_conversion(conversion=fact, at=AT)]
    assert len(ids) == 2
    decide = services.bulk_approve if outcome == "allow" else services.bulk_deny
    for _ in range(2):
        decide(workspace=workspace, public_ids=ids, reason="Looked into it", actor=person(), at=AT)
    told = Event.objects.for_workspace(workspace).filter(kind="fraud.resolved").get()
    assert told.data == {
        "case": FraudCase.objects.for_workspace(workspace).get().public_id,
        "conversion": fact.public_id,
        "participant": ana.public_id,
        "rule": "too_fast",
        "outcome": outcome,
    }


def test_a_decision_about_what_fraud_did_not_hold_resolves_nothing(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    no_rate = settled(ana, currency="USD")
    services.deny_reward(reward=no_rate, reason="No rate", actor=person(), at=AT)
    services.deny_reward(reward=settled(ana), reason="Staff", actor=person(), at=AT)
    assert "fraud.resolved" not in events(workspace)


def test_a_suspended_workspace_accrues_nothing_until_it_goes_on(workspace: Workspace) -> None:
    fact = conversion(participant(program(workspace)))
    emit("conversion.created", at=AT, conversion=fact.public_id, customer=fact.customer.public_id)
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    assert deliver_due() == 0
    assert Reward.objects.for_workspace(workspace).count() == 0
    Workspace.objects.for_workspace(workspace).update(status="active")
    assert deliver_due() > 0
    assert Reward.objects.for_workspace(workspace).get().amount_minor == 1000


def test_a_workspace_that_cannot_be_released_does_not_hold_up_the_others(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    broken = settled(participant(program(workspace)))
    unreadable = ProgramVersion.objects.create(
        workspace=workspace, program=broken.program, number=2, terms={}, published_at=AT, published_by="x"
    )
    Reward.objects.for_workspace(workspace).filter(pk=broken.pk).update(version=unreadable)
    with tenant(other_workspace):
        fine = settled(participant(program(other_workspace)))
    assert tasks.release_due() == 1
    broken.refresh_from_db()
    with tenant(other_workspace):
        fine.refresh_from_db()
    assert (broken.status, fine.status) == ("pending", "approved")
