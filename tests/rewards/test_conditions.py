"""What conditions ask for is read from what happened, and what does not meet them earns nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Workspace
from programs.condition_facts import FACTS
from programs.conditions import Facts
from programs.models import Participant
from rewards import services
from rewards.models import Reward
from rewards.services.circumstances import Worth
from rewards.services.sources import sources_of
from tests.factories import AT, ConversionFactory, CustomerFactory, LinkFactory, PromoCodeFactory
from tests.rewards.builders import conversion, participant, person, program, refund, rule, settled
from tracking.models import Attribution, Click, Conversion, Touchpoint

EVERYTHING = frozenset({*FACTS, "customer.attributes.plan", "referrer.attributes.team"})


def asks(fact: str, op: str, *value: Any) -> dict[str, Any]:
    return {"all": [{"fact": fact, "op": op, **({"value": value[0]} if value else {})}]}


def facts_of(fact: Conversion, *asked: str, currency: str = "EUR") -> Facts:
    """Return what is known of the only credit of a conversion."""
    sources = sources_of(fact.workspace, [fact])
    [part] = sources.circumstances._parts
    same = fact.currency == currency
    return sources.circumstances.facts(
        part,
        frozenset(asked),
        worth=Worth(currency, fact.amount_minor if same else None, waits=bool(fact.currency) and not same),
        new_customer=True,
    )


def test_what_meets_no_condition_is_denied_with_the_reason(workspace: Workspace) -> None:
    shop = program(workspace, eligibility={"conditions": asks("customer.country", "one_of", ["DE", "AT"])})
    ana = participant(shop)
    french = settled(ana, customer=CustomerFactory.create(workspace=workspace, country="FR"))
    assert (french.status, french.reason, french.amount_minor) == ("denied", "conditions_not_met", 0)
    assert french.sentence == "The customer's country is FR; the program wants DE or AT."
    unknown = settled(ana)
    assert (unknown.status, unknown.reason) == ("denied", "conditions_not_met")
    assert unknown.sentence == "The customer's country is not known; the program wants DE or AT."
    german = settled(ana, customer=CustomerFactory.create(workspace=workspace, country="DE"))
    assert (german.status, german.amount_minor) == ("pending", 1000)


def test_a_rule_asks_for_itself_and_leaves_its_group_to_the_others(workspace: Workspace) -> None:
    shop = program(
        workspace,
        rule(
            key="gold",
            amount={"type": "fixed", "minor": 3000},
            group="best",
            conditions=asks("customer.attributes.plan", "is", "gold"),
        ),
        rule(key="all", group="best"),
    )
    ana = participant(shop)
    gold = CustomerFactory.create(workspace=workspace, attributes={"plan": "Gold"})
    tin = CustomerFactory.create(workspace=workspace, attributes={"plan": "tin"})

    def earned(**changes: Any) -> list[tuple[str, str, int]]:
        fact = conversion(ana, **changes)
        rewards = services.settle_conversion(conversion=fact, at=AT)
        return [(each.rule_key, each.reason, each.amount_minor) for each in rewards]

    assert earned(customer=gold) == [("gold", "", 3000), ("all", "better_rule", 0)]
    assert earned(customer=tin) == [("gold", "conditions_not_met", 0), ("all", "", 1000)]
    reward = Reward.objects.for_workspace(workspace).get(reason="conditions_not_met")
    assert reward.sentence == "The customer's “plan” is not what this rule wants: gold."


def test_what_was_decided_stays_whatever_is_learnt_later(workspace: Workspace) -> None:
    shop = program(workspace, eligibility={"conditions": asks("customer.attributes.plan", "is", "gold")})
    gold = CustomerFactory.create(workspace=workspace, attributes={"plan": "gold"})
    tin = CustomerFactory.create(workspace=workspace)
    ana = participant(shop)
    facts = [conversion(ana, customer=gold), conversion(ana, customer=tin)]
    for fact in facts:
        services.settle_conversion(conversion=fact, at=AT)
    for customer, plan in ((gold, "tin"), (tin, "gold")):
        customer.attributes = {"plan": plan}
        customer.save()
    for fact in facts:
        services.settle_conversion(conversion=fact, at=AT)
    rows = Reward.objects.for_workspace(workspace).order_by("pk")
    assert list(rows.values_list("status", "amount_minor")) == [("pending", 1000), ("denied", 0)]
    [half] = services.settle_conversion(conversion=refund(facts[0], 5000), at=AT)
    assert (half.status, half.net_minor) == ("pending", 500)


def test_an_order_in_another_currency_waits_for_its_rate(workspace: Workspace) -> None:
    shop = program(
        workspace,
        rule(kind="points", amount={"type": "fixed", "minor": 5}),
        eligibility={"conditions": asks("order.amount_minor", "at_least", 5000)},
    )
    fact = conversion(participant(shop), currency="USD", amount_minor=6000)
    [held] = services.settle_conversion(conversion=fact, at=AT)
    assert (held.status, held.reason) == ("held", "currency_differs")
    assert held.sentence == (
        "There is no exchange rate yet. The order's value is not known; the program wants at least €50.00."
    )
    services.enter_rate(
        workspace=workspace,
        base="USD",
        quote="EUR",
        on=AT.date(),
        rate=Decimal("0.8"),
        actor=person(),
        at=AT,
    )
    [denied] = services.settle_conversion(conversion=fact, at=AT)
    assert (denied.status, denied.reason) == ("denied", "conditions_not_met")
    assert denied.sentence == "The order's value is €48.00; the program wants at least €50.00."


def test_a_sign_up_has_no_order_to_ask_for(workspace: Workspace) -> None:
    shop = program(
        workspace,
        rule(event="signup", amount={"type": "fixed", "minor": 100}),
        eligibility={"conditions": asks("order.amount_minor", "at_least", 1)},
    )
    reward = settled(participant(shop), kind="signup", amount_minor=0, currency="")
    assert (reward.status, reward.reason) == ("denied", "conditions_not_met")


def test_what_an_order_tells(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    lines = [
        {"sku": "A-1", "category": "Shoes", "quantity": 2, "amount_minor": 100},
        {"sku": "B-2", "category": "", "amount_minor": 50},
        {"sku": "A-1", "category": "Shoes", "quantity": 1, "amount_minor": 10},
    ]
    metadata = {"coupon_codes": ["STAFF", "WELCOME"]}
    fact = conversion(ana, lines=lines, metadata=metadata)
    code = PromoCodeFactory.create(workspace=workspace, participant=ana, code="ANA10")
    Touchpoint.objects.create(
        workspace=workspace,
        kind="code",
        program=ana.program,
        participant=ana,
        customer=fact.customer,
        promo_code=code,
        conversion=fact,
        channel="code",
        occurred_at=AT,
    )
    found = facts_of(fact, *(name for name in FACTS if name.startswith("order.")))
    assert found == Facts(
        {
            "order.amount_minor": 10_000,
            "order.quantity": 4,
            "order.skus": ("A-1", "B-2"),
            "order.categories": ("Shoes",),
            "order.coupons": ("STAFF", "WELCOME", "ANA10"),
        },
        partial=frozenset({"order.categories"}),
    )
    page = conversion(ana, metadata={**metadata, "reported_by": "page"})
    assert facts_of(page, "order.coupons", "order.skus", "order.quantity").known == {"order.coupons": ()}


def test_earlier_purchases_are_counted_and_added_up_by_the_rates_of_their_days(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    friend = CustomerFactory.create(workspace=workspace)

    def bought(days: int, **changes: Any) -> None:
        ConversionFactory.create(
            workspace=workspace, customer=friend, occurred_at=AT - timedelta(days=days), **changes
        )

    bought(5, amount_minor=4000, refunded_minor=1000, status="partly_refunded")
    bought(4, amount_minor=7000, refunded_minor=7000, status="refunded")
    bought(3, status="rejected")
    bought(2, kind="custom")
    bought(-1)
    fact = conversion(ana, customer=friend)
    asked = ("customer.purchases", "customer.revenue_minor")
    assert facts_of(fact, *asked) == Facts({"customer.purchases": 1, "customer.revenue_minor": 3000})
    bought(1, amount_minor=1000, currency="USD")
    assert facts_of(fact, *asked) == Facts(
        {"customer.purchases": 2, "customer.revenue_minor": None},
        waiting=frozenset({"customer.revenue_minor"}),
    )
    services.enter_rate(
        workspace=workspace,
        base="USD",
        quote="EUR",
        on=AT.date() - timedelta(days=1),
        rate=Decimal("0.9"),
        actor=person(),
        at=AT,
    )
    assert facts_of(fact, *asked).known == {"customer.purchases": 2, "customer.revenue_minor": 3900}


def test_what_is_known_of_the_referrer(workspace: Workspace) -> None:
    workspace.time_zone = "Pacific/Auckland"
    someone = CustomerFactory.create(workspace=workspace, country="AT", attributes={"team": 7})
    ana = participant(program(workspace), customer=someone, account="", enrolled_at=AT.replace(hour=20))
    for days in (2, 1, -1):
        conversion(ana, occurred_at=AT - timedelta(days=days))
    conversion(ana, occurred_at=AT - timedelta(days=3), status="refunded", refunded_minor=10_000)
    fact = conversion(ana)
    asked = [name for name in EVERYTHING if name.startswith("referrer.")]
    assert facts_of(fact, *asked).known == {
        "referrer.country": "AT",
        "referrer.attributes.team": 7,
        "referrer.enrolled_on": "2026-03-03",
        "referrer.friends": 2,
    }


def touched(fact: Conversion, by: Participant, **changes: Any) -> Touchpoint:
    link = LinkFactory.create(
        workspace=fact.workspace, participant=by, campaign="spring", utm={"source": "{channel}-news"}
    )
    click = Click.objects.create(
        workspace=fact.workspace,
        link=link,
        participant=by,
        program=by.program,
        visitor_id="v" * 12,
        occurred_at=AT,
        received_at=AT,
        counted=True,
        channel="email",
    )
    values = {"kind": "click", "click": click, "channel": "email", "occurred_at": AT, **changes}
    return Touchpoint.objects.create(
        workspace=fact.workspace, program=by.program, participant=by, customer=fact.customer, **values
    )


SOURCE = [name for name in FACTS if name.startswith("source.")]


def test_the_contact_that_was_credited_is_the_source(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    touch = touched(fact, ana)
    decision = Attribution.objects.for_workspace(workspace).get()
    decision.inputs = {"touches": [{"id": touch.public_id, "kind": "click", "channel": "email"}]}
    decision.result = {"credits": [{"participant": ana.public_id, "touch_ids": [touch.public_id]}]}
    sources = sources_of(workspace, [fact])
    [part] = sources.circumstances._parts
    part.decision.inputs, part.decision.result = decision.inputs, decision.result
    found = sources.circumstances.facts(
        part, frozenset(SOURCE), worth=Worth("EUR", 10_000), new_customer=None
    )
    assert found.known == {
        "source.kind": "click",
        "source.channel": "email",
        "source.utm_source": "email-news",
        "source.campaign": "spring",
    }


def test_a_bound_friend_came_by_the_last_contact_before_the_referral(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana, referral={"started_at": AT, "channel": "sms"})
    assert facts_of(fact, *SOURCE).known == {"source.kind": None, "source.channel": "sms"}
    touched(fact, ana, occurred_at=AT - timedelta(days=1))
    touched(fact, ana, occurred_at=AT - timedelta(hours=1), refusal="bot", channel="x")
    touched(fact, ana, occurred_at=AT + timedelta(days=1), channel="whatsapp")
    assert facts_of(fact, *SOURCE).known == {
        "source.kind": "click",
        "source.channel": "email",
        "source.utm_source": "email-news",
        "source.campaign": "spring",
    }


def test_any_number_of_conversions_takes_the_same_statements(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    many = [conversion(ana) for _ in range(4)]
    for fact in many:
        touched(fact, ana)
        ConversionFactory.create(
            workspace=workspace, customer=fact.customer, occurred_at=AT - timedelta(days=1), currency="USD"
        )

    def statements(facts: list[Conversion], asked: frozenset[str]) -> int:
        sources = sources_of(workspace, facts)
        with CaptureQueriesContext(connection) as caught:
            for part in sources.circumstances._parts:
                sources.circumstances.facts(
                    part, asked, worth=Worth("EUR", part.fact.amount_minor), new_customer=True
                )
        return len(caught)

    assert statements(many, frozenset({"customer.country", "customer.attributes.plan", "order.skus"})) == 0
    assert statements(many[:1], EVERYTHING) == statements(many, EVERYTHING) == 9
