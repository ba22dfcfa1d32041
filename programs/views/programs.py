"""Programs: listed, created, edited, published, paused and ended, and their versions."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core.errors import DomainError
from core.forms import add_domain_error
from core.paging import page_of
from programs import queries, services
from programs.facts import changes, facts
from programs.forms import ProgramForm, TermsEditor
from programs.models import Program
from programs.terms import TermsInvalid, publish_errors, summary


def _program(request: ConsoleRequest, public_id: str) -> Program:
    found: Program = get_object_or_404(queries.programs_of(request.workspace), public_id=public_id)
    return found


@require_safe
@console_view("view")
def program_list(request: ConsoleRequest) -> HttpResponse:
    """List the programs."""
    page = page_of(request, queries.programs_of(request.workspace))
    return render(request, "programs/program_list.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def program_new(request: ConsoleRequest) -> HttpResponse:
    """Create a draft, then go on to its terms."""
    form = ProgramForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            program = services.create_program(
                workspace=request.workspace, **form.cleaned_data, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The program is created. Now set its terms.")
            return redirect("program_edit", request.workspace.slug, program.public_id)
    return render(request, "programs/program_new.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def program_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show what a program promises, what its draft would change, and its versions."""
    program = _program(request, public_id)
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
            "page": page_of(request, queries.versions_of(program), per_page=10),
            "steps": queries.changes_of(program)[:20],
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def program_edit(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Edit the draft terms; the buttons for rows answer with the form as typed."""
    program = _program(request, public_id)
    draft = queries.draft_terms(program)
    editor = TermsEditor(
        program=program, terms=draft, data=request.POST if request.method == "POST" else None
    )
    if "add_rule" in request.POST:
        editor.with_row_added()
    elif "remove_rule" in request.POST:
        editor.without_row(request.POST["remove_rule"])
    elif request.method == "POST" and editor.is_valid():
        try:
            services.update_draft(
                program=program,
                name=editor.general.cleaned_data["name"],
                terms=editor.document(),
                actor=request.actor,
            )
        except TermsInvalid as error:
            editor.add_errors(error)
        except DomainError as error:
            add_domain_error(editor.general, error)
        else:
            messages.success(request, "The draft is saved. It takes effect when you publish it.")
            return redirect("program_detail", request.workspace.slug, program.public_id)
    status = 400 if editor.has_errors else 200
    return render(
        request, "programs/program_edit.html", {"program": program, "editor": editor}, status=status
    )


@require_POST
@console_view("manage_programs")
def program_publish(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Publish the draft."""
    program = _program(request, public_id)
    try:
        version = services.publish_program(program=program, actor=request.actor, at=request.at)
    except TermsInvalid as error:
        for fault in error.errors:
            messages.error(request, fault.message)
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
    program = _program(request, public_id)
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
    program = _program(request, public_id)
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
