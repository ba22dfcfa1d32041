"""Exchange rates that come in, which of them counts, and what was waiting for one."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Workspace
from core.errors import Invalid
from core.models import Event
from core.tenancy import tenant
from rewards import handlers, queries, services, tasks
from rewards.exchange import Rate
from rewards.models import EnteredRate, ReferenceRate, Reward
from rewards.reference_files import FileRefused
from rewards.services import Imported
from tests.conftest import make_workspace
from tests.factories import AT, UserFactory
from tests.rewards.builders import conversion, participant, person, program, refund, rule, settled
from tests.rewards.test_races import at_once

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)
FRIDAY = date(2026, 2, 27)
HISTORY = b"Date,USD,JPY,GBP,CYP,\n2026-03-02,1.0854,163.45,0.85,N/A,\n2026-02-27,1.09,N/A,0.86,N/A,\n"


def enter(
    workspace: Workspace, base: str, quote: str, rate: str, on: date = MONDAY, at: datetime = AT
) -> EnteredRate:
    return services.enter_rate(
        workspace=workspace, base=base, quote=quote, on=on, rate=Decimal(rate), actor=person(), at=at
    )


def told(workspace: Workspace) -> list[Any]:
    rows = Event.objects.for_workspace(workspace).filter(kind="rates.changed").order_by("pk")
    return [row.data["source"] for row in rows]


def test_importing_again_changes_nothing(db: None) -> None:
    first = services.import_reference_rates(content=HISTORY, at=AT)
    assert first == Imported(new=5, changed=0, known=0, newest=MONDAY)
    again = services.import_reference_rates(content=HISTORY, at=AT + timedelta(hours=1))
    assert again == Imported(new=0, changed=0, known=5, newest=MONDAY)
    assert set(ReferenceRate.objects.values_list("imported_at")) == {(AT,)}
    corrected = services.import_reference_rates(content=HISTORY.replace(b"1.09,", b"1.091,"), at=AT)
    assert corrected == Imported(new=0, changed=1, known=4, newest=MONDAY)
    assert ReferenceRate.objects.get(currency="USD", on=FRIDAY).per_euro == Decimal("1.091")


def test_a_refused_file_stores_nothing() -> None:
    with pytest.raises(FileRefused, match="Line 3: 'x' for USD"):
        services.import_reference_rates(content=HISTORY.replace(b"1.09,", b"x,"), at=AT)
    with pytest.raises(FileRefused, match="has not come yet"):
        services.import_reference_rates(content=HISTORY, at=AT - timedelta(days=1))
    assert not ReferenceRate.objects.exists()


def test_the_banks_rates_by_way_of_the_euro(workspace: Workspace) -> None:
    services.import_reference_rates(content=HISTORY, at=AT)
    rates = queries.rates_for(
        workspace,
        {
            ("USD", "EUR", MONDAY),
            ("EUR", "USD", MONDAY),
            ("USD", "GBP", date(2026, 3, 1)),
            ("JPY", "EUR", date(2026, 3, 1)),
            ("USD", "EUR", MONDAY + timedelta(days=7)),
            ("USD", "EUR", MONDAY + timedelta(days=8)),
            ("EUR", "EUR", MONDAY),
            ("CHF", "USD", MONDAY),
        },
    )
    assert rates == {
        ("USD", "EUR", MONDAY): Rate(Fraction(10_000, 10_854), "ecb", MONDAY),
        ("EUR", "USD", MONDAY): Rate(Fraction(10_854, 10_000), "ecb", MONDAY),
        # Sunday takes Friday's.
        ("USD", "GBP", date(2026, 3, 1)): Rate(Fraction(86, 109), "ecb", FRIDAY),
        ("JPY", "EUR", date(2026, 3, 1)): None,
        ("USD", "EUR", MONDAY + timedelta(days=7)): Rate(Fraction(10_000, 10_854), "ecb", MONDAY),
        ("USD", "EUR", MONDAY + timedelta(days=8)): None,
        ("EUR", "EUR", MONDAY): Rate(Fraction(1), "same", MONDAY),
        ("CHF", "USD", MONDAY): None,
    }


def test_an_entered_rate_wins_and_stays(workspace: Workspace, other_workspace: Workspace) -> None:
    services.import_reference_rates(content=HISTORY, at=AT)
    enter(workspace, "EUR", "USD", "1.25", on=FRIDAY)
    pair, later = ("USD", "EUR", MONDAY), ("USD", "EUR", MONDAY + timedelta(days=900))
    before = ("USD", "EUR", FRIDAY - timedelta(days=1))
    expected = Rate(Fraction(4, 5), "entered", FRIDAY)
    assert queries.rates_for(workspace, {pair, later, before}) == {
        pair: expected,
        later: expected,
        before: None,
    }
    enter(workspace, "USD", "EUR", "0.9")
    assert queries.rates_for(workspace, {pair}) == {pair: Rate(Fraction(9, 10), "entered", MONDAY)}
    with tenant(other_workspace):
        other = queries.rates_for(other_workspace, {pair})
    assert other == {pair: Rate(Fraction(10_000, 10_854), "ecb", MONDAY)}


def test_two_entered_rates_of_the_euro_make_a_third(workspace: Workspace) -> None:
    enter(workspace, "EUR", "USD", "1.10")
    enter(workspace, "EUR", "GBP", "0.84", on=FRIDAY)
    pair = ("USD", "GBP", MONDAY)
    assert queries.rates_for(workspace, {pair}) == {pair: None}
    enter(workspace, "EUR", "GBP", "0.88")
    assert queries.rates_for(workspace, {pair}) == {pair: Rate(Fraction(4, 5), "entered", MONDAY)}


def test_two_queries_for_any_number_of_pairs(workspace: Workspace) -> None:
    days = [MONDAY + timedelta(days=number) for number in range(40)]
    pairs = {(code, "EUR", each) for each in days for code in ("USD", "JPY", "GBP", "EUR")}
    with CaptureQueriesContext(connection) as captured:
        queries.rates_for(workspace, pairs)
    assert len(captured) == 2


def test_entering_a_rate(workspace: Workspace) -> None:
    row = enter(workspace, "USD", "EUR", "0.92131")
    assert enter(workspace, "USD", "EUR", "0.921310").pk == row.pk
    assert told(workspace) == ["entered"]
    changed = enter(workspace, "USD", "EUR", "0.93", at=AT + timedelta(hours=1))
    assert (changed.pk, changed.rate, changed.entered_at) == (
        row.pk,
        Decimal("0.93"),
        AT + timedelta(hours=1),
    )
    assert told(workspace) == ["entered", "entered"]
    audit = AuditEntry.objects.for_workspace(workspace).filter(action="rate.entered").order_by("pk")
    full = {"base": "USD", "quote": "EUR", "on": "2026-03-02"}
    assert [(each.before, each.after) for each in audit] == [
        (None, {**full, "rate": "0.92131"}),
        ({"rate": "0.92131"}, {**full, "rate": "0.93"}),
    ]


@pytest.mark.parametrize(
    ("base", "quote", "rate", "on", "param"),
    [
        ("usd", "EUR", "1", MONDAY, "base"),
        ("USD", "PTS", "1", MONDAY, "quote"),
        ("USD", "USD", "1", MONDAY, "quote"),
        ("USD", "EUR", "0", MONDAY, "rate"),
        ("USD", "EUR", "-1", MONDAY, "rate"),
        ("USD", "EUR", "NaN", MONDAY, "rate"),
        ("USD", "EUR", "1e12", MONDAY, "rate"),
        ("USD", "EUR", "0.1234567890123", MONDAY, "rate"),
        ("USD", "EUR", "1", MONDAY + timedelta(days=1), "on"),
        ("USD", "EUR", "1", date(1998, 12, 31), "on"),
    ],
)
def test_a_refused_rate_names_the_field(
    workspace: Workspace, base: str, quote: str, rate: str, on: date, param: str
) -> None:
    with pytest.raises(Invalid) as refused:
        enter(workspace, base, quote, rate, on=on)
    assert refused.value.param == param
    assert not EnteredRate.objects.for_workspace(workspace).exists()


def test_an_uploaded_file_counts_for_its_workspace_alone(workspace: Workspace) -> None:
    def upload() -> Imported:
        return services.enter_reference_file(workspace=workspace, content=HISTORY, actor=person(), at=AT)

    assert upload() == Imported(new=5, changed=0, known=0, newest=MONDAY)
    assert upload() == Imported(new=0, changed=0, known=5, newest=MONDAY)
    assert told(workspace) == ["entered"]
    assert not ReferenceRate.objects.exists()
    pair = ("JPY", "EUR", MONDAY)
    assert queries.rates_for(workspace, {pair}) == {pair: Rate(Fraction(100, 16_345), "entered", MONDAY)}
    audit = AuditEntry.objects.for_workspace(workspace).get(action="rates.uploaded")
    assert audit.after == {"new": 5, "changed": 0, "newest": "2026-03-02"}


def test_an_order_in_another_currency_waits_for_a_rate(workspace: Workspace) -> None:
    """It is never taken one to one: without a rate nothing is owed yet."""
    fact = conversion(participant(program(workspace)), currency="USD")
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert (reward.status, reward.reason, reward.amount_minor) == ("held", "currency_differs", 0)
    assert queries.currencies_waiting(workspace) == [("USD", 1)]
    assert queries.conversions_waiting(workspace, after="", many=5) == [fact]
    assert queries.conversions_waiting(workspace, after=fact.public_id, many=5) == []


def test_a_code_that_waited_for_a_rate_says_what_it_is_for(workspace: Workspace) -> None:
    discount = {"type": "percentage", "bps": 1500}
    gift = rule(kind="discount", amount=None, discount=discount, minimum_order_minor=5000)
    fact = conversion(participant(program(workspace, gift)), currency="USD")
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert (reward.status, reward.reason) == ("held", "currency_differs")
    on = fact.occurred_at.date()
    services.enter_rate(
        workspace=workspace, base="USD", quote="EUR", on=on, rate=Decimal("0.9"), actor=person(), at=AT
    )
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert (reward.status, reward.fulfilment) == ("pending", {"terms": discount})


def test_a_rate_that_changes_later_leaves_what_was_reckoned(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana, currency="USD")

    def entered(rate: str) -> list[Reward]:
        services.enter_rate(
            workspace=workspace,
            base="USD",
            quote="EUR",
            on=fact.occurred_at.date(),
            rate=Decimal(rate),
            actor=person(),
            at=AT,
        )
        return services.settle_conversion(conversion=fact, at=AT)

    (first,) = entered("0.9")
    assert (first.amount_minor, first.base_minor, str(first.rate)) == (900, 9000, "0.900000000000")
    (again,) = entered("0.5")
    assert (again.amount_minor, again.base_minor, again.sentence) == (900, 9000, first.sentence)
    (half,) = services.settle_conversion(conversion=refund(fact, 5000), at=AT)
    assert half.net_minor == 450
    assert settled(ana, currency="USD").amount_minor == 500


def test_a_tier_that_was_reached_meanwhile_is_paid_once(workspace: Workspace) -> None:
    twice = [{"at_least": 2, "amount": {"type": "percentage", "bps": 2000}}]
    ana = participant(program(workspace, rule(tiers=twice, tier_mode="retroactive")))
    fact = conversion(ana, currency="USD")
    services.settle_conversion(conversion=fact, at=AT)
    assert settled(ana).amount_minor == 2000
    on = fact.occurred_at.date()
    services.enter_rate(
        workspace=workspace, base="USD", quote="EUR", on=on, rate=Decimal(1), actor=person(), at=AT
    )
    for _ in range(2):
        rewards = services.settle_conversion(conversion=fact, at=AT)
        assert [(each.step, each.tier, each.amount_minor) for each in rewards] == [(0, 1, 2000)]
    assert queries.differences(workspace) == []


def test_what_waits_is_settled_group_by_group(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "AT_ONCE", 2)
    referrer = participant(program(workspace))
    facts = [conversion(referrer, currency="USD") for _ in range(3)]
    services.settle_conversions(workspace=workspace, due=[(fact, AT) for fact in facts])
    services.tell_of_rates(workspace=workspace, source="ecb", at=AT)
    handlers.on_rates_changed(Event.objects.for_workspace(workspace).get(kind="rates.changed"))
    events = Event.objects.for_workspace(workspace).filter(kind="rates.changed").order_by("pk")
    assert [event.data["after"] for event in events] == ["", facts[1].public_id]
    handlers.on_rates_changed(events[1])
    assert events.count() == 2


def test_only_workspaces_that_wait_hear_of_the_banks_rates(
    workspace: Workspace, other_workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fact = conversion(participant(program(workspace)), currency="USD")
    services.settle_conversion(conversion=fact, at=AT)
    file = tmp_path / "rates.csv"
    file.write_bytes(HISTORY)
    call_command("import_rates", file=file)
    assert capsys.readouterr().out == "5 exchange rates are new or another.\n"
    call_command("import_rates", file=file)
    assert capsys.readouterr().out == "0 exchange rates are new or another.\n"
    with tenant(workspace):
        assert told(workspace) == ["ecb"]
    with tenant(other_workspace):
        assert told(other_workspace) == []


def test_a_file_that_is_none(tmp_path: Path, settings: Any) -> None:
    settings.RATES_URL = ""
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_rates", file=tmp_path / "none.csv")
    with pytest.raises(CommandError, match="RATES_URL is empty"):
        call_command("import_rates", url="")


def test_without_a_network_it_is_one_line_in_the_log(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.RATES_URL = "http://127.0.0.1/rates.xml"
    assert tasks.import_rates() == 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    settings.RATES_URL = ""
    assert tasks.import_rates() == 0
    assert len(caplog.records) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_rate_entered_twice_at_once(transactional_db: None) -> None:
    shop = make_workspace(UserFactory.create(email="olga@acme.example"))
    acts = person()

    def job() -> None:
        services.enter_rate(
            workspace=shop, base="USD", quote="EUR", on=MONDAY, rate=Decimal("0.9"), actor=acts, at=AT
        )

    assert at_once(shop, *[job] * 4) == ["done"] * 4
    with tenant(shop):
        assert EnteredRate.objects.for_workspace(shop).count() == 1
        assert told(shop) == ["entered"]


@pytest.mark.django_db(transaction=True)
def test_a_rate_and_the_order_it_is_for_at_once(transactional_db: None) -> None:
    """Whichever comes first, the order is not left at one to one, and books balance."""
    shop = make_workspace(UserFactory.create(email="olga@acme.example"))
    acts = person()
    with tenant(shop):
        fact = conversion(participant(program(shop)), currency="USD")

    def rate() -> None:
        services.enter_rate(
            workspace=shop, base="USD", quote="EUR", on=MONDAY, rate=Decimal("0.9"), actor=acts, at=AT
        )

    def settle() -> None:
        services.settle_conversion(conversion=fact, at=AT)

    assert at_once(shop, rate, settle) == ["done"] * 2
    with tenant(shop):
        handlers.on_rates_changed(Event.objects.for_workspace(shop).get(kind="rates.changed"))
        (reward,) = Reward.objects.for_workspace(shop)
        assert (reward.amount_minor, reward.reason) in ((0, "currency_differs"), (900, ""), (900, "earned"))
        assert queries.differences(shop) == []


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once(transactional_db: None) -> None:
    shop = make_workspace(UserFactory.create(email="olga@acme.example"))

    def job() -> None:
        services.import_reference_rates(content=HISTORY, at=AT)

    assert at_once(shop, job, job) == ["done"] * 2
    assert ReferenceRate.objects.count() == 5
