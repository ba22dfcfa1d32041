"""The search over a workspace: what is found by what, in one statement, and by whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User, Workspace
from analytics import queries
from analytics.queries import KINDS
from core.ids import new_public_id
from core.tenancy import tenant
from programs.models import Customer, Participant
from tests import factories
from tests.analytics.conftest import Facts, instant
from tests.conftest import as_owner, make_workspace
from tracking.models import Conversion

AT = instant("2026-03-25 10:00")


def found(workspace: Workspace, text: str) -> dict[str, list[str]]:
    return {group.kind.code: [hit.title for hit in group.hits] for group in queries.search(workspace, text)}


@pytest.fixture
def ana(workspace: Workspace, facts: Facts) -> Participant:
    """A participant with a link and a promo code, whose friend Ben Okafor bought something."""
    program = facts.program("Refer a friend")
    customer = factories.CustomerFactory.create(
        workspace=workspace, name="Ana María Lindqvist", email="ana.l@shop.example", external_id="C-77"
    )
    made = factories.ParticipantFactory.create(
        workspace=workspace, program=program, customer=customer, display_name="Annie"
    )
    facts.links[made.pk] = factories.LinkFactory.create(
        workspace=workspace, participant=made, code="Ana-x7k", code_key="ana-x7k"
    )
    factories.PromoCodeFactory.create(
        workspace=workspace, participant=made, code="LINDQ10", code_key="lindq10"
    )
    friend = factories.CustomerFactory.create(
        workspace=workspace, name="Ben Okafor", email="ben@mail.example", external_id="C-78"
    )
    facts.conversion("2026-03-25 10:00", made, amount=4_990, source_key="LC-5001", customer=friend)
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "lindq",
            {
                "participant": ["Annie"],
                "customer": ["Ana María Lindqvist"],
                "referral": ["Ben Okafor"],
                "promo_code": ["LINDQ10"],
            },
        ),
        (
            "  ana   lind ",
            {"participant": ["Annie"], "customer": ["Ana María Lindqvist"], "referral": ["Ben Okafor"]},
        ),
        ("qvist", {}),
        ("annie", {"participant": ["Annie"], "referral": ["Ben Okafor"]}),
        ("BEN@mail", {"customer": ["Ben Okafor"], "referral": ["Ben Okafor"]}),
        ("@mail", {}),
        ("C-78", {"customer": ["Ben Okafor"], "referral": ["Ben Okafor"]}),
        ("lc-50", {"conversion": ["LC-5001"]}),
        ("#LC-5001", {"conversion": ["LC-5001"]}),
        ("ANA-X", {"participant": ["Annie"], "link": ["Ana-x7k"]}),
        ("https://go.example/r/Ana-x7k?ref=mail", {"participant": ["Annie"], "link": ["Ana-x7k"]}),
        ("refer", {"program": ["Refer a friend"]}),
        ("friend", {"program": ["Refer a friend"]}),
        ("100%", {}),
        ("a", {}),
        ("   ", {}),
        ("l_n", {}),
    ],
)
def test_texts_find_what_they_begin(
    workspace: Workspace, ana: Participant, text: str, expected: dict[str, list[str]]
) -> None:
    assert found(workspace, text) == expected


def test_a_public_id_finds_its_thing_and_nothing_else(workspace: Workspace, ana: Participant) -> None:
    assert found(workspace, ana.public_id) == {"participant": ["Annie"]}
    assert found(workspace, f" {ana.public_id.upper()} ") == {"participant": ["Annie"]}
    assert found(workspace, ana.program.public_id) == {"program": ["Refer a friend"]}
    assert found(workspace, new_public_id("prt")) == found(workspace, new_public_id("rwd")) == {}


def test_a_hit_says_what_it_is_worth_and_where_it_is_shown(workspace: Workspace, ana: Participant) -> None:
    (orders,) = queries.search(workspace, "LC-5001")
    (order,) = orders.hits
    assert (order.title, order.text, order.status) == ("LC-5001", "Ben Okafor", "recorded")
    assert (order.amount_minor, order.unit) == (4_990, "EUR")
    assert order.target == order.public_id
    (code,) = (group for group in queries.search(workspace, "lindq10") if group.kind.code == "promo_code")
    assert code.hits[0].public_id.startswith("pmo_")
    assert code.hits[0].target == ana.public_id
    assert code.hits[0].amount_minor is None


def test_at_most_five_of_a_kind_the_exact_one_first(workspace: Workspace, facts: Facts) -> None:
    for number in (15, 12, 1, 14, 13, 11, 16):
        facts.conversion("2026-03-25 10:00", source_key=f"N-{number}")
    (orders,) = queries.search(workspace, "n-1")
    assert [hit.title for hit in orders.hits] == ["N-1", "N-11", "N-12", "N-13", "N-14"]
    assert orders.more
    kind = orders.kind
    (all_of_it,) = queries.search(workspace, "N-1", kinds=[kind], limit=50)
    assert len(all_of_it.hits) == 7
    assert not all_of_it.more


def test_a_search_is_one_statement(workspace: Workspace, ana: Participant) -> None:
    with CaptureQueriesContext(connection) as asked:
        queries.search(workspace, "ana")
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as asked:
        queries.search(workspace, "a")
    assert len(asked) == 0


def test_nothing_of_another_tenant_is_found(
    workspace: Workspace, other_workspace: Workspace, ana: Participant, facts_in: Callable[[Workspace], Facts]
) -> None:
    with tenant(other_workspace):
        program = facts_in(other_workspace).program("Lindq program")
        zoe = factories.ParticipantFactory.create(
            workspace=other_workspace, program=program, display_name="Lindqzoe"
        )
        assert found(other_workspace, "lindq") == {
            "participant": ["Lindqzoe"],
            "program": ["Lindq program"],
        }
    assert "Lindqzoe" not in found(workspace, "lindq")["participant"]
    assert found(workspace, zoe.public_id) == {}


def test_a_role_sees_the_kinds_it_may_see() -> None:
    assert queries.kinds_for("read_only") == list(KINDS)
    assert queries.kinds_for("nobody") == []


@pytest.mark.django_db(transaction=True)
def test_the_beginnings_of_addresses_and_order_numbers_are_looked_up_in_an_index(owner: User) -> None:
    """As the application's role, under row-level security, which keeps other comparisons from indexes."""
    workspace = make_workspace(owner)
    with tenant(workspace):
        people = Customer.objects.bulk_create(
            Customer(workspace=workspace, external_id=f"own-{n}", email=f"p{n}@mail.example", created_at=AT)
            for n in range(3000)
        )
        Conversion.objects.bulk_create(
            Conversion(
                workspace=workspace,
                kind="purchase",
                customer=person,
                source="api",
                source_key=f"LC-{n}",
                sequence=1,
                occurred_at=AT,
                received_at=AT,
            )
            for n, person in enumerate(people)
        )
    with as_owner() as cursor:
        cursor.execute("ANALYZE programs_customer, tracking_conversion")
    for code, text, index in (
        ("customer", "p1711@mail", "search_customer_email"),
        ("conversion", "lc-2911", "search_source_key"),
    ):
        kinds = [kind for kind in KINDS if kind.code == code]
        with tenant(workspace):
            with CaptureQueriesContext(connection) as asked:
                assert queries.search(workspace, text, kinds=kinds)
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {asked[0]['sql']}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
        assert index in plan, plan
