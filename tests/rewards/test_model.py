"""Conversions, refunds, approvals and payouts in any order against a model that only adds and subtracts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Workspace
from core.errors import Conflict
from rewards import queries, services
from rewards.models import PayoutBatch
from rewards.services import ResultRow
from tests.factories import AT
from tests.rewards import builders
from tests.rewards.builders import conversion, participant, person, program, rule
from tracking.models import Conversion


@dataclass
class _Earning:
    """One reward as the model sees it."""

    fact: Conversion
    promised: int
    order: int
    refunded: int = 0
    approved: bool = False
    denied: bool = False

    @property
    def taken(self) -> int:
        if self.denied:
            return self.promised
        return round(Fraction(self.promised * self.refunded, self.order))

    @property
    def left(self) -> int:
        return 0 if self.denied else self.promised - self.taken


_STEPS = st.one_of(
    st.tuples(st.just("buy"), st.integers(1, 50_000)),
    st.tuples(st.just("refund"), st.integers(0, 2), st.sampled_from([1, 20, 50, 100])),
    st.tuples(st.just("approve"), st.integers(0, 2)),
    st.tuples(st.just("deny"), st.integers(0, 2)),
    st.tuples(st.just("prepare")),
    st.tuples(st.just("settle"), st.booleans()),
    st.tuples(st.just("again"), st.integers(0, 2)),
)


_WHOLE_LIFE: list[tuple[Any, ...]] = [
    ("buy", 12_345),
    ("refund", 0, 20),
    ("again", 0),
    ("refund", 0, 20),
    ("approve", 0),
    ("approve", 0),
    ("refund", 0, 20),
    ("prepare",),
    ("prepare",),
    ("refund", 0, 20),
    ("settle", False),
    ("prepare",),
    ("settle", True),
    ("refund", 0, 20),
    ("buy", 9_999),
    ("approve", 1),
    ("prepare",),
    ("settle", True),
    ("buy", 5_000),
    ("deny", 2),
    ("refund", 2, 100),
    ("refund", 0, 100),
]


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(steps=_WHOLE_LIFE)
@given(steps=st.lists(_STEPS, min_size=4, max_size=14))
def test_the_ledger_agrees_with_simple_arithmetic(workspace: Workspace, steps: list[tuple[Any, ...]]) -> None:
    point = transaction.savepoint()
    try:
        _Play(workspace).run(steps)
    finally:
        transaction.savepoint_rollback(point)


class _Play:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.ana = participant(program(workspace, rule(amount={"type": "percentage", "bps": 777})))
        self.maker, self.checker = person(), person("second@acme.example")
        self.earnings: list[_Earning] = []
        self.paid = 0
        self.in_transit = 0
        self.batch: PayoutBatch | None = None

    def run(self, steps: list[tuple[Any, ...]]) -> None:
        for name, *arguments in steps:
            getattr(self, f"_{name}")(*arguments)
            self._check()

    def _buy(self, amount: int) -> None:
        fact = conversion(self.ana, amount_minor=amount)
        services.settle_conversion(conversion=fact, at=AT)
        promised = round(Fraction(amount * 777, 10_000))
        self.earnings.append(_Earning(fact, promised, amount, denied=promised == 0))

    def _pick(self, index: int) -> _Earning | None:
        return self.earnings[index % len(self.earnings)] if self.earnings else None

    def _refund(self, index: int, percent: int) -> None:
        """Refund a percentage of what is left of an order."""
        earning = self._pick(index)
        if earning is None or earning.refunded == earning.order:
            return
        part = max(1, (earning.order - earning.refunded) * percent // 100)
        services.settle_conversion(conversion=builders.refund(earning.fact, part), at=AT)
        earning.refunded += part

    def _again(self, index: int) -> None:
        earning = self._pick(index)
        if earning is not None:
            services.settle_conversion(conversion=earning.fact, at=AT)

    def _approve(self, index: int) -> None:
        earning = self._pick(index)
        if earning is None:
            return
        (reward,) = queries.rewards_of(earning.fact)
        try:
            services.approve_reward(reward=reward, actor=self.maker, at=AT)
        except Conflict:
            assert earning.approved or earning.denied or earning.left == 0
        else:
            earning.approved = True

    def _deny(self, index: int) -> None:
        earning = self._pick(index)
        if earning is None:
            return
        (reward,) = queries.rewards_of(earning.fact)
        try:
            services.deny_reward(reward=reward, reason="No", actor=self.maker, at=AT)
        except Conflict:
            assert earning.approved or earning.denied or earning.left == 0
        else:
            earning.denied = True

    @property
    def _payable(self) -> int:
        return sum(each.left for each in self.earnings if each.approved) - self.paid - self.in_transit

    def _prepare(self) -> None:
        try:
            batch = services.prepare_batch(workspace=self.workspace, currency="EUR", actor=self.maker, at=AT)
        except Conflict:
            assert self._payable <= 0
            return
        assert batch.total_minor == self._payable
        self._settle(True)
        self.batch, self.in_transit = batch, batch.total_minor

    def _settle(self, good: bool) -> None:
        if self.batch is None:
            return
        services.approve_batch(batch=self.batch, actor=self.checker, at=AT)
        (payout,) = queries.payouts_of(self.batch)
        row = ResultRow(2, payout.public_id, "paid" if good else "failed")
        services.import_results(batch=self.batch, rows=[row], actor=self.maker, at=AT)
        self.paid += self.in_transit if good else 0
        self.in_transit, self.batch = 0, None

    def _check(self) -> None:
        assert queries.differences(self.workspace) == []
        balance = {kind: queries.balance(self.ana.customer, kind, "EUR") for kind in _KINDS}
        assert balance == {
            "pending": sum(each.left for each in self.earnings if not each.approved),
            "payable": self._payable,
            "in_transit": self.in_transit,
            "paid_out": self.paid,
        }


_KINDS = ("pending", "payable", "in_transit", "paid_out")
