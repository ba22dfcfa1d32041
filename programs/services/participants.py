"""Changes to participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, DomainError, Invalid
from core.events import emit
from core.text import clean_line
from core.transactions import all_or_nothing
from programs.models import Customer, Participant, Program
from programs.services.customers import identify_customer
from programs.services.links import create_link


class CustomerErased(Conflict):
    """Whoever was erased takes part in nothing any more."""

    default_code = "customer_erased"


class ProgramNotActive(Conflict):
    """Only an active program takes in participants."""

    default_code = "program_not_active"


@all_or_nothing
def enrol_participant(
    *, program: Program, customer: Customer, display_name: str = "", actor: Actor, at: datetime
) -> tuple[Participant, bool]:
    """Enrol a customer and make the first link; returns the participant and whether they are new.

    Enrolling again returns the participant as they are, in any state of the program. Without a display name,
    friends see the first word of the customer's name. Raises CustomerErased, ProgramNotActive, and Invalid
    naming `display_name`.
    """
    shown = clean_line(display_name, param="display_name", longest=60)
    if not shown and "@" not in customer.name:
        shown = next(iter(customer.name.split()), "")[:60]
    rows = Participant.objects.for_workspace(program.workspace_id).select_related("program", "customer")
    known = rows.filter(program_id=program.pk, customer_id=customer.pk)
    participant = known.first()
    if participant is not None:
        return participant, False
    refuse_erased(customer)
    if program.status != Program.Status.ACTIVE:
        raise ProgramNotActive(f"This program is {program.status} and takes in nobody.", param="program")
    try:
        with transaction.atomic():
            participant = Participant.objects.create(
                workspace=program.workspace,
                program=program,
                customer=customer,
                display_name=shown,
                enrolled_at=at,
            )
    except IntegrityError:
        # Somebody else enrolled the same customer; the insert waited for their commit, link included.
        return known.get(), False
    create_link(participant=participant, actor=actor, at=at)
    record_audit(
        workspace=program.workspace,
        actor=actor,
        action="participant.enrolled",
        subject=participant.public_id,
        after={"program": program.public_id, "customer": customer.public_id},
    )
    emit(
        "participant.enrolled",
        at=at,
        participant=participant.public_id,
        program=program.public_id,
        customer=customer.public_id,
    )
    return participant, True


@all_or_nothing
def enrol_person(
    *,
    program: Program,
    external_id: str | None = None,
    email: str = "",
    name: str = "",
    country: str = "",
    attributes: Mapping[str, Any] | None = None,
    display_name: str = "",
    actor: Actor,
    at: datetime,
) -> tuple[Participant, bool]:
    """Enrol whoever these facts identify, as `identify_customer` and `enrol_participant` together do."""
    customer = identify_customer(
        workspace=program.workspace,
        external_id=external_id,
        email=email,
        name=name,
        country=country,
        attributes=attributes,
        at=at,
    )
    return enrol_participant(
        program=program, customer=customer, display_name=display_name, actor=actor, at=at
    )


@all_or_nothing
def update_participant(
    *,
    participant: Participant,
    display_name: str | None = None,
    status: str | None = None,
    reason: str = "",
    actor: Actor,
) -> Participant:
    """Change what is given. Suspending needs a reason.

    The audit shows only that a name was changed, because what it holds cannot be erased. Raises
    CustomerErased, and Invalid naming `display_name`, `status` or `reason`.
    """
    reason = clean_line(reason, param="reason", longest=500)
    given: dict[str, str] = {}
    if display_name is not None:
        given["display_name"] = clean_line(display_name, param="display_name", longest=60)
    if status is not None:
        if status not in Participant.Status.values:
            raise Invalid("A participant is active or suspended.", code="not_a_choice", param="status")
        given["status"] = status
    rows = Participant.objects.for_workspace(participant.workspace_id)
    participant.refresh_from_db(from_queryset=rows.select_for_update(no_key=True))
    refuse_erased(participant.customer)
    before = {field: getattr(participant, field) for field in given}
    changed = {field: value for field, value in given.items() if value != before[field]}
    if changed.get("status") == Participant.Status.SUSPENDED and not reason:
        raise Invalid("Say why this participant is suspended.", code="required", param="reason")
    if not changed:
        return participant
    for field, value in changed.items():
        setattr(participant, field, value)
    participant.save(update_fields=list(changed))
    record_audit(
        workspace=participant.workspace_id,
        actor=actor,
        action=_action(changed),
        subject=participant.public_id,
        before={field: _shown(field, before[field]) for field in changed},
        after={field: _shown(field, value) for field, value in changed.items()},
        reason=reason,
    )
    return participant


@dataclass(frozen=True, slots=True)
class Invited:
    """What became of one invited person: `invited`, `known` (takes part already) or `refused`, and why."""

    email: str
    outcome: str
    sentence: str
    participant: Participant | None = None


@all_or_nothing
def invite_people(
    *, program: Program, people: Sequence[tuple[str, str]], actor: Actor, at: datetime
) -> list[Invited]:
    """Enrol people given as name (or nothing) and address; each who is new gets the invitation by e-mail.

    One who is refused, by a bad address for example, stops nobody else. Raises ProgramNotActive.
    """
    if program.status != Program.Status.ACTIVE:
        raise ProgramNotActive(f"This program is {program.status} and takes in nobody.", param="program")
    found = []
    for name, email in people:
        try:
            participant, created = enrol_person(program=program, email=email, name=name, actor=actor, at=at)
        except DomainError as error:
            found.append(Invited(email, "refused", error.message))
            continue
        if created:
            found.append(Invited(email, "invited", "The invitation is on its way.", participant))
        else:
            found.append(Invited(email, "known", "Takes part already.", participant))
    return found


@all_or_nothing
def set_statuses(
    *, workspace: Workspace, public_ids: Sequence[str], status: str, reason: str, actor: Actor
) -> list[tuple[Participant, str]]:
    """Suspend or reactivate several participants; returns each with why it was refused, or nothing.

    Ids of nobody in the workspace are passed over. Raises Invalid naming `status` or `reason`.
    """
    if status == Participant.Status.SUSPENDED and not reason.strip():
        raise Invalid("Say why they are suspended.", code="required", param="reason")
    chosen = list(
        Participant.objects.for_workspace(workspace)
        .select_related("customer", "program", "workspace")
        .filter(public_id__in=list(public_ids))
        .order_by("public_id")
    )
    found = []
    for participant in chosen:
        if participant.customer.erased_at is not None:
            found.append((participant, "Was erased, and stays as they are."))
            continue
        if participant.status == status:
            found.append((participant, f"Is {participant.get_status_display().lower()} already."))
            continue
        update_participant(participant=participant, status=status, reason=reason, actor=actor)
        found.append((participant, ""))
    return found


def refuse_erased(customer: Customer) -> None:
    """Raise CustomerErased for somebody whose data was deleted."""
    if customer.erased_at is not None:
        raise CustomerErased("This person's data was erased at their wish; they take part in nothing.")


def _action(changed: dict[str, str]) -> str:
    status = changed.get("status")
    if status is None:
        return "participant.updated"
    return "participant.suspended" if status == Participant.Status.SUSPENDED else "participant.reactivated"


def _shown(field: str, value: str) -> str:
    if field == "display_name":
        return "(a name)" if value else ""
    return value
