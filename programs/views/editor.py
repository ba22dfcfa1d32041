"""The editor of a program's terms: all on one page or part by part, with a preview that saves nothing."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core.errors import DomainError
from core.forms import add_domain_error
from programs import queries, services
from programs.facts import changes, facts
from programs.forms import ROW_BUTTONS, SECTIONS, TermsEditor
from programs.models import Program
from programs.terms import TermsInvalid, reward_presets, summary
from programs.views.preview import faults_of, preview_of, terms_typed


def program_named(request: ConsoleRequest, public_id: str) -> Program:
    """Return the workspace's program; 404 for any other."""
    found: Program = get_object_or_404(queries.programs_of(request.workspace), public_id=public_id)
    return found


def editor_of(request: ConsoleRequest, program: Program, section: str | None = None) -> TermsEditor:
    """Return the editor with what was posted, or with the draft as it is.

    A button for rows, or one that puts a ready set of rewards in their place, gives an editor that is not
    checked and not to be saved; see `is_rearranged`.
    """
    posted = request.POST if request.method == "POST" else None
    editor = TermsEditor(
        program=program,
        terms=queries.draft_terms(program),
        data=None if posted is None else posted.dict(),
        section=section,
    )
    button = _row_button(request)
    if button is not None:
        editor.change_rows(button, request.POST[button])
    elif posted is not None and "preset" in posted:
        chosen = [preset for preset in reward_presets(editor.currency) if preset.key == posted["preset"]]
        editor.change_rows("", "")
        if chosen:
            editor.show_rules(chosen[0].rewards)
    return editor


def is_rearranged(request: ConsoleRequest) -> bool:
    """Tell whether a button was pressed that only rearranges the rows."""
    return request.method == "POST" and (_row_button(request) is not None or "preset" in request.POST)


def _row_button(request: ConsoleRequest) -> str | None:
    return next((name for name in ROW_BUTTONS if name in request.POST), None)


def save(request: ConsoleRequest, program: Program, editor: TermsEditor) -> bool:
    """Save a valid editor as the draft; else put the faults on its fields and return False."""
    if not editor.is_valid():
        return False
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
        return True
    return False


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def program_edit(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Edit all terms on one page."""
    return _edited(request, program_named(request, public_id), None)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="manage_programs")
def program_section(request: ConsoleRequest, public_id: str, section: str) -> HttpResponse:
    """Edit one part of the terms; who may not sees what holds."""
    program = program_named(request, public_id)
    if section not in SECTIONS:
        raise Http404("No such part.")
    if not allows(request.member.role, "manage_programs") or program.status == Program.Status.ENDED:
        shown = queries.terms_of(version) if (version := queries.live_version(program)) else None
        shown = shown or queries.draft_terms(program)
        context = {"program": program, "section": section, "promises": summary(shown), "facts": facts(shown)}
        return render(request, "programs/program_read.html", context)
    return _edited(request, program, section)


def _edited(request: ConsoleRequest, program: Program, section: str | None) -> HttpResponse:
    editor = editor_of(request, program, section)
    if request.method == "POST" and not is_rearranged(request) and save(request, program, editor):
        live = queries.live_version(program)
        if live is None:
            messages.success(request, "The draft is saved.")
        else:
            count = len(changes(queries.terms_of(live), queries.draft_terms(program)))
            messages.success(
                request,
                "Saved. The draft is what is live already."
                if count == 0
                else f"The draft is saved: {count} change{'' if count == 1 else 's'} to publish.",
            )
        if section is None:
            return redirect("program_detail", request.workspace.slug, program.public_id)
        return redirect("program_section", request.workspace.slug, program.public_id, section)
    terms = queries.draft_terms(program)
    context = {
        "program": program,
        "editor": editor,
        "section": section,
        "sections": [section] if section else list(SECTIONS),
        "presets": reward_presets(editor.currency),
        **preview_of(program, terms, workspace_name=request.workspace.name),
    }
    return render(request, "programs/program_edit.html", context, status=400 if editor.has_errors else 200)


@require_POST
@console_view("manage_programs")
def program_preview(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show what was typed as participants and friends would see it; nothing is saved."""
    program = program_named(request, public_id)
    section = request.POST.get("section", "")
    editor = TermsEditor(
        program=program,
        terms=queries.draft_terms(program),
        data=request.POST.dict(),
        section=section if section in SECTIONS else None,
    )
    terms = terms_typed(editor)
    context = {
        "program": program,
        "faults": faults_of(editor),
        **preview_of(
            program,
            terms,
            name=str(editor.general["name"].value() or ""),
            asked=request.POST.dict(),
            workspace_name=request.workspace.name,
        ),
    }
    return render(request, "programs/_preview.html", context)
