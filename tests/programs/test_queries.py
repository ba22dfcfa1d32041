from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Workspace
from core.errors import Conflict
from core.tenancy import tenant
from programs import queries
from programs.models import Participant, Program, ProgramVersion
from programs.terms import default_terms, dump_terms, parse_terms
from tests.conftest import AT
from tests.factories import (
    CustomerFactory,
    LinkFactory,
    ParticipantFactory,
    ProgramFactory,
    PromoCodeFactory,
    terms,
)


def test_the_live_version_is_the_one_the_program_names(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    ProgramVersion.objects.create(
        workspace=workspace,
        program=program,
        number=2,
        terms=terms(hold_days=1),
        published_at=AT,
        published_by="test",
    )
    version = queries.live_version(program)
    assert version is not None
    assert version.number == 1
    assert queries.live_terms(program) == parse_terms(terms())
    assert [row.number for row in queries.versions_of(program)] == [2, 1]


def test_a_program_without_a_version_has_no_live_terms(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, status="draft", live_version=None)
    assert queries.live_version(program) is None
    with pytest.raises(Conflict) as refused:
        queries.live_terms(program)
    assert (refused.value.code, refused.value.param) == ("not_published", "program")
    assert queries.draft_terms(program) == parse_terms(terms())


def test_programs_count_their_own_participants(workspace: Workspace) -> None:
    first = ProgramFactory.create(workspace=workspace)
    second = ProgramFactory.create(workspace=workspace)
    for _ in range(2):
        ParticipantFactory.create(workspace=workspace, program=first)
    rows: Any = queries.programs_of(workspace)
    found = [(row.pk, row.participant_count) for row in rows]
    assert found == [(second.pk, None), (first.pk, 2)]


def test_a_code_resolves_case_blind_from_outside_every_workspace(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        link = LinkFactory.create(workspace=other_workspace, code="Ana-K3f")
    assert queries.resolve_code(" aNA-k3F ") == queries.ResolvedLink(other_workspace.pk, link.pk)


@pytest.mark.parametrize("code", ["", " ", "nobody", "x" * 41, "a\x00b", "ana\n", "ána"])
def test_what_is_no_code_resolves_to_nothing(workspace: Workspace, code: str) -> None:
    LinkFactory.create(workspace=workspace, code="ana-x")
    assert queries.resolve_code(code) is None


def test_promo_codes_are_found_active_and_in_their_own_workspace(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        PromoCodeFactory.create(workspace=other_workspace, code="THEIRS")
    PromoCodeFactory.create(workspace=workspace, code="OLD", status="archived")
    two = PromoCodeFactory.create(workspace=workspace, code="TWO")
    one = PromoCodeFactory.create(workspace=workspace, code="One")
    found = queries.promo_codes_named(workspace, ["two", "ONE", " one ", "old", "theirs", "none"])
    assert [promo.pk for promo in found] == [one.pk, two.pk]


def test_promo_codes_come_with_whom_they_credit(
    workspace: Workspace, django_assert_num_queries: object
) -> None:
    PromoCodeFactory.create(workspace=workspace, code="ONE")
    with django_assert_num_queries(1):  # type: ignore[operator]
        (promo,) = queries.promo_codes_named(workspace, ["one"])
        assert promo.participant.program.status == Program.Status.ACTIVE
        assert promo.participant.customer.pk


def test_participants_are_searched_by_the_beginning_of_a_name_or_address(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    ana = ParticipantFactory.create(
        workspace=workspace,
        program=program,
        display_name="Ana",
        customer=CustomerFactory.create(workspace=workspace, name="Zora Novak", email="z@x.example"),
    )
    bob = ParticipantFactory.create(
        workspace=workspace,
        display_name="Robert",
        status="suspended",
        customer=CustomerFactory.create(workspace=workspace, name="Robert B", email="bob%@x.example"),
    )
    rows = queries.participants_of(workspace)

    def found(**filters: str) -> list[Participant]:
        return list(queries.matching_participants(rows, **filters))

    assert found() == [bob, ana]
    assert found(text="AN") == [ana]
    assert found(text="zora") == [ana]
    assert found(text="bob%") == [bob]
    assert found(text="%") == []
    assert found(text="novak") == []
    assert found(status="suspended") == [bob]
    assert found(program=program.public_id) == [ana]
    assert found(text="ana", status="suspended") == []


def test_customers_are_searched_by_the_beginning_of_a_name_address_or_id(workspace: Workspace) -> None:
    ana = CustomerFactory.create(workspace=workspace, name="Ana", email="x@y.example", external_id="U-1")
    CustomerFactory.create(workspace=workspace, name="Bo", email="bo@y.example", external_id="V-1")
    for text in ("an", "X@", "U-"):
        assert list(queries.customers_of(workspace, text=text)) == [ana]


def test_a_mailbox_finds_the_longest_known(workspace: Workspace) -> None:
    first = CustomerFactory.create(workspace=workspace, external_id="u-1", mailbox="ana@x.example")
    CustomerFactory.create(workspace=workspace, external_id="u-2", mailbox="ana@x.example")

    def named(external_id: str | None, mailbox: str) -> object:
        return queries.customer_named(workspace, external_id=external_id, mailbox=mailbox)

    assert named(None, "ana@x.example") == first
    assert named("u-3", "ana@x.example") is None
    assert named(None, "") is None
    assert queries.mailbox_of("A.na+1@gmail.com") == "ana@gmail.com"
    assert queries.mailbox_of("nobody") == ""


def test_a_participants_links_come_oldest_first_in_two_statements(
    workspace: Workspace, django_assert_num_queries: object
) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    links = [LinkFactory.create(workspace=workspace, participant=participant) for _ in range(3)]
    with django_assert_num_queries(2):  # type: ignore[operator]
        (found,) = queries.participants_with_links(workspace)
        assert list(found.links.all()) == links


def test_every_kind_of_program_starts_with_terms_that_read_back(workspace: Workspace) -> None:
    for kind in ("customer", "b2b", "influencer", "affiliate"):
        document = dump_terms(default_terms(kind, "EUR"))
        program = ProgramFactory.create(workspace=workspace, draft=document)
        program.refresh_from_db()
        assert dump_terms(queries.draft_terms(program)) == document
