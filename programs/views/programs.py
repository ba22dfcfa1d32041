"""Programs: listed, shown, published, paused and ended, and their versions."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import lists
from core.answers import parts_of
from core.errors import DomainError
from core.paging import page_of
from programs import queries, services
from programs.facts import changes, facts
from programs.forms import ProgramFilterForm
from programs.tables import ProgramTable
from programs.terms import TermsInvalid, headline, publish_errors, summary
from programs.views.editor import program_named


@require_safe
@console_view("view")
def program_list(request: ConsoleRequest) -> HttpResponseBase:
    """List the programs."""
    slug = request.workspace.slug
    manages = allows(request.member.role, "manage_programs")
    return lists.answer(
        request,
        "programs/program_list.html",
        table=ProgramTable,
        rows=queries.programs_of(request.workspace),
        filters=ProgramFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="gift",
            title="No programs yet",
            text="A program says who earns what when a friend buys. Setting one up takes ten minutes.",
            action_url=reverse("program_new", args=[slug]) if manages else "",
            action_label="Set up a program",
        ),
    )


@require_safe
@console_view("view")
def program_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show what a program promises, how it goes, and what its draft would change."""
    program = program_named(request, public_id)
    version = queries.live_version(program)
    live = None if version is None else queries.terms_of(version)
    draft = queries.draft_terms(program)
    shown = live or draft
    return render(
        request,
        "programs/program_detail.html",
        {
            "program": program,
            "version": version,
            "promises": summary(shown),
            "facts": facts(shown),
            "changes": changes(live, draft) if live else [],
            "missing": publish_errors(draft),
            "headline": headline(shown),
            "parts": parts_of("program", program),
        },
    )


@require_safe
@console_view("view")
def program_versions(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """List a program's versions, and when it was paused or resumed."""
    program = program_named(request, public_id)
    context = {
        "program": program,
        "page": page_of(request, queries.versions_of(program), per_page=20),
        "steps": [
            {
                "title": f"{step.before.capitalize()} → {step.after}",
                "text": step.reason,
                "at": step.at,
                "actor": step.actor,
            }
            for step in queries.changes_of(program)[:50]
        ],
    }
    return render(request, "programs/program_versions.html", context)


@require_POST
@console_view("manage_programs")
def program_publish(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Publish the draft."""
    program = program_named(request, public_id)
    try:
        version = services.publish_program(program=program, actor=request.actor, at=request.at)
    except TermsInvalid as error:
        for fault in error.errors:
            messages.error(request, fault.message)
        if program.live_version is None:
            return redirect("program_setup", request.workspace.slug, public_id, "review")
        return redirect("program_edit", request.workspace.slug, public_id)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Version {version.number} is live.")
    return redirect("program_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_programs")
def program_status(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Pause, resume or end a program."""
    program = program_named(request, public_id)
    try:
        services.change_program_status(
            program=program,
            status=request.POST.get("status", ""),
            reason=request.POST.get("reason", ""),
            actor=request.actor,
            at=request.at,
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"The program is {program.get_status_display().lower()}.")
    return redirect("program_detail", request.workspace.slug, public_id)


@require_safe
@console_view("view")
def version_detail(request: ConsoleRequest, public_id: str, number: int) -> HttpResponse:
    """Show one version and what differs from the one before."""
    program = program_named(request, public_id)
    found = list(queries.versions_of(program).filter(number__in=(number, number - 1)))
    if not found or found[0].number != number:
        raise Http404("No such version.")
    terms = queries.terms_of(found[0])
    before = queries.terms_of(found[1]) if len(found) > 1 else None
    return render(
        request,
        "programs/version_detail.html",
        {
            "program": program,
            "version": found[0],
            "terms": terms,
            "promises": summary(terms),
            "facts": facts(terms),
            "before": found[1] if before else None,
            "changes": changes(before, terms) if before else [],
        },
    )
