"""Changes to programs and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.events import emit
from core.money import is_currency
from core.notices import tell_of_change
from core.text import clean_line
from core.transactions import all_or_nothing
from programs.models import Program, ProgramChange, ProgramVersion
from programs.queries import live_version, versions_of
from programs.terms import ProgramKind, TermsInvalid, default_terms, dump_terms, parse_terms, publish_errors

_NEXT: Mapping[str, tuple[str, ...]] = {
    Program.Status.DRAFT: (),
    Program.Status.ACTIVE: (Program.Status.PAUSED, Program.Status.ENDED),
    Program.Status.PAUSED: (Program.Status.ACTIVE, Program.Status.ENDED),
    Program.Status.ENDED: (),
}
"""Status -> those it may change to. Publishing alone leads out of draft, nothing leads out of ended."""


class ProgramEnded(Conflict):
    """The program is over for good."""

    default_code = "program_ended"


class StatusRefused(Conflict):
    """A program in this status cannot change to that one."""

    default_code = "status_refused"


@all_or_nothing
def create_program(
    *, workspace: Workspace, name: str, kind: str, currency: str | None = None, actor: Actor, at: datetime
) -> Program:
    """Create a draft program with its kind's preset terms.

    They are in the workspace's currency unless another is given. Raises Invalid naming `name`, `kind` or
    `currency`.
    """
    name = clean_line(name, param="name", longest=120, required=True)
    if kind not in Program.Kind.values:
        raise Invalid(
            f"A program's kind is one of: {', '.join(Program.Kind.values)}.",
            code="not_a_choice",
            param="kind",
        )
    unit = currency or workspace.currency
    if not is_currency(unit):
        raise Invalid(
            "The currency is not an active ISO 4217 code.", code="unknown_currency", param="currency"
        )
    program = Program.objects.create(
        workspace=workspace,
        name=name,
        kind=kind,
        draft=dump_terms(default_terms(cast(ProgramKind, kind), unit)),
        created_at=at,
    )
    record_audit(
        workspace=workspace,
        actor=actor,
        action="program.created",
        subject=program.public_id,
        after={"name": name, "kind": kind, "currency": unit},
    )
    return program


@all_or_nothing
def update_draft(
    *, program: Program, name: str | None = None, terms: Mapping[str, Any] | None = None, actor: Actor
) -> Program:
    """Replace the draft terms (a whole document, see `programs.terms`) and rename the program.

    The live version stays as it is until the draft is published. Raises TermsInvalid with every fault,
    Invalid naming `name`, and ProgramEnded.
    """
    _lock(program)
    before: dict[str, Any] = {"name": program.name, "terms": program.draft}
    after: dict[str, Any] = {}
    if name is not None:
        after["name"] = clean_line(name, param="name", longest=120, required=True)
    if terms is not None:
        after["terms"] = dump_terms(parse_terms(terms))
    changed = {key: value for key, value in after.items() if value != before[key]}
    _refuse_ended(program)
    if not changed:
        return program
    program.name = after.get("name", program.name)
    program.draft = after.get("terms", program.draft)
    program.save(update_fields=["name", "draft"])
    record_audit(
        workspace=program.workspace,
        actor=actor,
        action="program.updated",
        subject=program.public_id,
        before={key: before[key] for key in changed},
        after=changed,
    )
    return program


@all_or_nothing
def restart_draft(*, program: Program, name: str, kind: str, actor: Actor) -> Program:
    """Rename a program that was never published, and give it another kind with its preset terms.

    The same kind leaves the terms as they are; of another, the currency, where links lead and the words stay.
    Raises Invalid naming `name` or `kind`, and StatusRefused once the program was published.
    """
    name = clean_line(name, param="name", longest=120, required=True)
    if kind not in Program.Kind.values:
        raise Invalid(
            f"A program's kind is one of: {', '.join(Program.Kind.values)}.",
            code="not_a_choice",
            param="kind",
        )
    _lock(program)
    if program.live_version is not None:
        raise StatusRefused("A published program keeps its kind.", param="kind")
    before = {"name": program.name, "kind": program.kind}
    after = {"name": name, "kind": kind}
    if after == before:
        return program
    if kind != program.kind:
        kept = parse_terms(program.draft)
        fresh = replace(
            default_terms(cast(ProgramKind, kind), kept.currency),
            destination_url=kept.destination_url,
            allowed_hosts=kept.allowed_hosts,
            terms_text=kept.terms_text,
            offer_text=kept.offer_text,
        )
        program.draft = dump_terms(fresh)
    program.name, program.kind = name, kind
    program.save(update_fields=["name", "kind", "draft"])
    record_audit(
        workspace=program.workspace,
        actor=actor,
        action="program.updated",
        subject=program.public_id,
        before=before,
        after=after,
    )
    return program


@all_or_nothing
def publish_program(*, program: Program, actor: Actor, at: datetime) -> ProgramVersion:
    """Make the draft the next version and the live one; the first makes the program active.

    Publishing terms that are live already returns their version and changes nothing. Raises TermsInvalid
    naming what is missing, and ProgramEnded.
    """
    _lock(program)
    _refuse_ended(program)
    terms = parse_terms(program.draft)
    missing = publish_errors(terms)
    if missing:
        raise TermsInvalid(missing)
    document = dump_terms(terms)
    live = live_version(program)
    if live is not None and parse_terms(live.terms) == terms:
        return live
    newest = versions_of(program).first()
    version = ProgramVersion.objects.create(
        workspace=program.workspace,
        program=program,
        number=newest.number + 1 if newest else 1,
        terms=document,
        published_at=at,
        published_by=actor.label[:120],
    )
    program.live_version = version.number
    program.save(update_fields=["live_version"])
    if program.status == Program.Status.DRAFT:
        _write_status(program, Program.Status.ACTIVE, actor=actor, reason="", at=at)
    tell_of_change(program.workspace_id)
    record_audit(
        workspace=program.workspace,
        actor=actor,
        action="program.published",
        subject=program.public_id,
        after={"version": version.number},
    )
    emit("program.published", at=at, program=program.public_id, version=version.public_id)
    return version


@all_or_nothing
def change_program_status(
    *, program: Program, status: str, actor: Actor, at: datetime, reason: str = ""
) -> Program:
    """Pause, resume or end a program; asking for the status it has changes nothing.

    Raises Invalid naming `status` or `reason`, and StatusRefused: a draft becomes active by publishing only,
    and an ended program stays ended.
    """
    if status not in Program.Status.values:
        raise Invalid(
            f"A status is one of: {', '.join(Program.Status.values)}.", code="not_a_choice", param="status"
        )
    reason = clean_line(reason, param="reason", longest=500)
    _lock(program)
    before = program.status
    if status == before:
        return program
    if status not in _NEXT[before]:
        way = " Publish it to make it active." if before == Program.Status.DRAFT else ""
        raise StatusRefused(f"A program that is {before} cannot become {status}.{way}", param="status")
    _write_status(program, status, actor=actor, reason=reason, at=at)
    record_audit(
        workspace=program.workspace,
        actor=actor,
        action="program.status_changed",
        subject=program.public_id,
        before={"status": before},
        after={"status": status},
        reason=reason,
    )
    return program


def _lock(program: Program) -> None:
    """Wait for other changes of this program and take its present values."""
    rows = Program.objects.for_workspace(program.workspace_id)
    program.refresh_from_db(from_queryset=rows.select_for_update(no_key=True))


def _refuse_ended(program: Program) -> None:
    if program.status == Program.Status.ENDED:
        raise ProgramEnded("This program has ended.", param="status")


def _write_status(program: Program, status: str, *, actor: Actor, reason: str, at: datetime) -> None:
    ProgramChange.objects.create(
        workspace=program.workspace,
        program=program,
        before=program.status,
        after=status,
        actor=actor.label[:120],
        reason=reason,
        at=at,
    )
    program.status = status
    program.save(update_fields=["status"])
    tell_of_change(program.workspace_id)
