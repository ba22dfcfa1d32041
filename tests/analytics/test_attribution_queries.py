"""The attribution report: exact figures over decisions that the services made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Workspace
from analytics import queries
from analytics.queries import AttributionReport, Share, attribution_report
from core.tenancy import tenant
from programs.models import Customer, Participant, Program
from tests import factories
from tests.analytics.conftest import Facts, instant
from tracking.models import Conversion, Credit

MARCH: dict[str, Any] = {"first_on": date(2026, 3, 1), "last_on": date(2026, 3, 31)}


def figures(report: AttributionReport, unit: str = "") -> dict[str, dict[str, int]]:
    """Return the numbers by column and label; what belongs to no label stands under its kind."""
    return {
        column: {
            row.name or row.label or row.kind: row.worth[column].of(unit)
            for row in report.rows
            if row.worth[column].of(unit)
        }
        for column in queries.COLUMNS
    }


@pytest.fixture
def friends(facts: Facts) -> Program:
    """A program that credits the last click."""
    return facts.program("Friends")


@pytest.fixture
def person(facts: Facts, friends: Program) -> Callable[..., Participant]:
    """Enrol somebody by name."""

    def run(name: str, program: Program | None = None) -> Participant:
        made = facts.participant(program or friends)
        made.display_name = name
        made.save()
        return made

    return run


@pytest.fixture
def friend(facts: Facts) -> Callable[..., Customer]:
    """Make a customer who refers nobody."""
    return lambda: factories.CustomerFactory.create(workspace=facts.workspace)


Person = Callable[..., Participant]
Friend = Callable[..., Customer]


@pytest.fixture
def shop(facts: Facts, person: Person, friend: Friend) -> tuple[Participant, Participant]:
    """A month of Ana and Ben.

    One friend met Ana by e-mail 14 days and Ben by WhatsApp 7 days before buying for 100.00 EUR, one met Ana
    by e-mail and bought for 50.00 EUR, of which 20.00 were given back, and one met Ben by WhatsApp only.
    """
    ana, ben = person("Ana"), person("Ben")
    both, of_ana, idle = friend(), friend(), friend()
    facts.touch(ana, both, "2026-03-06 10:00", "email")
    facts.touch(ben, both, "2026-03-13 10:00", "whatsapp")
    facts.decided(both, "2026-03-20 10:00", amount=10_000)
    facts.touch(ana, of_ana, "2026-03-10 10:00", "email")
    facts.decided(of_ana, "2026-03-12 10:00", amount=5_000, refunded_minor=2_000)
    facts.touch(ben, idle, "2026-03-15 10:00", "whatsapp")
    return ana, ben


# Half-lives of 7 days: 1/4 to 1/2, so one third to two thirds.
# Chain: start to Ana 2/3, to Ben 1/3; Ana to Ben 1/2, to conversion 1/2; Ben to conversion 1/2, to null 1/2.
# P(conversion) = 2/3 * 3/4 + 1/3 * 1/2 = 2/3. Without Ana 1/3 * 1/2 = 1/6: effect 3/4. Without Ben
# 2/3 * 1/2 = 1/3: effect 1/2. So Ana has 3/5 of everything and Ben 2/5.
CONVERSIONS = {
    "actual": (1_000_000, 1_000_000),
    "first_click": (2_000_000, 0),
    "last_click": (1_000_000, 1_000_000),
    "linear": (1_500_000, 500_000),
    "time_decay": (1_333_333, 666_667),
    "position_based": (1_500_000, 500_000),
    "custom": (1_500_000, 500_000),
    "markov": (1_200_000, 800_000),
    "shapley": (1_500_000, 500_000),
}
EUROS = {
    "actual": (3_000, 10_000),
    "first_click": (13_000, 0),
    "last_click": (3_000, 10_000),
    "linear": (8_000, 5_000),
    "time_decay": (6_333, 6_667),
    "position_based": (8_000, 5_000),
    "custom": (8_000, 5_000),
    "markov": (7_800, 5_200),
    "shapley": (8_000, 5_000),
}


def named(first: str, second: str, numbers: dict[str, tuple[int, int]]) -> dict[str, dict[str, int]]:
    """Return the numbers of two labels as `figures` does."""
    return {
        column: {name: number for name, number in zip((first, second), pair, strict=True) if number}
        for column, pair in numbers.items()
    }


@pytest.mark.parametrize(
    ("by", "labels"), [("participant", ("Ana", "Ben")), ("channel", ("email", "whatsapp"))]
)
def test_every_model_stands_beside_what_was_credited(
    workspace: Workspace, shop: tuple[Participant, Participant], by: Any, labels: tuple[str, str]
) -> None:
    report = attribution_report(workspace, by=by, **MARCH)
    assert figures(report) == named(*labels, CONVERSIONS)
    assert figures(report, "EUR") == named(*labels, EUROS)
    assert (report.total.conversions_ppm, report.total.amounts) == (2_000_000, {"EUR": 13_000})
    assert (report.converted, report.unconverted, report.since) == (2, 1, None)
    assert [row.touches for row in report.rows] == [2, 2]
    (first, second) = report.rows
    assert first.difference("markov") == 200_000
    assert second.difference("markov", "EUR") == -4_800
    assert report.moved("actual") == report.moved("last_click") == Share(0, 2_000_000)
    assert report.moved("linear", "EUR") == Share(5_000, 13_000)
    if by == "participant":
        assert (first.label, first.program) == (shop[0].public_id, "Friends")


def test_what_was_credited_is_as_it_was_stored(
    workspace: Workspace, shop: tuple[Participant, Participant]
) -> None:
    ana, ben = shop
    stored = {
        person.display_name: sum(
            credit.weight_ppm for credit in Credit.objects.for_workspace(workspace).filter(participant=person)
        )
        for person in shop
    }
    assert stored == {"Ana": 1_000_000, "Ben": 1_000_000}
    report = attribution_report(workspace, by="participant", **MARCH)
    assert {row.name: row.worth["actual"].conversions_ppm for row in report.rows} == stored
    assert [row.label for row in report.rows] == sorted([ana.public_id, ben.public_id])


def test_a_program_decides_for_itself(
    facts: Facts, workspace: Workspace, friends: Program, person: Person, friend: Friend
) -> None:
    shared = facts.program(
        "Shared", draft=factories.terms(attribution={**factories.terms()["attribution"], "model": "linear"})
    )
    ana, ben, cem = person("Ana"), person("Ben", shared), person("Cem", shared)
    buyer = friend()
    for number, each in enumerate((ana, ben, cem), start=1):
        facts.touch(each, buyer, f"2026-03-0{number} 10:00")
    facts.decided(buyer, "2026-03-10 10:00", amount=1_001)
    every = figures(attribution_report(workspace, by="participant", **MARCH), "EUR")
    assert every["actual"] == {"Ana": 1_001, "Ben": 501, "Cem": 500}
    assert every["first_click"] == {"Ana": 1_001, "Ben": 1_001}
    own = attribution_report(workspace, by="participant", program=shared, **MARCH)
    assert figures(own)["actual"] == {"Ben": 500_000, "Cem": 500_000}
    assert own.total.amounts == {"EUR": 1_001}
    assert figures(attribution_report(workspace, by="participant", program=friends, **MARCH))["shapley"] == {
        "Ana": 1_000_000
    }


def test_what_lies_outside_is_left_out(
    facts: Facts, workspace: Workspace, person: Person, friend: Friend
) -> None:
    ana = person("Ana")
    for at, fields in (
        ("2026-02-28 22:59", {}),  # Saturday, a minute before March in Berlin
        ("2026-02-28 23:00", {}),
        ("2026-03-31 21:59", {}),
        ("2026-03-31 22:00", {}),
        ("2026-03-10 10:00", {"status": Conversion.Status.REJECTED}),
        ("2026-03-11 10:00", {"kind": "signup"}),
        ("2026-03-12 10:00", {"currency": "USD", "refunded_minor": 10_000}),
    ):
        customer = friend()
        facts.touch(ana, customer, "2026-02-20 10:00")
        facts.decided(customer, at, **fields)
    facts.decided(friend(), "2026-03-12 10:00")  # nobody's
    report = attribution_report(workspace, by="channel", **MARCH)
    assert figures(report)["actual"] == {"email": 4_000_000}
    assert report.total.amounts == {"EUR": 20_000, "USD": 0}
    signups = attribution_report(workspace, by="channel", kind="signup", **MARCH)
    assert (signups.total.conversions_ppm, signups.total.amounts) == (1_000_000, {})


def test_a_journey_without_a_conversion_is_of_its_kind_and_period(
    facts: Facts, workspace: Workspace, person: Person, friend: Friend
) -> None:
    ana = person("Ana")
    signed_up = friend()
    facts.touch(ana, signed_up, "2026-03-03 10:00")
    facts.decided(signed_up, "2026-03-04 10:00", kind="signup")
    facts.touch(ana, friend(), "2026-02-20 10:00")
    facts.touch(ana, ana.customer, "2026-03-03 10:00")
    every = attribution_report(workspace, by="channel", **MARCH)
    assert (every.converted, every.unconverted) == (1, 0)
    purchases = attribution_report(workspace, by="channel", kind="purchase", **MARCH)
    assert (purchases.converted, purchases.unconverted) == (0, 1)
    assert figures(purchases) == {column: {} for column in queries.COLUMNS}


def test_a_touch_that_does_not_count_is_no_part_of_a_journey(
    facts: Facts, workspace: Workspace, person: Person, friend: Friend
) -> None:
    ana, ben = person("Ana"), person("Ben")
    buyer = friend()
    facts.touch(ana, buyer, "2025-11-01 10:00", "sms")  # older than the window of 90 days
    facts.touch(ben, buyer, "2026-03-02 10:00", "qr")
    facts.touch(ana, buyer, "2026-03-21 10:00", "print")  # after the purchase
    facts.decided(buyer, "2026-03-20 10:00")
    own = person("Own")
    facts.touch(own, own.customer, "2026-03-02 10:00", "x")
    facts.decided(own.customer, "2026-03-20 10:00")
    report = attribution_report(workspace, by="channel", **MARCH)
    assert figures(report) == {column: {"qr": 1_000_000} for column in queries.COLUMNS}
    assert (report.converted, report.unconverted) == (1, 0)


def test_a_customer_who_is_bound_keeps_the_referrer_in_every_model_that_binds(
    facts: Facts, workspace: Workspace, person: Person, friend: Friend
) -> None:
    ana, ben = person("Ana"), person("Ben")
    buyer = friend()
    facts.touch(ana, buyer, "2025-09-01 10:00", "sms")
    facts.decided(buyer, "2025-09-02 10:00")
    facts.decided(buyer, "2026-03-05 10:00", amount=700)
    by_name = attribution_report(workspace, by="participant", **MARCH)
    assert figures(by_name, "EUR")["actual"] == {"Ana": 700}
    assert figures(by_name, "EUR")["shapley"] == figures(by_name, "EUR")["markov"] == {"none": 700}
    by_channel = attribution_report(workspace, by="channel", **MARCH)
    assert figures(by_channel, "EUR") == {column: {"none": 700} for column in queries.COLUMNS}
    facts.touch(ben, buyer, "2026-03-10 10:00", "qr")
    facts.touch(ana, buyer, "2026-03-11 10:00", "x")
    facts.touch(ana, buyer, "2026-03-12 10:00", "email")
    facts.decided(buyer, "2026-03-13 10:00", amount=301)
    assert figures(attribution_report(workspace, by="participant", **MARCH), "EUR")["actual"] == {
        "Ana": 1_001
    }
    shared = figures(attribution_report(workspace, by="channel", **MARCH), "EUR")
    assert shared["actual"] == {"none": 700, "x": 151, "email": 150}
    assert shared["shapley"] == {"none": 700, "email": 101, "qr": 100, "x": 100}


def test_channels_share_one_participants_clicks(
    facts: Facts, workspace: Workspace, person: Person, friend: Friend
) -> None:
    ana, ben = person("Ana"), person("Ben")
    buyer = friend()
    for day, who, channel in ((1, ana, "email"), (2, ana, "sms"), (3, ben, "email"), (4, ben, "qr")):
        facts.touch(who, buyer, f"2026-03-0{day} 10:00", channel)
    facts.decided(buyer, "2026-03-05 10:00", amount=1_000)
    found = figures(attribution_report(workspace, by="channel", **MARCH), "EUR")
    assert found["linear"] == {"email": 500, "sms": 250, "qr": 250}
    assert found["position_based"] == {"email": 500, "sms": 100, "qr": 400}
    assert found["shapley"] == {"email": 334, "sms": 333, "qr": 333}


def test_those_beyond_the_first_share_a_row(
    facts: Facts,
    workspace: Workspace,
    person: Person,
    friend: Friend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("analytics.queries.attribution.TOLD_APART", 1)
    ana, ben, cem = person("Ana"), person("Ben"), person("Cem")
    for people in ((ana, ben), (ana, cem), (ben, cem)):
        buyer = friend()
        for day, each in enumerate(people, start=1):
            facts.touch(each, buyer, f"2026-03-0{day} 10:00", each.display_name)
        if people != (ben, cem):
            facts.decided(buyer, "2026-03-05 10:00", amount=1_000)
    facts.touch(ana, friend(), "2026-03-05 10:00", "Ana")
    report = attribution_report(workspace, by="participant", **MARCH)
    found = figures(report, "EUR")
    assert found["actual"] == {"rest": 2_000}
    assert found["shapley"] == {"Ana": 1_000, "rest": 1_000}
    # Start to Ana 3/4, to the rest 1/4; Ana to the rest 2/3, to null 1/3; the rest to conversion 2/3. Without
    # Ana a third of what converted is left, without the rest nothing: 2/3 and 1 of 5/3.
    assert found["markov"] == {"Ana": 800, "rest": 1_200}
    assert [(row.kind, row.touches) for row in report.rows] == [("one", 3), ("rest", 4)]


def test_of_too_many_decisions_the_latest_are_read(
    facts: Facts,
    workspace: Workspace,
    person: Person,
    friend: Friend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("analytics.queries.attribution.MOST_DECISIONS", 2)
    ana = person("Ana")
    for day in (3, 5, 4):
        buyer = friend()
        facts.touch(ana, buyer, "2026-03-02 10:00")
        facts.touch(ana, friend(), f"2026-03-0{day} 10:00")
        facts.decided(buyer, f"2026-03-0{day} 10:00", amount=day)
    report = attribution_report(workspace, by="channel", **MARCH)
    assert report.since == instant("2026-03-04 10:00")
    assert report.total.amounts == {"EUR": 9}
    assert (report.converted, report.unconverted) == (2, 2)


def test_reports_hold_nothing_of_another_tenant_and_ask_as_often_for_three_as_for_one(
    workspace: Workspace,
    other_workspace: Workspace,
    facts: Facts,
    facts_in: Callable[[Workspace], Facts],
    person: Person,
    friend: Friend,
) -> None:
    with tenant(other_workspace):
        theirs = facts_in(other_workspace)
        zoe = theirs.participant(theirs.program())
        buyer = factories.CustomerFactory.create(workspace=other_workspace)
        theirs.touch(zoe, buyer, "2026-03-02 10:00")
        theirs.decided(buyer, "2026-03-03 10:00")
        assert attribution_report(other_workspace, by="channel", **MARCH).converted == 1
    nothing = attribution_report(workspace, by="channel", **MARCH)
    assert (nothing.rows, nothing.converted, nothing.unconverted) == ((), 0, 0)
    asked = []
    for count in (1, 2):
        for number in range(count):
            buyer = friend()
            facts.touch(person(f"P{number}"), buyer, "2026-03-02 10:00")
            facts.touch(person(f"Q{number}"), friend(), "2026-03-02 10:00")
            facts.decided(buyer, "2026-03-03 10:00")
        with CaptureQueriesContext(connection) as statements:
            report = attribution_report(workspace, by="participant", **MARCH)
        asked.append(len(statements))
    assert report.converted == report.unconverted == 3
    assert asked == [3, 3]
