"""Everything that moves money, done twice at once on two real connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import Workspace
from core.errors import DomainError
from core.tenancy import tenant
from rewards import queries, services
from rewards.models import PayoutBatch, Reward, Transfer
from rewards.services import ResultRow
from tests.conftest import make_workspace
from tests.factories import AT, UserFactory
from tests.rewards import builders
from tests.rewards.builders import approved, conversion, participant, person, program, settled
from tests.rewards.test_settlement import balances, events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shared(transactional_db: None) -> Workspace:
    """A workspace that is committed, so that other connections see it."""
    return make_workspace(UserFactory.create(email="olga@acme.example"))


def at_once(workspace: Workspace, *jobs: Callable[[], Any]) -> list[str]:
    """Run the jobs at the same time, each in its own transaction; return how each ended, sorted."""
    start = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> str:
        try:
            start.wait(timeout=20)
            with tenant(workspace):
                job()
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(jobs)) as threads:
        return sorted(threads.map(run, jobs))


def test_settling_the_same_conversion_at_once(shared: Workspace) -> None:
    with tenant(shared):
        fact = conversion(participant(program(shared)))
    job = lambda: services.settle_conversion(conversion=fact, at=AT)  # noqa: E731
    assert at_once(shared, *[job] * 8) == ["done"] * 8
    with tenant(shared):
        assert Reward.objects.for_workspace(shared).count() == 1
        assert Transfer.objects.for_workspace(shared).count() == 1
        assert events(shared) == ["reward.created"]
        assert balances(shared) == {"expense EUR": -1000, "pending EUR": 1000}


def test_first_conversions_of_many_people_at_once(shared: Workspace) -> None:
    """The accounts that all of them share are made once, and nobody waits for ever."""
    with tenant(shared):
        shop = program(shared)
        ana, ben = participant(shop), participant(shop)
        facts = [conversion(ana, ben) for _ in range(4)] + [conversion(ben, ana) for _ in range(4)]

    def job(index: int) -> Callable[[], Any]:
        return lambda: services.settle_conversion(conversion=facts[index], at=AT)

    assert at_once(shared, *[job(index) for index in range(8)]) == ["done"] * 8
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -8000, "pending EUR": 8000}
        assert queries.balance(ana.customer, "pending", "EUR") == 4000


def test_approving_the_same_reward_at_once(shared: Workspace) -> None:
    with tenant(shared):
        reward, actor = settled(participant(program(shared))), person()
    job = lambda: services.approve_reward(reward=reward, actor=actor, at=AT)  # noqa: E731
    assert Counter(at_once(shared, *[job] * 4)) == {"done": 1, "already_approved": 3}
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -1000, "payable EUR": 1000}
        assert events(shared).count("reward.approved") == 1


def test_two_schedulers_at_once(shared: Workspace) -> None:
    with tenant(shared):
        ana = participant(program(shared))
        for _ in range(5):
            settled(ana)
    job = lambda: services.release_due_rewards(workspace=shared, at=AT)  # noqa: E731
    at_once(shared, job, job, job)
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -5000, "payable EUR": 5000}
        assert events(shared).count("reward.approved") == 5


def test_approving_while_the_refund_arrives(shared: Workspace) -> None:
    with tenant(shared):
        actor = person()
        facts = [conversion(participant(program(shared))) for _ in range(4)]
        rewards = [services.settle_conversion(conversion=fact, at=AT)[0] for fact in facts]
        for fact in facts:
            builders.refund(fact, 10_000)

    def approve(reward: Reward) -> Callable[[], Any]:
        return lambda: services.approve_reward(reward=reward, actor=actor, at=AT)

    def settle(index: int) -> Callable[[], Any]:
        return lambda: services.settle_conversion(conversion=facts[index], at=AT)

    jobs = [approve(reward) for reward in rewards] + [settle(index) for index in range(4)]
    assert set(at_once(shared, *jobs)) <= {"done", "reversed"}
    with tenant(shared):
        found = set(Reward.objects.for_workspace(shared).values_list("status", "reversed_minor"))
        assert found == {("reversed", 1000)}
        assert balances(shared) == {}


def test_two_refunds_at_once(shared: Workspace) -> None:
    with tenant(shared):
        fact = conversion(participant(program(shared)))
        services.settle_conversion(conversion=fact, at=AT)
        builders.refund(fact, 3333)
        builders.refund(fact, 6667)
    job = lambda: services.settle_conversion(conversion=fact, at=AT)  # noqa: E731
    assert at_once(shared, job, job) == ["done", "done"]
    with tenant(shared):
        reward = Reward.objects.for_workspace(shared).get()
        assert (reward.status, reward.reversed_minor) == ("reversed", 1000)
        assert balances(shared) == {}
        assert events(shared) == ["reward.created", "reward.reversed"]


def test_preparing_twice_at_once(shared: Workspace) -> None:
    with tenant(shared):
        actor = person()
        shop = program(shared)
        for _ in range(3):
            approved(participant(shop))
    job = lambda: services.prepare_batch(workspace=shared, currency="EUR", actor=actor, at=AT)  # noqa: E731
    assert at_once(shared, job, job, job) == ["done", "nothing_payable", "nothing_payable"]
    with tenant(shared):
        batch = PayoutBatch.objects.for_workspace(shared).get()
        assert (batch.total_minor, batch.payout_count) == (3000, 3)
        assert balances(shared) == {"expense EUR": -3000, "in_transit EUR": 3000}


def test_preparing_while_rewards_are_approved_and_refunded(shared: Workspace) -> None:
    with tenant(shared):
        actor = person()
        ana = participant(program(shared))
        approved(ana)
        refunded = conversion(ana)
        (second,) = services.settle_conversion(conversion=refunded, at=AT)
        services.approve_reward(reward=second, actor=actor, at=AT)
        builders.refund(refunded, 5000)
        third = settled(ana)
    at_once(
        shared,
        lambda: services.prepare_batch(workspace=shared, currency="EUR", actor=actor, at=AT),
        lambda: services.settle_conversion(conversion=refunded, at=AT),
        lambda: services.approve_reward(reward=third, actor=actor, at=AT),
    )
    with tenant(shared):
        batch = PayoutBatch.objects.for_workspace(shared).get()
        found = balances(shared)
        assert found["expense EUR"] == -2500
        assert batch.total_minor + found.get("payable EUR", 0) == 2500
        third.refresh_from_db()
        # Whatever the order was: a reward tied to the payout has its money in it, a free one has not.
        tied = Reward.objects.for_workspace(shared).filter(payout__isnull=False)
        assert (third in tied) == (batch.total_minor >= 2500)


def test_the_same_results_twice_at_once(shared: Workspace) -> None:
    with tenant(shared):
        shop = program(shared)
        for _ in range(3):
            approved(participant(shop))
        actor = person()
        batch = services.prepare_batch(workspace=shared, currency="EUR", actor=actor, at=AT)
        services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)
        ids = [payout.public_id for payout in queries.payouts_of(batch)]
    rows = [ResultRow(2, ids[0], "paid"), ResultRow(3, ids[1], "failed"), ResultRow(4, ids[2], "paid")]
    job = lambda: services.import_results(batch=batch, rows=rows, actor=actor, at=AT)  # noqa: E731
    assert at_once(shared, job, job) == ["done", "done"]
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -3000, "paid_out EUR": 2000, "payable EUR": 1000}
        assert Counter(events(shared))["payout.completed"] == 2
        assert Counter(events(shared))["payout.failed"] == 1


def test_cancelling_while_another_person_approves(shared: Workspace) -> None:
    with tenant(shared):
        approved(participant(program(shared)))
        maker, second = person(), person("second@acme.example")
        batch = services.prepare_batch(workspace=shared, currency="EUR", actor=maker, at=AT)
    ended = at_once(
        shared,
        lambda: services.approve_batch(batch=batch, actor=second, at=AT),
        lambda: services.cancel_batch(batch=batch, reason="Wrong month", actor=maker, at=AT),
    )
    assert ended == ["done", "not_draft"]
    with tenant(shared):
        batch.refresh_from_db()
        money = "in_transit EUR" if batch.status == "approved" else "payable EUR"
        assert balances(shared) == {"expense EUR": -1000, money: 1000}


def test_trying_the_failed_again_twice_at_once(shared: Workspace) -> None:
    with tenant(shared):
        approved(participant(program(shared)))
        actor = person()
        batch = services.prepare_batch(workspace=shared, currency="EUR", actor=actor, at=AT)
        services.approve_batch(batch=batch, actor=person("second@acme.example"), at=AT)
        (payout,) = queries.payouts_of(batch)
        rows = [ResultRow(1, payout.public_id, "failed")]
        services.import_results(batch=batch, rows=rows, actor=actor, at=AT)
    job = lambda: services.retry_failed(batch=batch, actor=actor, at=AT)  # noqa: E731
    assert at_once(shared, job, job) == ["done", "nothing_payable"]
    with tenant(shared):
        assert balances(shared) == {"expense EUR": -1000, "in_transit EUR": 1000}


def test_approving_a_batch_twice_at_once(shared: Workspace) -> None:
    with tenant(shared):
        approved(participant(program(shared)))
        batch = services.prepare_batch(workspace=shared, currency="EUR", actor=person(), at=AT)
        second, third = person("second@acme.example"), person("third@acme.example")
    ended = at_once(
        shared,
        lambda: services.approve_batch(batch=batch, actor=second, at=AT),
        lambda: services.approve_batch(batch=batch, actor=third, at=AT),
    )
    assert ended == ["done", "not_draft"]
