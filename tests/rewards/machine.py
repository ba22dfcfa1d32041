"""Drives the rewards and the simple model beside them, in any order, and compares them after every step."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

from django.db.models import F
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from accounts.models import User, Workspace
from core.errors import DomainError
from core.models import Event
from core.tenancy import tenant
from programs.models import Customer
from rewards import queries, services
from rewards.handlers import on_tier_reached
from rewards.models import Account, Allowance, PayoutBatch, Reservation, Reward
from tests.conftest import make_workspace
from tests.factories import AT, CustomerFactory, UserFactory
from tests.rewards import builders
from tests.rewards.model import CAPS, RULES, Model, Owed, Sale
from tests.rewards.test_races import at_once
from tracking.models import Conversion

PEOPLE = 3

anybody = st.integers(0, PEOPLE - 1)
index = st.integers(0, 1000)
amounts = st.integers(100, 30_000)


class RewardsMachine(RuleBasedStateMachine):
    """Purchases, refunds, tiers, caps, approvals, payouts and failures in random order, some at once."""

    @initialize()
    def open_shop(self) -> None:
        owner = User.objects.filter(email="olga@acme.example").first() or UserFactory.create(
            email="olga@acme.example"
        )
        self.workspace: Workspace = make_workspace(owner)
        self.model = Model()
        self.facts: list[Conversion] = []
        self.unsettled: list[int] = []
        self.batches: list[tuple[PayoutBatch, list[int]]] = []
        self.friends: dict[tuple[int, int], Customer] = {}
        self.heard = 0
        self.keys = 0
        with tenant(self.workspace):
            shop = builders.program(self.workspace, *RULES, caps=CAPS, approval="manual")
            self.people = [builders.participant(shop) for _ in range(PEOPLE)]
            self.owners = {person.customer_id: f"p{who}" for who, person in enumerate(self.people)}

    # Purchases.

    def _record(self, who: int, friend: int, amount: int) -> int:
        number = len(self.facts)
        if (who, friend) not in self.friends:
            customer = CustomerFactory.create(workspace=self.workspace)
            self.friends[who, friend] = customer
            self.owners[customer.pk] = f"f{who}.{friend}"
        fact = builders.conversion(
            self.people[who],
            customer=self.friends[who, friend],
            amount_minor=amount,
            occurred_at=AT + timedelta(minutes=number),
        )
        self.facts.append(fact)
        self.model.sales.append(Sale(number, who, friend, amount))
        return number

    def _settle(self, *numbers: int) -> None:
        for number in numbers:
            services.settle_conversion(conversion=self.facts[number], at=AT)
        self._hear()

    def _hear(self) -> None:
        """Let the rewards hear of tiers, as the outbox does."""
        while True:
            rows = Event.objects.for_workspace(self.workspace).filter(kind="tier.reached", pk__gt=self.heard)
            event = rows.order_by("pk").first()
            if event is None:
                return
            self.heard = event.pk
            on_tier_reached(event)

    @rule(who=anybody, friend=st.integers(0, 4), amount=amounts)
    def buy(self, who: int, friend: int, amount: int) -> None:
        with tenant(self.workspace):
            number = self._record(who, friend, amount)
            self._settle(number)
        self.model.settle(self.model.sales[number])

    @rule(who=anybody, friend=st.integers(0, 4), amount=amounts)
    def buy_and_settle_later(self, who: int, friend: int, amount: int) -> None:
        with tenant(self.workspace):
            self.unsettled.append(self._record(who, friend, amount))

    @precondition(lambda self: self.facts)
    @rule(which=index)
    def settle_again(self, which: int) -> None:
        number = which % len(self.facts)
        with tenant(self.workspace):
            self._settle(number)
        self.model.settle(self.model.sales[number])

    @rule(first=anybody, second=anybody, amount=amounts)
    def two_at_once(self, first: int, second: int, amount: int) -> None:
        """Settle two purchases on two connections; either may come first."""
        with tenant(self.workspace):
            pair = [self._record(first, 0, amount), self._record(second, 1, amount)]
        self._at_once(pair, [self._settling(number) for number in pair])

    @precondition(lambda self: self.facts)
    @rule(which=index)
    def the_same_twice_at_once(self, which: int) -> None:
        number = which % len(self.facts)
        self._at_once([number], [self._settling(number)] * 2)

    def _settling(self, number: int) -> Callable[[], Any]:
        fact = self.facts[number]
        return lambda: services.settle_conversion(conversion=fact, at=AT)

    def _at_once(self, pair: list[int], jobs: list[Callable[[], Any]]) -> None:
        assert at_once(self.workspace, *jobs) == ["done"] * len(jobs)
        with tenant(self.workspace):
            self._hear()
            found = self._rewards()
        expected = []
        for order in (pair, pair[::-1]):
            model = deepcopy(self.model)
            for number in order:
                model.take_in(model.sales[number])
            model.hear()
            expected.append(model)
        self.model = next((model for model in expected if model.rewards() == found), expected[0])

    # Refunds.

    @precondition(lambda self: self.facts)
    @rule(which=index, percent=st.integers(1, 100))
    def refund(self, which: int, percent: int) -> None:
        number = which % len(self.facts)
        sale = self.model.sales[number]
        amount = min(max(sale.amount * percent // 100, 1), sale.amount - sale.refunded)
        if sale.rejected or not amount:
            return
        with tenant(self.workspace):
            builders.refund(self.facts[number], amount)
            sale.refunded += amount
            self._settle(number)
        self.model.settle(sale)

    @precondition(lambda self: self.facts)
    @rule(which=index)
    def reinstate(self, which: int) -> None:
        number = which % len(self.facts)
        sale = self.model.sales[number]
        with tenant(self.workspace):
            builders.reinstate(self.facts[number])
            sale.refunded, sale.rejected = 0, False
            self._settle(number)
        self.model.settle(sale)

    @precondition(lambda self: self.facts)
    @rule(which=index)
    def reject(self, which: int) -> None:
        number = which % len(self.facts)
        with tenant(self.workspace):
            builders.reject(self.facts[number])
            self.model.sales[number].rejected = True
            self._settle(number)
        self.model.settle(self.model.sales[number])

    # Decisions.

    def _row(self, each: Owed) -> Reward:
        return Reward.objects.for_workspace(self.workspace).get(
            conversion=self.facts[each.sale.number], rule_key=each.rule, step=each.step
        )

    def _some(self, which: int, status: str) -> Owed | None:
        waiting = [each for each in self.model.owed if each.status == status]
        return waiting[which % len(waiting)] if waiting else None

    @rule(which=index, twice=st.booleans())
    def approve(self, which: int, twice: bool) -> None:
        each = self._some(which, "pending")
        if each is None:
            return
        with tenant(self.workspace):
            services.approve_reward(reward=self._row(each), actor=builders.person(), at=AT)
        if twice:
            self._refused(services.approve_reward, reward=self._row_apart(each), actor=self._person(), at=AT)
        self.model.approve(each)

    @rule(which=index)
    def deny(self, which: int) -> None:
        each = self._some(which, "pending")
        if each is None:
            return
        with tenant(self.workspace):
            services.deny_reward(reward=self._row(each), reason="No.", actor=builders.person(), at=AT)
        self.model.deny(each)

    def _row_apart(self, each: Owed) -> Reward:
        with tenant(self.workspace):
            return self._row(each)

    def _person(self) -> Any:
        return builders.person()

    def _refused(self, service: Callable[..., Any], **arguments: Any) -> None:
        try:
            with tenant(self.workspace):
                service(**arguments)
        except DomainError:
            return
        raise AssertionError("It was not refused.")

    # Payouts.

    @rule()
    def prepare(self) -> None:
        if not any(self.model.payable(who) > 0 for who in range(PEOPLE)):
            self._refused(
                services.prepare_batch,
                workspace=self.workspace,
                currency="EUR",
                actor=self._person(),
                at=AT,
            )
            return
        with tenant(self.workspace):
            batch = services.prepare_batch(
                workspace=self.workspace, currency="EUR", actor=builders.person(), at=AT
            )
            services.approve_batch(batch=batch, actor=builders.person("second@acme.example"), at=AT)
        self.batches.append((batch, self.model.prepare(PEOPLE)))

    @rule(paid=st.booleans())
    def payday(self, paid: bool) -> None:
        """Approve everything that waits, pay it, and hear of the results twice."""
        for each in [each for each in self.model.owed if each.status == "pending"]:
            with tenant(self.workspace):
                services.approve_reward(reward=self._row(each), actor=builders.person(), at=AT)
            self.model.approve(each)
        self.prepare()
        if self.batches:
            self.report(0, paid, True)

    @precondition(lambda self: self.batches)
    @rule(which=index, paid=st.booleans(), repeat=st.booleans())
    def report(self, which: int, paid: bool, repeat: bool) -> None:
        open_ = [
            (batch, number)
            for batch, numbers in self.batches
            for number in numbers
            if self.model.payouts[number].status == "pending"
        ]
        if not open_:
            return
        batch, number = open_[which % len(open_)]
        owner = self.model.payouts[number].owner
        status = "paid" if paid else "failed"
        with tenant(self.workspace):
            payout = next(
                each for each in queries.payouts_of(batch) if self.owners[each.customer_id] == owner
            )
            row = services.ResultRow(2, payout.public_id, status)
            for _ in range(2 if repeat else 1):
                services.import_results(batch=batch, rows=[row], actor=builders.person(), at=AT)
        self.model.report(number, status)

    @rule(which=index, amount=st.integers(1, 700))
    def spend(self, which: int, amount: int) -> None:
        people = sorted({each.owner for each in self.model.owed if each.rule == "thanks"})
        if not people:
            return
        owner = people[which % len(people)]
        customer_id = next(pk for pk, name in self.owners.items() if name == owner)
        self.keys += 1
        with tenant(self.workspace):
            customer = Customer.objects.for_workspace(self.workspace).get(pk=customer_id)
        spending: dict[str, Any] = {
            "customer": customer,
            "amount_minor": amount,
            "currency": "EUR",
            "order_reference": f"order-{self.keys}",
            "key": f"order-{self.keys}",
            "at": AT,
        }
        if amount > self.model.credit(owner):
            self._refused(services.spend_credit, **spending)
            return
        for _ in range(2):
            with tenant(self.workspace):
                services.spend_credit(**spending)
        self.model.spent[owner] = self.model.spent.get(owner, 0) + amount

    # What must hold.

    def _rewards(self) -> dict[tuple[int, str, int], tuple[str, int]]:
        numbers = {fact.pk: number for number, fact in enumerate(self.facts)}
        return {
            (numbers[row.conversion_id], row.rule_key, row.step): (
                # Store credit that was spent to the last cent is still given.
                "issued" if row.status == "redeemed" else row.status,
                0 if row.status == "denied" else row.net_minor,
            )
            for row in Reward.objects.for_workspace(self.workspace)
        }

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "workspace"):
            return
        with tenant(self.workspace):
            assert queries.differences(self.workspace) == []
            assert self._rewards() == self.model.rewards()
            stood = Account.objects.for_workspace(self.workspace).filter(customer__isnull=False)
            found = {
                f"{account.kind} {self.owners[account.customer_id or 0]}": account.balance_minor
                for account in stood.exclude(balance_minor=0)
            }
            assert found == self.model.balances(PEOPLE)
            self._check_caps()

    def _check_caps(self) -> None:
        rows = Allowance.objects.for_workspace(self.workspace)
        budget = rows.filter(cap_key="budget").first()
        assert (budget.used_minor if budget else 0) == self.model.used()
        for row in rows.filter(cap_key="person").select_related("participant"):
            who = self.people.index(row.participant)
            assert row.used_count == self.model.number_of(who)
        late = Reservation.objects.for_workspace(self.workspace).filter(
            amount_minor__gt=F("reward__amount_minor")
        )
        assert not late.exists()
