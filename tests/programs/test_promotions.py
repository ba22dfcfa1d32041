"""Seasons in which a program gives more: when they are, for whom, and how they change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM
from core.errors import DomainError, Invalid
from programs import promotion_queries, services
from programs.conditions import Facts
from programs.models import Participant, Program, Promotion
from programs.promotions import (
    Member,
    announced,
    in_audience,
    months,
    multiplier_text,
    promotion_for,
    season,
    standing,
)
from tests import factories
from tests.factories import AT
from tests.rewards import builders

ANA = Member(country="DE", enrolled_at=datetime(2026, 1, 1, tzinfo=UTC))
MONDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 6)


@dataclass(frozen=True)
class Plain:
    pk: int
    starts_at: datetime
    ends_at: datetime
    stopped_at: datetime | None = None
    audience: dict[str, Any] = field(default_factory=dict)


def on(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "zone", "first", "after"),
    [
        # East and west of Greenwich, and a day's difference between the two ends of the world.
        ("2026-11-27", "2026-11-30", "UTC", "2026-11-27 00:00", "2026-12-01 00:00"),
        ("2026-11-27", "2026-11-30", "Europe/Berlin", "2026-11-26 23:00", "2026-11-30 23:00"),
        ("2026-11-27", "2026-11-30", "America/Los_Angeles", "2026-11-27 08:00", "2026-12-01 08:00"),
        ("2026-11-27", "2026-11-27", "Pacific/Kiritimati", "2026-11-26 10:00", "2026-11-27 10:00"),
        ("2026-11-27", "2026-11-27", "Pacific/Pago_Pago", "2026-11-27 11:00", "2026-11-28 11:00"),
        ("2026-11-27", "2026-11-27", "Asia/Kolkata", "2026-11-26 18:30", "2026-11-27 18:30"),
        # The day on which clocks go forward has 23 hours, the one on which they go back 25.
        ("2026-03-29", "2026-03-29", "Europe/Berlin", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("2026-10-25", "2026-10-25", "Europe/Berlin", "2026-10-24 22:00", "2026-10-25 23:00"),
        ("2026-03-28", "2026-03-30", "Europe/Berlin", "2026-03-27 23:00", "2026-03-30 22:00"),
        ("2026-11-01", "2026-11-01", "America/New_York", "2026-11-01 04:00", "2026-11-02 05:00"),
        # Clocks that jump over midnight, and a midnight that comes twice.
        ("2026-09-06", "2026-09-06", "America/Santiago", "2026-09-06 04:00", "2026-09-07 03:00"),
        ("2026-04-04", "2026-04-05", "America/Santiago", "2026-04-04 03:00", "2026-04-06 04:00"),
        # Over the end of a month, of a year, and of a February in a leap year.
        ("2026-12-31", "2027-01-01", "Europe/Berlin", "2026-12-30 23:00", "2027-01-01 23:00"),
        ("2028-02-29", "2028-02-29", "Europe/Berlin", "2028-02-28 23:00", "2028-02-29 23:00"),
    ],
)
def test_days_are_those_of_the_zone(starts_on: str, ends_on: str, zone: str, first: str, after: str) -> None:
    found = season(date.fromisoformat(starts_on), date.fromisoformat(ends_on), zone)
    assert found == (on(first), on(after))


@given(
    st.dates(date(2025, 1, 1), date(2030, 12, 31)),
    st.sampled_from(["Europe/Berlin", "America/Santiago", "Asia/Tehran", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 40),
)
def test_each_instant_lies_in_one_of_the_days(first: date, zone: str, days: int) -> None:
    """A season is its days one after another: nothing between them, and nothing twice."""
    last = first + timedelta(days=days)
    edges = [
        season(first + timedelta(days=number), first + timedelta(days=number), zone)
        for number in range(days + 1)
    ]
    assert [each[1] for each in edges[:-1]] == [each[0] for each in edges[1:]]
    assert season(first, last, zone) == (edges[0][0], edges[-1][1])


def test_its_first_instant_counts_and_the_first_one_after_does_not() -> None:
    starts_at, ends_at = season(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    one = Plain(1, starts_at, ends_at)
    tick = timedelta(microseconds=1)
    found = {
        at: promotion_for([one], at, ANA) is one
        for at in (starts_at - tick, starts_at, ends_at - tick, ends_at)
    }
    assert list(found.values()) == [False, True, True, False]
    assert [standing(one, at) for at in found] == ["coming", "running", "running", "over"]


def test_the_first_one_made_counts_and_a_stopped_one_until_then() -> None:
    day = timedelta(days=1)
    first = Plain(1, AT, AT + 9 * day, stopped_at=AT + 3 * day)
    second = Plain(2, AT - day, AT + 5 * day)
    by_day = [promotion_for([second, first], AT + number * day, ANA) for number in range(-2, 6)]
    assert [each and each.pk for each in by_day] == [None, 2, 1, 1, 1, 2, 2, None]
    assert [standing(first, AT + number * day) for number in (-1, 1, 4, 20)] == ["stopped"] * 4
    assert standing(Plain(3, AT, AT + day, stopped_at=AT + 2 * day), AT + 3 * day) == "over"


@pytest.mark.parametrize(
    ("audience", "belongs"),
    [
        ({}, True),
        ({"countries": []}, True),
        ({"countries": ["AT", "DE"]}, True),
        ({"countries": ["AT"]}, False),
        ({"enrolled_from": "2026-01-01T00:00:00+00:00"}, True),
        ({"enrolled_from": "2026-01-01T00:00:01+00:00"}, False),
        ({"enrolled_until": "2026-01-01T00:00:00+00:00"}, False),
        ({"enrolled_until": "2026-01-01T00:00:01+00:00"}, True),
        ({"enrolled_from": "2025-12-31", "enrolled_until": "2026-01-02"}, True),
        ({"countries": ["DE"], "enrolled_until": "2025-12-31"}, False),
    ],
)
def test_an_audience(audience: dict[str, Any], belongs: bool) -> None:
    assert in_audience(audience, ANA) is belongs
    assert promotion_for([Plain(1, AT, AT + timedelta(days=1), audience=audience)], AT, ANA) == (
        Plain(1, AT, AT + timedelta(days=1), audience=audience) if belongs else None
    )


def test_who_has_no_country_is_in_no_country() -> None:
    nowhere = Member(country="", enrolled_at=AT)
    assert in_audience({"countries": ["DE"]}, nowhere) is False
    assert in_audience({}, nowhere) is True


def test_what_starts_within_a_week_is_announced() -> None:
    day = timedelta(days=1)
    soon, sooner = Plain(1, AT + 5 * day, AT + 9 * day), Plain(2, AT + 2 * day, AT + 3 * day)
    late, stopped = Plain(3, AT + 8 * day, AT + 9 * day), Plain(4, AT + day, AT + 9 * day, stopped_at=AT)
    assert announced([soon, sooner, late, stopped], AT, ANA) == sooner
    assert announced([late, stopped], AT, ANA) is None
    assert announced([soon], AT + 5 * day, ANA) is None


def test_wording_and_months() -> None:
    assert [multiplier_text(bps) for bps in (20_000, 15_000, 10_100, 100_000, 12_345)] == [
        "2×",
        "1.5×",
        "1.01×",
        "10×",
        "1.2345×",
    ]
    assert months(date(2026, 11, 22), 3) == [
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 31)),
    ]


@pytest.fixture
def berlin(workspace: Workspace) -> Workspace:
    """The workspace in Berlin."""
    Workspace.objects.for_workspace(workspace).update(time_zone="Europe/Berlin")
    workspace.time_zone = "Europe/Berlin"
    return workspace


@pytest.fixture
def shop(berlin: Workspace) -> Program:
    """A program with 10 % for the referrer."""
    return builders.program(berlin)


def make(program: Program, **changes: Any) -> Promotion:
    values: dict[str, Any] = {
        "name": "Spring",
        "starts_on": FRIDAY,
        "ends_on": date(2026, 4, 1),
        "multiplier_bps": 20_000,
        "actor": SYSTEM,
        "at": AT,
        **changes,
    }
    return services.make_promotion(program=program, **values)


@pytest.mark.django_db
def test_making_a_promotion(shop: Program) -> None:
    made = make(
        shop,
        banner=" Double rewards ",
        audience={"countries": ["DE", "AT"], "enrolled_from": "2026-03-29", "enrolled_until": "2026-03-29"},
    )
    made.refresh_from_db()
    assert (made.name, made.banner, made.multiplier_bps, made.replacements) == (
        "Spring",
        "Double rewards",
        20_000,
        {},
    )
    # The clocks go forward on 29 March.
    assert (made.starts_at, made.ends_at) == (on("2026-03-05 23:00"), on("2026-04-01 22:00"))
    assert made.audience == {
        "countries": ["AT", "DE"],
        "enrolled_from": "2026-03-28T23:00:00+00:00",
        "enrolled_until": "2026-03-29T22:00:00+00:00",
    }
    audit = AuditEntry.objects.for_workspace(shop.workspace).get(action="promotion.made")
    assert audit.after is not None
    assert (audit.subject, audit.after["ends_on"]) == (made.public_id, "2026-04-01")


@pytest.mark.django_db
def test_one_that_starts_today_starts_now(shop: Program) -> None:
    """What happened this morning was settled under another promise."""
    made = make(shop, starts_on=MONDAY)
    assert made.starts_at == AT
    # It is past midnight in Berlin already, and still the day before in London.
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    with pytest.raises(Invalid) as refused:
        make(shop, starts_on=MONDAY, at=late)
    assert refused.value.param == "starts_on"
    assert make(shop, starts_on=date(2026, 3, 3), at=late).starts_at == late


@pytest.mark.django_db
def test_replacing_amounts(shop: Program) -> None:
    made = make(shop, multiplier_bps=10_000, replacements={"commission": {"type": "percentage", "bps": 2500}})
    assert made.replacements == {"commission": {"type": "percentage", "bps": 2500}}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"name": ""}, "name"),
        ({"banner": "x" * 201}, "banner"),
        ({"banner": "a\nb"}, "banner"),
        ({"ends_on": date(2026, 3, 5)}, "ends_on"),
        ({"ends_on": date(2027, 3, 7)}, "ends_on"),
        ({"starts_on": date(2026, 3, 1)}, "starts_on"),
        ({"multiplier_bps": 10_000}, "multiplier_bps"),
        ({"multiplier_bps": 10_099}, "multiplier_bps"),
        ({"multiplier_bps": 100_001}, "multiplier_bps"),
        ({"replacements": {"commission": {"type": "fixed", "minor": 1}}}, "multiplier_bps"),
        ({"multiplier_bps": 10_000, "replacements": {"x": {"type": "fixed", "minor": 1}}}, "replacements.x"),
        (
            {"multiplier_bps": 10_000, "replacements": {"commission": {"type": "percentage", "bps": 10_001}}},
            "replacements.commission.amount.bps",
        ),
        (
            {"multiplier_bps": 10_000, "replacements": {"commission": {"type": "gift"}}},
            "replacements.commission.amount.type",
        ),
        ({"multiplier_bps": 10_000, "replacements": {"commission": 5}}, "replacements.commission.amount"),
        ({"audience": {"countries": ["de"]}}, "audience.countries"),
        ({"audience": {"countries": "DE"}}, "audience.countries"),
        ({"audience": {"enrolled_from": "soon"}}, "audience.enrolled_from"),
        (
            {"audience": {"enrolled_from": "2026-02-02", "enrolled_until": "2026-02-01"}},
            "audience.enrolled_until",
        ),
        ({"audience": {"age": 3}}, "audience.age"),
    ],
)
@pytest.mark.django_db
def test_a_refusal_names_the_field(shop: Program, changes: dict[str, Any], param: str) -> None:
    with pytest.raises(Invalid) as refused:
        make(shop, **changes)
    assert refused.value.param == param
    assert not Promotion.objects.for_workspace(shop.workspace).exists()


@pytest.mark.django_db
def test_an_ended_program_gives_nothing_more(shop: Program) -> None:
    Program.objects.for_workspace(shop.workspace).update(status=Program.Status.ENDED)
    shop.refresh_from_db()
    with pytest.raises(DomainError) as refused:
        make(shop)
    assert refused.value.code == "program_ended"


def edit(promotion: Promotion, at: datetime = AT, **changes: Any) -> Promotion:
    return services.edit_promotion(promotion=promotion, changes=changes, actor=SYSTEM, at=at)


@pytest.mark.django_db
def test_everything_changes_before_the_start(shop: Program) -> None:
    made = make(shop)
    changed = edit(made, starts_on=date(2026, 3, 29), ends_on=date(2026, 3, 29), multiplier_bps=30_000)
    assert (changed.starts_at, changed.ends_at, changed.multiplier_bps) == (
        on("2026-03-28 23:00"),
        on("2026-03-29 22:00"),
        30_000,
    )
    edit(changed, name="Spring")
    actions = AuditEntry.objects.for_workspace(shop.workspace).filter(action="promotion.edited")
    assert [entry.after for entry in actions] == [
        {"starts_on": "2026-03-29", "ends_on": "2026-03-29", "multiplier_bps": 30_000}
    ]


@pytest.mark.django_db
def test_a_change_of_the_zone_moves_no_promise(shop: Program) -> None:
    made = make(shop)
    before = made.starts_at, made.ends_at
    Workspace.objects.for_workspace(shop.workspace).update(time_zone="America/Los_Angeles")
    changed = edit(made, name="Spring again")
    assert (changed.starts_at, changed.ends_at) == before
    changed = edit(made, ends_on=date(2026, 4, 2))
    assert (changed.starts_at, changed.ends_at) == (before[0], on("2026-04-03 07:00"))


@pytest.mark.django_db
def test_what_runs_keeps_its_promise(shop: Program) -> None:
    made = make(shop)
    running = on("2026-03-10 12:00")
    for name, value in {
        "starts_on": date(2026, 3, 11),
        "multiplier_bps": 30_000,
        "audience": {"countries": ["DE"]},
    }.items():
        with pytest.raises(DomainError) as refused:
            edit(made, running, **{name: value})
        assert (refused.value.code, refused.value.param) == ("promotion_running", name)
    with pytest.raises(Invalid) as late:
        edit(made, running, ends_on=date(2026, 3, 9))
    assert late.value.param == "ends_on"
    changed = edit(made, running, ends_on=date(2026, 3, 10), banner="Last day")
    assert (changed.banner, changed.ends_at) == ("Last day", on("2026-03-10 23:00"))
    with pytest.raises(DomainError) as over:
        edit(made, on("2026-03-10 23:00"), name="x")
    assert over.value.code == "promotion_over"


@pytest.mark.django_db
def test_stopping_is_for_good(shop: Program) -> None:
    made = make(shop)
    running = on("2026-03-10 12:00")
    for later in range(2):
        stopped = services.stop_promotion(
            promotion=made, reason="Sold out", actor=SYSTEM, at=running + timedelta(days=later)
        )
        assert (stopped.status, stopped.stopped_at) == ("stopped", running)
    assert AuditEntry.objects.for_workspace(shop.workspace).filter(action="promotion.stopped").count() == 1
    with pytest.raises(DomainError) as refused:
        edit(made, running, name="x")
    assert refused.value.code == "promotion_over"
    other = make(shop, starts_on=MONDAY, ends_on=MONDAY)
    with pytest.raises(DomainError) as refused:
        services.stop_promotion(promotion=other, actor=SYSTEM, at=on("2026-03-04 12:00"))
    assert refused.value.code == "promotion_over"


@pytest.mark.django_db
def test_what_a_participant_is_shown(shop: Program) -> None:
    customer = factories.CustomerFactory.create(workspace=shop.workspace, country="DE")
    ana: Participant = builders.participant(shop, customer=customer)
    abroad = make(shop, name="Abroad", starts_on=MONDAY, audience={"countries": ["FR"]})
    running = make(shop, name="Running", starts_on=MONDAY, ends_on=date(2026, 3, 4))
    coming = make(shop, name="Coming", starts_on=date(2026, 3, 8))
    make(shop, name="Later", starts_on=date(2026, 3, 20))
    assert promotion_queries.shown_to(ana, AT, friends=int) == (running, coming)
    services.stop_promotion(promotion=running, actor=SYSTEM, at=AT + timedelta(hours=1))
    assert promotion_queries.shown_to(ana, AT + timedelta(hours=1), friends=int) == (None, coming)
    assert set(promotion_queries.promotions_of(shop)) > {abroad, running, coming}


def asks(*leaves: tuple[Any, ...], joint: str = "all") -> dict[str, Any]:
    names = ("fact", "op", "value")
    return {"conditions": {joint: [dict(zip(names, leaf, strict=False)) for leaf in leaves]}}


TEAM = ("referrer.attributes.team", "is", 7)
ABROAD = ("customer.country", "is_not", "DE")


def test_an_audience_by_conditions() -> None:
    team = replace(ANA, facts=Facts({"referrer.attributes.team": 7}))
    assert in_audience(asks(TEAM), team)
    assert not in_audience(asks(TEAM), ANA)
    assert not in_audience(asks(TEAM, ABROAD), team)
    assert in_audience(
        asks(TEAM, ABROAD), replace(team, facts=Facts({**team.facts.known, "customer.country": "FR"}))
    )
    # Before an order nobody knows who will buy; what is not known of the referrer keeps out all the same.
    assert in_audience(asks(TEAM, ABROAD), replace(team, friend_known=False))
    assert in_audience(asks(ABROAD, joint="none"), replace(team, friend_known=False))
    assert not in_audience(asks(TEAM, ABROAD), replace(ANA, friend_known=False))
    assert not in_audience({"countries": ["FR"], **asks(TEAM)}, team)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("leaf", "param"),
    [
        (("order.amount_minor", "at_least", 1), "audience.conditions.all.0.fact"),
        (("customer.is_new", "is", True), "audience.conditions.all.0.fact"),
        (("referrer.friends", "at_least", "1"), "audience.conditions.all.0.value"),
    ],
)
def test_an_audience_asks_for_people_only(shop: Program, leaf: tuple[Any, ...], param: str) -> None:
    with pytest.raises(Invalid) as refused:
        make(shop, audience=asks(leaf))
    assert refused.value.param == param


@pytest.mark.django_db
def test_an_audience_by_conditions_is_kept_said_and_shown(shop: Program) -> None:
    customer = factories.CustomerFactory.create(workspace=shop.workspace, attributes={"team": 7})
    ana: Participant = builders.participant(shop, customer=customer)
    ben: Participant = builders.participant(shop)
    audience = asks(TEAM, ("customer.revenue_minor", "at_most", 5000), ("referrer.friends", "at_least", 2))
    made = make(shop, starts_on=MONDAY, audience=audience)
    assert made.audience == audience
    assert promotion_queries.audience_sentence(made) == (
        "Participants if the referrer's “team” is 7 and the revenue of earlier purchases is at most €50.00 "
        "and the number of the referrer's friends who had bought is at least 2"
    )
    later = AT + timedelta(hours=1)
    assert promotion_queries.shown_to(ana, later, friends=lambda: 2) == (made, None)
    assert promotion_queries.shown_to(ana, later, friends=lambda: 1) == (None, None)
    assert promotion_queries.shown_to(ben, later, friends=lambda: 2) == (None, None)
    tomorrow = edit(make(shop, starts_on=FRIDAY, ends_on=FRIDAY), audience={"conditions": None})
    assert tomorrow.audience == {}
