from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEntry, Workspace
from accounts.services import Actor
from core.errors import Conflict, DomainError, Invalid
from core.models import Event
from core.tenancy import tenant
from programs import queries, services
from programs.codes import ALPHABET
from programs.models import (
    CodeRoute,
    Customer,
    Link,
    Participant,
    Program,
    ProgramChange,
    ProgramVersion,
    PromoCode,
)
from programs.terms import TermsInvalid
from tests.conftest import AT, make_workspace
from tests.factories import (
    CustomerFactory,
    LinkFactory,
    ParticipantFactory,
    ProgramFactory,
    UserFactory,
    terms,
)

ACTOR = Actor(kind="user", label="olga@acme.example")


def audits(workspace: Workspace, action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.for_workspace(workspace).filter(action=action).order_by("pk"))


def events(workspace: Workspace, kind: str) -> list[dict[str, Any]]:
    rows = Event.objects.for_workspace(workspace).filter(kind=kind).order_by("pk")
    return [row.data for row in rows]


def at_once(workspace: Workspace, *calls: Callable[[], Any]) -> list[Any]:
    """Run the calls on connections of their own, started together; returns results or domain errors."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(index: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            with tenant(workspace):
                results[index] = call()
        except DomainError as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def racing_workspace(name: str = "Acme") -> Workspace:
    owner = UserFactory.create(email=f"{name.lower()}@acme.example")
    return make_workspace(owner, name=name)


# Customers


def test_a_new_customer_is_stored_with_the_mailbox(workspace: Workspace) -> None:
    customer = services.identify_customer(
        workspace=workspace,
        external_id=" u-1 ",
        email="Ana.Maria+shop@GMail.com",
        name=" Ana Maria ",
        country="si",
        at=AT,
    )
    customer.refresh_from_db()
    assert (customer.external_id, customer.email, customer.mailbox, customer.name, customer.country) == (
        "u-1",
        "ana.maria+shop@gmail.com",
        "anamaria@gmail.com",
        "Ana Maria",
        "SI",
    )
    assert customer.created_at == AT


def test_an_external_id_finds_its_customer_and_fills_blanks_only(workspace: Workspace) -> None:
    first = services.identify_customer(workspace=workspace, external_id="u-1", name="Ana", at=AT)
    again = services.identify_customer(
        workspace=workspace, external_id="u-1", email="ana@x.example", name="Another", country="SI", at=AT
    )
    assert again.pk == first.pk
    stored = Customer.objects.for_workspace(workspace).get()
    assert (stored.name, stored.email, stored.mailbox, stored.country) == (
        "Ana",
        "ana@x.example",
        "ana@x.example",
        "SI",
    )
    services.identify_customer(workspace=workspace, external_id="u-1", email="other@x.example", at=AT)
    assert Customer.objects.for_workspace(workspace).get().email == "ana@x.example"


def test_the_same_mailbox_is_the_same_customer(workspace: Workspace) -> None:
    first = services.identify_customer(workspace=workspace, email="ana@gmail.com", at=AT)
    tagged = services.identify_customer(workspace=workspace, email="A.na+1@googlemail.com", at=AT)
    assert tagged.pk == first.pk
    assert Customer.objects.for_workspace(workspace).count() == 1


def test_a_customer_known_by_mailbox_takes_the_external_id(workspace: Workspace) -> None:
    first = services.identify_customer(workspace=workspace, email="ana@x.example", at=AT)
    claimed = services.identify_customer(workspace=workspace, external_id="u-1", email="ana@x.example", at=AT)
    assert (claimed.pk, claimed.external_id) == (first.pk, "u-1")


def test_a_mailbox_never_merges_customers_with_different_external_ids(workspace: Workspace) -> None:
    one = services.identify_customer(workspace=workspace, external_id="u-1", email="ana@x.example", at=AT)
    two = services.identify_customer(workspace=workspace, external_id="u-2", email="ana@x.example", at=AT)
    assert one.pk != two.pk
    by_mail = services.identify_customer(workspace=workspace, email="ana@x.example", at=AT)
    assert by_mail.pk == one.pk
    assert Customer.objects.for_workspace(workspace).count() == 2


def test_another_workspace_has_customers_of_its_own(workspace: Workspace, other_workspace: Workspace) -> None:
    mine = services.identify_customer(workspace=workspace, external_id="u-1", at=AT)
    with tenant(other_workspace):
        theirs = services.identify_customer(workspace=other_workspace, external_id="u-1", at=AT)
    assert mine.pk != theirs.pk


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({}, "external_id", "required"),
        ({"external_id": "  "}, "external_id", "required"),
        ({"external_id": "u" * 256}, "external_id", "too_long"),
        ({"external_id": "u\x00"}, "external_id", "invalid_characters"),
        ({"external_id": "u\ud800"}, "external_id", "invalid_characters"),
        ({"email": "ana"}, "email", "invalid_format"),
        ({"email": "ana@x.example\r\nBcc: eve@x.example"}, "email", "invalid_characters"),
        ({"email": "ana@x_y.example"}, "email", "invalid_format"),
        ({"email": "a" * 250 + "@x.example"}, "email", "too_long"),
        ({"external_id": "u", "name": "n" * 121}, "name", "too_long"),
        ({"external_id": "u", "name": "A\x1bna"}, "name", "invalid_characters"),
        ({"external_id": "u", "country": "SVN"}, "country", "invalid_format"),
        ({"external_id": "u", "country": "ß1"}, "country", "invalid_format"),
    ],
)
def test_a_bad_customer_names_the_field_and_stores_nothing(
    workspace: Workspace, given: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        services.identify_customer(workspace=workspace, at=AT, **given)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert Customer.objects.for_workspace(workspace).count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("given", [{"external_id": "u-1"}, {"email": "ana@x.example"}])
def test_identifying_at_once_makes_one_customer(given: dict[str, Any]) -> None:
    workspace = racing_workspace()

    def call() -> Customer:
        return services.identify_customer(workspace=workspace, at=AT, **given)

    found = at_once(workspace, call, call, call, call)
    assert len({customer.pk for customer in found}) == 1
    with tenant(workspace):
        assert Customer.objects.for_workspace(workspace).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_ids_that_claim_one_mailbox_at_once_stay_two_people() -> None:
    workspace = racing_workspace()
    with tenant(workspace):
        known = services.identify_customer(workspace=workspace, email="ana@x.example", at=AT)

    def claim(external_id: str) -> Callable[[], Customer]:
        return lambda: services.identify_customer(
            workspace=workspace, external_id=external_id, email="ana@x.example", at=AT
        )

    one, two = at_once(workspace, claim("u-1"), claim("u-2"))
    assert one.pk != two.pk
    assert known.pk in (one.pk, two.pk)
    assert {one.external_id, two.external_id} == {"u-1", "u-2"}


@pytest.mark.django_db(transaction=True)
def test_a_mailbox_claimed_while_waiting_for_it_is_somebody_elses() -> None:
    workspace = racing_workspace()
    with tenant(workspace):
        known = services.identify_customer(workspace=workspace, email="ana@x.example", at=AT)
    claimed = threading.Event()

    def first() -> Customer:
        customer = services.identify_customer(
            workspace=workspace, external_id="u-1", email="ana@x.example", at=AT
        )
        claimed.set()
        # Long enough for the other to read the row as it was and to wait for its lock.
        time.sleep(1)
        return customer

    def second() -> Customer:
        assert claimed.wait(10)
        return services.identify_customer(
            workspace=workspace, external_id="u-2", email="ana@x.example", at=AT
        )

    one, two = at_once(workspace, first, second)
    assert (one.pk, one.external_id) == (known.pk, "u-1")
    assert (two.pk != known.pk, two.external_id) == (True, "u-2")


@pytest.mark.django_db(transaction=True)
def test_blanks_filled_while_waiting_are_not_filled_again() -> None:
    workspace = racing_workspace()
    with tenant(workspace):
        services.identify_customer(workspace=workspace, external_id="u-1", at=AT)
    filled = threading.Event()

    def name(given: str, *, wait: bool) -> Callable[[], Customer]:
        def call() -> Customer:
            if wait:
                assert filled.wait(10)
            customer = services.identify_customer(workspace=workspace, external_id="u-1", name=given, at=AT)
            if not wait:
                filled.set()
                time.sleep(1)
            return customer

        return call

    one, two = at_once(workspace, name("Ana", wait=False), name("Bo", wait=True))
    assert (one.name, two.name) == ("Ana", "Ana")


def test_endless_collisions_are_given_up_politely(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("programs.services.customers._ATTEMPTS", 0)
    with pytest.raises(Conflict) as refused:
        services.identify_customer(workspace=workspace, external_id="u-1", at=AT)
    assert refused.value.code == "busy"


# Programs


def test_a_new_program_is_a_draft_with_its_kinds_terms(workspace: Workspace) -> None:
    program = services.create_program(
        workspace=workspace, name=" Friends ", kind="affiliate", actor=ACTOR, at=AT
    )
    program.refresh_from_db()
    assert (program.name, program.status, program.live_version) == ("Friends", "draft", None)
    assert program.draft["currency"] == "EUR"
    assert program.draft["rewards"][0]["amount"] == {"type": "percentage", "bps": 2000}
    assert audits(workspace, "program.created")[0].after == {
        "name": "Friends",
        "kind": "affiliate",
        "currency": "EUR",
    }


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"name": " "}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"kind": "lottery"}, "kind"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "PTS"}, "currency"),
    ],
)
def test_a_bad_program_names_the_field(workspace: Workspace, given: dict[str, str], param: str) -> None:
    with pytest.raises(Invalid) as refused:
        services.create_program(
            workspace=workspace, actor=ACTOR, at=AT, **{"name": "Friends", "kind": "customer", **given}
        )
    assert refused.value.param == param
    assert Program.objects.for_workspace(workspace).count() == 0


@pytest.fixture
def draft(workspace: Workspace) -> Program:
    program = services.create_program(
        workspace=workspace, name="Friends", kind="customer", actor=ACTOR, at=AT
    )
    return services.update_draft(program=program, terms=terms(), actor=ACTOR)


def test_a_draft_is_validated_as_a_whole_and_kept_when_refused(workspace: Workspace, draft: Program) -> None:
    with pytest.raises(TermsInvalid) as refused:
        services.update_draft(
            program=draft, name="Renamed", terms=terms(hold_days=-1, approval="never"), actor=ACTOR
        )
    assert refused.value.param == "hold_days"
    assert [error["param"] for error in refused.value.details["errors"]] == ["hold_days", "approval"]
    stored = Program.objects.for_workspace(workspace).get()
    assert (stored.name, stored.draft) == ("Friends", terms())


def test_saving_the_same_draft_leaves_no_trace(workspace: Workspace, draft: Program) -> None:
    before = len(audits(workspace, "program.updated"))
    services.update_draft(program=draft, name="Friends", terms=terms(), actor=ACTOR)
    assert len(audits(workspace, "program.updated")) == before
    services.update_draft(program=draft, name="Family", actor=ACTOR)
    assert audits(workspace, "program.updated")[-1].after == {"name": "Family"}


def test_publishing_makes_an_immutable_version_and_activates(workspace: Workspace, draft: Program) -> None:
    version = services.publish_program(program=draft, actor=ACTOR, at=AT)
    draft.refresh_from_db()
    assert (version.number, version.terms, version.published_at, version.published_by) == (
        1,
        terms(),
        AT,
        "olga@acme.example",
    )
    assert (draft.status, draft.live_version) == ("active", 1)
    change = ProgramChange.objects.for_workspace(workspace).get()
    assert (change.before, change.after, change.actor, change.at) == (
        "draft",
        "active",
        "olga@acme.example",
        AT,
    )
    assert events(workspace, "program.published") == [
        {"program": draft.public_id, "version": version.public_id}
    ]
    assert audits(workspace, "program.published")[0].after == {"version": 1}

    services.update_draft(program=draft, terms=terms(hold_days=7), actor=ACTOR)
    assert queries.live_terms(draft).hold_days == 30
    assert services.publish_program(program=draft, actor=ACTOR, at=AT).number == 2
    assert queries.live_terms(draft).hold_days == 7
    assert ProgramVersion.objects.for_workspace(workspace).get(number=1).terms["hold_days"] == 30


def test_publishing_what_is_live_changes_nothing(workspace: Workspace, draft: Program) -> None:
    first = services.publish_program(program=draft, actor=ACTOR, at=AT)
    assert services.publish_program(program=draft, actor=ACTOR, at=AT).pk == first.pk
    assert ProgramVersion.objects.for_workspace(workspace).count() == 1
    assert len(events(workspace, "program.published")) == 1


def test_incomplete_terms_are_not_published(workspace: Workspace, draft: Program) -> None:
    services.update_draft(program=draft, terms=terms(destination_url="", rewards=[]), actor=ACTOR)
    with pytest.raises(Invalid) as refused:
        services.publish_program(program=draft, actor=ACTOR, at=AT)
    assert refused.value.param == "destination_url"
    assert [error["param"] for error in refused.value.details["errors"]] == ["destination_url", "rewards"]
    draft.refresh_from_db()
    assert (draft.status, draft.live_version) == ("draft", None)
    assert ProgramVersion.objects.for_workspace(workspace).count() == 0
    assert events(workspace, "program.published") == []


def test_publishing_while_paused_does_not_resume(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, status="paused", draft=terms())
    services.update_draft(program=program, terms=terms(hold_days=1), actor=ACTOR)
    assert services.publish_program(program=program, actor=ACTOR, at=AT).number == 2
    program.refresh_from_db()
    assert program.status == "paused"


def test_an_ended_program_is_not_changed(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace, status="ended")
    with pytest.raises(services.ProgramEnded):
        services.update_draft(program=program, name="Again", actor=ACTOR)
    with pytest.raises(services.ProgramEnded):
        services.publish_program(program=program, actor=ACTOR, at=AT)
    program.refresh_from_db()
    assert (program.name, program.live_version) == ("Refer a friend", 1)


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("draft", "active", False),
        ("draft", "paused", False),
        ("draft", "ended", False),
        ("active", "paused", True),
        ("active", "ended", True),
        ("active", "draft", False),
        ("paused", "active", True),
        ("paused", "ended", True),
        ("paused", "draft", False),
        ("ended", "active", False),
        ("ended", "paused", False),
        ("ended", "draft", False),
    ],
)
def test_a_status_changes_along_the_table_only(
    workspace: Workspace, before: str, after: str, allowed: bool
) -> None:
    program = ProgramFactory.create(workspace=workspace, status=before)

    def change() -> Program:
        return services.change_program_status(
            program=program, status=after, actor=ACTOR, at=AT, reason="Summer"
        )

    if allowed:
        change()
        written = ProgramChange.objects.for_workspace(workspace).get()
        assert (written.before, written.after, written.reason) == (before, after, "Summer")
        assert audits(workspace, "program.status_changed")[0].reason == "Summer"
    else:
        with pytest.raises(services.StatusRefused) as refused:
            change()
        assert refused.value.param == "status"
        assert ProgramChange.objects.for_workspace(workspace).count() == 0
    program.refresh_from_db()
    assert program.status == (after if allowed else before)


def test_asking_for_the_status_it_has_changes_nothing(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    services.change_program_status(program=program, status="active", actor=ACTOR, at=AT)
    assert ProgramChange.objects.for_workspace(workspace).count() == 0
    with pytest.raises(Invalid) as refused:
        services.change_program_status(program=program, status="running", actor=ACTOR, at=AT)
    assert refused.value.param == "status"


@pytest.mark.django_db(transaction=True)
def test_publishing_at_once_numbers_the_versions_without_gaps() -> None:
    workspace = racing_workspace()
    with tenant(workspace):
        program = ProgramFactory.create(workspace=workspace, status="draft", live_version=None)

    def publish(hold_days: int) -> Callable[[], int]:
        def call() -> int:
            mine = Program.objects.for_workspace(workspace).get()
            services.update_draft(program=mine, terms=terms(hold_days=hold_days), actor=ACTOR)
            return services.publish_program(program=mine, actor=ACTOR, at=AT).number

        return call

    assert sorted(at_once(workspace, publish(1), publish(2), publish(3))) == [1, 2, 3]
    with tenant(workspace):
        program = Program.objects.for_workspace(workspace).get()
        assert (program.status, program.live_version) == ("active", 3)
        assert ProgramChange.objects.for_workspace(workspace).count() == 1


@pytest.mark.django_db(transaction=True)
def test_publishing_the_same_draft_twice_at_once_makes_one_version() -> None:
    workspace = racing_workspace()
    with tenant(workspace):
        ProgramFactory.create(workspace=workspace, status="draft", live_version=None)

    def call() -> int:
        mine = Program.objects.for_workspace(workspace).get()
        return services.publish_program(program=mine, actor=ACTOR, at=AT).number

    assert at_once(workspace, call, call) == [1, 1]
    with tenant(workspace):
        assert events(workspace, "program.published") == [
            {
                "program": Program.objects.for_workspace(workspace).get().public_id,
                "version": ProgramVersion.objects.for_workspace(workspace).get().public_id,
            }
        ]


# Participants


def test_enrolling_makes_a_participant_with_a_readable_link(workspace: Workspace) -> None:
    program = ProgramFactory.create(workspace=workspace)
    customer = CustomerFactory.create(workspace=workspace, name="Ána Žagar")
    participant, created = services.enrol_participant(program=program, customer=customer, actor=ACTOR, at=AT)
    assert created
    assert (participant.display_name, participant.status, participant.enrolled_at) == ("Ána", "active", AT)
    link = Link.objects.for_workspace(workspace).get()
    base, _, random_part = link.code.partition("-")
    assert base == "ana"
    assert len(random_part) == 3
    assert set(random_part) <= set(ALPHABET)
    assert not set(ALPHABET) & set("0o1li")
    assert queries.resolve_code(link.code.upper()) == queries.ResolvedLink(workspace.pk, link.pk)
    assert events(workspace, "participant.enrolled") == [
        {"participant": participant.public_id, "program": program.public_id, "customer": customer.public_id}
    ]
    assert len(audits(workspace, "participant.enrolled")) == 1

    again, created = services.enrol_participant(
        program=program, customer=customer, display_name="Other", actor=ACTOR, at=AT
    )
    assert (again.pk, again.display_name, created) == (participant.pk, "Ána", False)
    assert Link.objects.for_workspace(workspace).count() == 1
    assert len(events(workspace, "participant.enrolled")) == 1


@pytest.mark.parametrize(
    ("name", "given", "shown", "base"),
    [
        ("", "", "", "friend"),
        ("ana@x.example", "", "", "friend"),
        ("Ana ana@x.example", "", "", "friend"),
        ("Ana", "Team Ana!", "Team Ana!", "team-ana"),
        ("王 小明", "", "王", "friend"),
        ("", "Bartholomew the Magnificent", "Bartholomew the Magnificent", "bartholomew-the-magn"),
    ],
)
def test_a_display_name_is_never_an_address(
    workspace: Workspace, name: str, given: str, shown: str, base: str
) -> None:
    customer = CustomerFactory.create(workspace=workspace, name=name, email="ana@x.example")
    participant, _ = services.enrol_participant(
        program=ProgramFactory.create(workspace=workspace),
        customer=customer,
        display_name=given,
        actor=ACTOR,
        at=AT,
    )
    assert participant.display_name == shown
    assert Link.objects.for_workspace(workspace).get().code.rpartition("-")[0] == base


@pytest.mark.parametrize("status", ["draft", "paused", "ended"])
def test_only_an_active_program_enrols(workspace: Workspace, status: str) -> None:
    program = ProgramFactory.create(workspace=workspace, status=status)
    known = ParticipantFactory.create(workspace=workspace, program=program)
    with pytest.raises(services.ProgramNotActive) as refused:
        services.enrol_participant(
            program=program, customer=CustomerFactory.create(workspace=workspace), actor=ACTOR, at=AT
        )
    assert refused.value.param == "program"
    assert Participant.objects.for_workspace(workspace).count() == 1
    same, created = services.enrol_participant(program=program, customer=known.customer, actor=ACTOR, at=AT)
    assert (same.pk, created) == (known.pk, False)


@pytest.mark.django_db(transaction=True)
def test_enrolling_at_once_makes_one_participant_and_one_link() -> None:
    workspace = racing_workspace()
    with tenant(workspace):
        program = ProgramFactory.create(workspace=workspace)
        customer = CustomerFactory.create(workspace=workspace)

    def call() -> tuple[int, bool]:
        participant, created = services.enrol_participant(
            program=program, customer=customer, actor=ACTOR, at=AT
        )
        assert Link.objects.for_workspace(workspace).count() == 1
        return participant.pk, created

    found = at_once(workspace, call, call, call)
    assert len({pk for pk, _ in found}) == 1
    assert sorted(created for _, created in found) == [False, False, True]
    with tenant(workspace):
        assert Participant.objects.for_workspace(workspace).count() == 1
        assert len(events(workspace, "participant.enrolled")) == 1


def test_suspending_needs_a_reason_and_is_audited(workspace: Workspace) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    with pytest.raises(Invalid) as refused:
        services.update_participant(participant=participant, status="suspended", actor=ACTOR)
    assert refused.value.param == "reason"
    services.update_participant(
        participant=participant, status="suspended", reason="Self-referrals", actor=ACTOR
    )
    entry = audits(workspace, "participant.suspended")[0]
    assert (entry.before, entry.after, entry.reason) == (
        {"status": "active"},
        {"status": "suspended"},
        "Self-referrals",
    )
    with pytest.raises(services.ParticipantSuspended):
        services.create_link(participant=participant, actor=ACTOR, at=AT)
    with pytest.raises(services.ParticipantSuspended):
        services.create_promo_code(participant=participant, code="ANA10", actor=ACTOR, at=AT)
    services.update_participant(participant=participant, status="active", actor=ACTOR)
    assert len(audits(workspace, "participant.reactivated")) == 1
    participant.refresh_from_db()
    assert participant.status == "active"


def test_the_audit_shows_only_that_a_name_was_changed(workspace: Workspace) -> None:
    participant = ParticipantFactory.create(workspace=workspace, display_name="")
    for _ in range(2):
        services.update_participant(participant=participant, display_name="Ana", actor=ACTOR)
    [entry] = audits(workspace, "participant.updated")
    assert entry.after == {"display_name": "(a name)"}


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"status": "gone"}, "status"),
        ({"display_name": "n" * 61}, "display_name"),
        ({"reason": "r" * 501}, "reason"),
    ],
)
def test_a_bad_change_of_a_participant_names_the_field(
    workspace: Workspace, given: dict[str, str], param: str
) -> None:
    participant = ParticipantFactory.create(workspace=workspace, display_name="Ana")
    with pytest.raises(Invalid) as refused:
        services.update_participant(participant=participant, actor=ACTOR, **given)
    assert refused.value.param == param
    participant.refresh_from_db()
    assert (participant.display_name, participant.status) == ("Ana", "active")


# Links and codes


def test_a_vanity_code_keeps_its_spelling_and_compares_in_small_letters(workspace: Workspace) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    link = services.create_link(participant=participant, code="Ana-Loves-2", actor=ACTOR, at=AT)
    assert (link.code, link.code_key) == ("Ana-Loves-2", "ana-loves-2")
    assert link.referral_url.endswith("/r/Ana-Loves-2")
    with pytest.raises(services.CodeTaken) as refused:
        services.create_link(participant=participant, code="ANA-LOVES-2", actor=ACTOR, at=AT)
    assert (refused.value.message, refused.value.param) == ("This code is taken.", "code")
    assert Link.objects.for_workspace(workspace).count() == 1
    assert len(audits(workspace, "link.created")) == 1


def test_a_code_taken_elsewhere_gives_the_same_answer(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        LinkFactory.create(workspace=other_workspace, code="ana")
    participant = ParticipantFactory.create(workspace=workspace)
    with pytest.raises(services.CodeTaken) as refused:
        services.create_link(participant=participant, code="Ana", actor=ACTOR, at=AT)
    assert (refused.value.message, refused.value.code) == ("This code is taken.", "code_taken")
    assert Link.objects.for_workspace(workspace).count() == 0
    assert CodeRoute.objects.for_workspace(workspace).count() == 0


@pytest.mark.parametrize(
    "code",
    ["ab", "a" * 41, "-ana", "ana-", "ana_k", "ana k", "aná", "ANA\n", "ana/k", "ªna", "admin", "Sign-In"],
)
def test_a_bad_code_is_refused(workspace: Workspace, code: str) -> None:
    participant = ParticipantFactory.create(workspace=workspace)
    for create in (services.create_link, services.create_promo_code):
        with pytest.raises(Invalid) as refused:
            create(participant=participant, code=code, actor=ACTOR, at=AT)
        assert refused.value.param == "code"
    assert Link.objects.for_workspace(workspace).count() == 0
    assert PromoCode.objects.for_workspace(workspace).count() == 0


def test_the_random_part_grows_when_codes_are_taken(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    participant = ParticipantFactory.create(workspace=workspace, display_name="Ana")
    monkeypatch.setattr("programs.codes.secrets.choice", lambda options: options[0])
    codes = [services.create_link(participant=participant, actor=ACTOR, at=AT).code for _ in range(8)]
    assert codes == [f"ana-{'b' * length}" for length in range(3, 11)]
    with pytest.raises(services.CodeTaken):
        services.create_link(participant=participant, actor=ACTOR, at=AT)


def test_a_link_may_lead_to_the_programs_hosts_only(workspace: Workspace) -> None:
    program = ProgramFactory.create(
        workspace=workspace, draft=terms(allowed_hosts=["shop.example", "blog.example"])
    )
    participant = ParticipantFactory.create(workspace=workspace, program=program)
    link = services.create_link(
        participant=participant, destination_url="https://blog.example/ana", actor=ACTOR, at=AT
    )
    assert link.destination_url == "https://blog.example/ana"
    with pytest.raises(Invalid) as refused:
        services.create_link(
            participant=participant, destination_url="https://evil.example/", actor=ACTOR, at=AT
        )
    assert refused.value.param == "destination_url"
    assert Link.objects.for_workspace(workspace).count() == 1


def test_archiving_keeps_the_code_taken(workspace: Workspace) -> None:
    link = LinkFactory.create(workspace=workspace, code="ana")
    services.archive_link(link=link, actor=ACTOR, at=AT)
    services.archive_link(link=link, actor=ACTOR, at=AT)
    link.refresh_from_db()
    assert link.status == "archived"
    assert len(audits(workspace, "link.archived")) == 1
    with pytest.raises(services.CodeTaken):
        services.create_link(participant=link.participant, code="ana", actor=ACTOR, at=AT)


@pytest.mark.django_db(transaction=True)
def test_one_code_claimed_at_once_in_two_workspaces_goes_to_one() -> None:
    workspaces = [racing_workspace("Acme"), racing_workspace("Umbrella")]
    participants = []
    for workspace in workspaces:
        with tenant(workspace):
            participants.append(ParticipantFactory.create(workspace=workspace))

    def claim(index: int) -> Callable[[], Link]:
        def call() -> Link:
            with tenant(workspaces[index]):
                return services.create_link(participant=participants[index], code="ana", actor=ACTOR, at=AT)

        return call

    results = at_once(workspaces[0], claim(0), claim(1))
    assert sorted(type(result).__name__ for result in results) == ["CodeTaken", "Link"]
    winner = next(result for result in results if isinstance(result, Link))
    assert queries.resolve_code("ana") == queries.ResolvedLink(winner.workspace_id, winner.pk)


def test_a_promo_code_belongs_to_one_participant(workspace: Workspace) -> None:
    promo = services.create_promo_code(
        participant=ParticipantFactory.create(workspace=workspace), code="ANA10", actor=ACTOR, at=AT
    )
    assert (promo.code, promo.code_key, promo.status) == ("ANA10", "ana10", "active")
    with pytest.raises(Conflict) as refused:
        services.create_promo_code(
            participant=ParticipantFactory.create(workspace=workspace), code="ana10", actor=ACTOR, at=AT
        )
    assert refused.value.message == "This code is taken."
    assert [code.pk for code in queries.promo_codes_named(workspace, ["Ana10", " nobody "])] == [promo.pk]


def test_many_people_are_identified_as_one_after_another(
    workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    known = services.identify_customer(
        workspace=workspace, external_id="c-1", email="ana@acme.example", at=AT
    )
    by_mail = services.identify_customer(workspace=workspace, email="bo@acme.example", at=AT)
    people = [
        services.Person(at=AT, external_id="c-1", name="Ana Ruiz"),
        services.Person(at=AT, external_id="c-2", email="Bo@acme.example"),
        services.Person(at=AT, external_id="c-3", email="cy@acme.example", country="fr"),
        services.Person(at=AT, external_id="c-3"),
        services.Person(at=AT, email="cy@acme.example"),
        services.Person(at=AT, external_id="c-4", email="cy@acme.example"),
    ]
    found = services.identify_customers(workspace=workspace, people=people)
    assert found[:2] == [known, by_mail]
    assert (found[0].name, found[1].external_id) == ("Ana Ruiz", "c-2")
    assert found[2] == found[3] == found[4]
    assert (found[2].country, found[2].created_at) == ("FR", AT)
    # The same mailbox with an id of its own is somebody else.
    assert found[5] not in found[:5]
    with django_assert_max_num_queries(8):
        new = services.identify_customers(
            workspace=workspace, people=[services.Person(at=AT, external_id=f"n-{n}") for n in range(50)]
        )
    assert len({each.pk for each in new}) == 50
    assert services.identify_customers(workspace=workspace, people=[]) == []


def test_people_whom_somebody_else_stores_meanwhile_are_found(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = services.identify_customer(workspace=workspace, external_id="c-1", at=AT)
    monkeypatch.setattr("programs.services.customers.customers_named", lambda *args, **kwargs: [])
    people = [services.Person(at=AT, external_id="c-0"), services.Person(at=AT, external_id="c-1")]
    assert services.identify_customers(workspace=workspace, people=people)[1] == known
