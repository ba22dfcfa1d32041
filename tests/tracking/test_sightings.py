"""Identifiers that tell people apart: kept as keyed hashes, and compared."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Workspace
from programs.models import Customer, Participant, Program
from tests import factories
from tests.tracking.conftest import NOW, Clicker
from tests.tracking.test_disorder import told
from tracking import services
from tracking.identifiers import Traces, digest_of
from tracking.models import Conversion, FraudCase, FraudSignal, Sighting


def rules(conversion: Conversion) -> dict[str, str]:
    """Return what was found about a conversion: the rules and the outcome."""
    rows = FraudSignal.objects.for_workspace(conversion.workspace_id).filter(conversion=conversion)
    return {row.rule: row.outcome for row in rows}


def test_nothing_that_was_told_is_kept_as_it_is(workspace: Workspace, friend: Customer) -> None:
    traces = Traces(
        browser="vis_one",
        device="tablet-7",
        address="203.0.113.9",
        payment="card-4711",
        postal="Main Street 1, 12345",
        user_agent="curl/8.9",
    )
    told(workspace, friend, "inv-1", at=NOW, traces=traces)
    rows = Sighting.objects.for_workspace(workspace)
    assert sorted(rows.values_list("kind", flat=True)) == [
        "address",
        "agent",
        "browser",
        "device",
        "payment",
        "postal",
    ]
    kept = " ".join(rows.values_list("digest", flat=True))
    for secret in ("vis_one", "tablet", "203.0", "4711", "Main", "main", "curl"):
        assert secret not in kept
    assert rows.get(kind="agent").digest == "data_centre"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.9", "203.0.113.9", True),
        ("203.0.113.9", "::ffff:203.0.113.9", True),
        ("2001:db8::1", "2001:0db8:0:0::1", True),
        ("203.0.113.9", "203.0.113.8", False),
    ],
)
def test_one_address_has_one_hash_however_it_is_written(one: str, other: str, same: bool) -> None:
    first, second = (Traces(address=text).digests(NOW)["address"] for text in (one, other))
    assert (first == second) is same


def test_an_address_is_another_the_next_month_and_nonsense_is_none() -> None:
    traces = Traces(address="203.0.113.9")
    assert traces.digests(NOW) != traces.digests(NOW + timedelta(days=31))
    assert Traces(address="nobody").digests(NOW) == {}
    assert digest_of("device", "a") != digest_of("payment", "a")


def test_a_friend_in_the_participants_browser_is_held(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    services.note_sighting(customer=ana.customer, traces=Traces(browser="vis_friend"), at=NOW)
    services.note_sighting(customer=ana.customer, traces=Traces(browser="vis_friend"), at=NOW)
    assert Sighting.objects.for_workspace(workspace).count() == 1
    bought = told(workspace, friend, "inv-1", at=NOW, click=click(ana))
    assert rules(bought) == {"same_device": "hold"}
    case = FraudCase.objects.for_workspace(workspace).get()
    assert (case.status, case.reason, case.score) == ("open", "same_device", 60)


def test_a_household_is_not_held(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    home = Traces(address="203.0.113.9")
    services.note_sighting(customer=ana.customer, traces=home, at=NOW)
    bought = told(workspace, friend, "inv-1", at=NOW, click=click(ana), traces=home)
    assert rules(bought) == {"same_ip": "allow"}
    assert not FraudCase.objects.for_workspace(workspace).exists()


@pytest.mark.parametrize(
    ("traces", "rule", "outcome"),
    [
        (Traces(payment="card-1"), "same_payment", "hold"),
        (Traces(device="tablet"), "same_device", "hold"),
        (Traces(postal="Main Street 1"), "same_postal", "allow"),
    ],
)
def test_what_both_use_is_found(
    workspace: Workspace,
    ana: Participant,
    friend: Customer,
    click: Clicker,
    traces: Traces,
    rule: str,
    outcome: str,
) -> None:
    told(workspace, ana.customer, "own", at=NOW - timedelta(days=2), traces=traces)
    bought = told(workspace, friend, "inv-1", at=NOW, click=click(ana), traces=traces)
    assert rules(bought) == {rule: outcome}


def test_friends_on_one_device_are_a_ring(workspace: Workspace, ana: Participant, click: Clicker) -> None:
    found = []
    for number in range(4):
        someone = factories.CustomerFactory.create(workspace=workspace)
        # A day apart, so that it is no burst.
        at = NOW - timedelta(days=4 - number)
        visit = click(ana, visitor=f"vis_{number}", days_ago=5)
        found.append(
            told(workspace, someone, f"inv-{number}", at=at, click=visit, traces=Traces(device="tablet"))
        )
    assert [rules(each) for each in found] == [{}, {}, {"ring": "hold"}, {"ring": "hold"}]


def test_many_orders_from_one_device_within_an_hour(
    workspace: Workspace, ana: Participant, click: Clicker
) -> None:
    click(ana)
    outcomes = []
    for number in range(5):
        someone = factories.CustomerFactory.create(workspace=workspace)
        bought = told(
            workspace,
            someone,
            f"inv-{number}",
            at=NOW - timedelta(minutes=50 - 10 * number),
            click=click(ana, visitor=f"vis_{number}"),
            traces=Traces(device="kiosk"),
        )
        outcomes.append("velocity_device" in rules(bought))
    assert outcomes == [False, False, False, True, True]


def test_two_who_refer_each_other_are_a_circle(
    workspace: Workspace, program: Program, ana: Participant, friend: Customer, click: Clicker
) -> None:
    told(workspace, friend, "inv-1", at=NOW - timedelta(days=1), click=click(ana, days_ago=2))
    fay = factories.ParticipantFactory.create(workspace=workspace, program=program, customer=friend)
    back = told(workspace, ana.customer, "inv-2", at=NOW, click=click(fay, visitor="vis_ana"))
    assert rules(back) == {"circular": "hold"}


def test_one_person_under_another_id_is_known(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    told(workspace, friend, "inv-1", at=NOW - timedelta(days=1))
    again = factories.CustomerFactory.create(workspace=workspace, mailbox=friend.mailbox)
    bought = told(workspace, again, "inv-2", at=NOW, click=click(ana))
    assert rules(bought) == {"known_person": "hold"}


def test_an_order_that_two_sources_tell_counts_once(
    workspace: Workspace, ana: Participant, friend: Customer, click: Clicker
) -> None:
    first = told(workspace, friend, "LC-1", at=NOW, click=click(ana))
    fact = services.ConversionFact(
        kind="purchase",
        customer=friend,
        source="con_shop",
        source_key="LC-1",
        amount_minor=10_000,
        currency="EUR",
        occurred_at=NOW,
        at=NOW,
    )
    second = services.record_conversion(workspace=workspace, fact=fact).conversion
    assert rules(first) == {}
    assert rules(second) == {"duplicate_order": "deny"}


def test_who_sends_everything_back_is_looked_at(
    workspace: Workspace, ana: Participant, click: Clicker
) -> None:
    for number in range(6):
        someone = factories.CustomerFactory.create(workspace=workspace)
        bought = told(
            workspace,
            someone,
            f"inv-{number}",
            at=NOW - timedelta(days=10 - number),
            click=click(ana, visitor=f"vis_{number}", days_ago=12),
        )
        if number < 5:
            services.record_refund(
                conversion=bought, source_key="r", amount_minor=10_000, occurred_at=NOW, at=NOW
            )
    assert rules(bought) == {"refund_rate": "allow"}
