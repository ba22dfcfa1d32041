"""Random histories of rewards against a simple model; and proof that it would find what it looks for.

Three mutants of the product are kept here, each a fault that other programs have had. The machine runs
against each of them and has to fail:

- no idempotency: results of payouts are posted as often as they are reported, under a new key each time
- double clawback: what a refund takes back is taken again whenever the conversion is settled again
- cap check-then-act: what is left of a cap is read without a lock, and written afterwards
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from core.errors import DomainError
from rewards.models import Allowance, Reward
from rewards.services import allowances, ledger, results, reversal
from rewards.services.results import RowOutcome
from tests.rewards.machine import RewardsMachine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("transactional_db")]

_QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        RewardsMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            # A history is told step by step; making it shorter takes longer than reading it.
            phases=(Phase.generate,),
            suppress_health_check=_QUIET,
        ),
    )


def test_rewards_and_ledger_agree_with_a_simple_model_after_every_step() -> None:
    run(8, 25)


def without_idempotency(monkeypatch: pytest.MonkeyPatch) -> None:
    judge, post = results._judge, ledger.post

    def careless(row: Any, payout: Any) -> RowOutcome:
        if payout is not None:
            payout.status = "pending"
        return judge(row, payout)

    def keyless(*, movements: Any, **more: Any) -> int:
        return post(movements=[replace(each, key=f"{each.key}:{uuid.uuid4()}") for each in movements], **more)

    monkeypatch.setattr(results, "_judge", careless)
    monkeypatch.setattr(results, "post", keyless)


def with_double_clawback(monkeypatch: pytest.MonkeyPatch) -> None:
    owed = reversal._owed_back

    def again(reward: Reward, *arguments: Any) -> int:
        total = owed(reward, *arguments)
        share = min(reward.amount_minor, reward.reversed_minor + total)
        return share if 0 < total < reward.amount_minor else total

    monkeypatch.setattr(reversal, "_owed_back", again)


def with_check_then_act(monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(workspace: Any, places: set[Any], *, make_missing: bool = False) -> dict[Any, Allowance]:
        original(workspace, set(), make_missing=make_missing)
        for program_id, cap_key, participant_id, period in sorted(places, key=str):
            Allowance.objects.bulk_create(
                [
                    Allowance(
                        workspace=workspace,
                        program_id=program_id,
                        cap_key=cap_key,
                        participant_id=participant_id,
                        period=period,
                    )
                ],
                ignore_conflicts=True,
            )
        rows = Allowance.objects.for_workspace(workspace)
        return {allowances._place(row): row for row in rows if allowances._place(row) in places}

    original = allowances._locked
    monkeypatch.setattr(allowances, "_locked", unlocked)


def _run_until_steady() -> None:
    """Run histories; those that go another way when repeated, as races do, are left for new ones."""
    for _ in range(4):
        try:
            return run(60, 30)
        except Flaky:
            continue
    return run(60, 30)


@pytest.mark.parametrize("plant", [without_idempotency, with_double_clawback, with_check_then_act])
def test_the_machine_finds(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    try:
        _run_until_steady()
    except Exception as error:
        # Hypothesis gathers several faults in a group; each is a difference, or a refusal of the database.
        faults = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
        assert all(isinstance(fault, AssertionError | DatabaseError | DomainError) for fault in faults)
    else:
        pytest.fail("The machine did not find the mutant.")
