"""The wizard: a program set up step by step, each step saved, to be left and taken up again at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import ConsoleRequest, console_view
from core.errors import DomainError
from core.forms import add_domain_error
from programs import queries, services
from programs.facts import facts
from programs.forms import InviteForm, ProgramForm
from programs.models import Program
from programs.terms import (
    ProgramKind,
    ProgramTerms,
    TermsInvalid,
    default_terms,
    headline,
    promises,
    publish_errors,
    reward_presets,
    summary,
)
from programs.views.editor import editor_of, is_rearranged, program_named, save
from programs.views.preview import preview_of

STEPS: Final = {
    "goal": "Goal",
    "rewards": "Rewards",
    "rules": "Who and rules",
    "look": "Look",
    "review": "Review and publish",
}
_ORDER: Final = list(STEPS)

GOALS: Final = {
    "customer": (
        "Customers bring friends",
        "For shops and apps whose customers like them.",
    ),
    "affiliate": (
        "Partners earn commission",
        "For sites and newsletters that send buyers all year.",
    ),
    "influencer": ("Creators share a code", "For people with an audience of their own."),
    "b2b": (
        "Businesses introduce businesses",
        "For deals that are won later, by a person's work.",
    ),
}
"""Kind of program -> goal and when it is the right one."""

_SIGN_POSTS: Final = {"destination_url": "look", "rewards": "rewards", "caps": "rewards"}
"""First word of what is missing -> step that sets it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the line of steps shows it; `url` is empty where it cannot be entered yet."""

    label: str
    url: str
    done: bool
    current: bool


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def program_new(request: ConsoleRequest) -> HttpResponse:
    """Choose the goal and a name, which creates the draft, then go on to its rewards."""
    form = ProgramForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            program = services.create_program(
                workspace=request.workspace, **form.cleaned_data, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return redirect("program_setup", request.workspace.slug, program.public_id, "rewards")
    return _goal_page(request, form, None)


@require_safe
@console_view("manage_programs")
def program_resume(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Take the wizard up where it was left."""
    program = program_named(request, public_id)
    reached = _reached(request, program)
    step = "review" if reached >= _ORDER.index("review") else _ORDER[max(reached, 1)]
    return redirect("program_setup", request.workspace.slug, public_id, step)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def program_setup(request: ConsoleRequest, public_id: str, step: str) -> HttpResponse:
    """Show or save one step of a program that was never published; a published one has its own pages."""
    program = program_named(request, public_id)
    if step not in STEPS:
        raise Http404("No such step.")
    if program.live_version is not None:
        return redirect("program_detail", request.workspace.slug, public_id)
    _remember(request, program, step)
    if step == "goal":
        return _goal(request, program)
    if step == "review":
        return _review(request, program)
    editor = editor_of(request, program, step)
    if request.method == "POST" and not is_rearranged(request) and save(request, program, editor):
        onward = _ORDER[_ORDER.index(step) + 1]
        if request.POST.get("then") == "leave":
            messages.success(request, "The draft is saved. Take it up again whenever you like.")
            return redirect("program_list", request.workspace.slug)
        return redirect("program_setup", request.workspace.slug, public_id, onward)
    context = {
        "program": program,
        "editor": editor,
        "section": step,
        "presets": reward_presets(editor.currency),
        **_frame(request, program, step),
        **preview_of(program, queries.draft_terms(program), workspace_name=request.workspace.name),
    }
    return render(request, "programs/setup_step.html", context, status=400 if editor.has_errors else 200)


@require_safe
@console_view("manage_programs")
def program_launched(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Say that the program is live and what to do next."""
    program = program_named(request, public_id)
    if program.live_version is None:
        return redirect("program_resume", request.workspace.slug, public_id)
    form = InviteForm(programs=queries.programs_of(request.workspace).filter(pk=program.pk))
    context = {"program": program, "form": form, "headline": headline(queries.live_terms(program))}
    return render(request, "programs/setup_done.html", context)


def _goal(request: ConsoleRequest, program: Program) -> HttpResponse:
    initial = {"name": program.name, "kind": program.kind}
    form = ProgramForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.restart_draft(program=program, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return redirect("program_setup", request.workspace.slug, program.public_id, "rewards")
    return _goal_page(request, form, program)


def _goal_page(request: ConsoleRequest, form: ProgramForm, program: Program | None) -> HttpResponse:
    chosen = form["kind"].value()
    goals = [
        {
            "kind": kind,
            "title": title,
            "text": text,
            "promises": _offers(default_terms(cast(ProgramKind, kind), request.workspace.currency)),
            "chosen": kind == chosen,
        }
        for kind, (title, text) in GOALS.items()
    ]
    context: dict[str, Any] = {
        "form": form,
        "goals": goals,
        "program": program,
        **_frame(request, program, "goal"),
    }
    return render(request, "programs/setup_goal.html", context, status=400 if form.errors else 200)


def _offers(terms: ProgramTerms) -> tuple[str, ...]:
    return promises(terms, "referrer", "The referrer gets") + promises(terms, "referee", "The friend gets")


def _review(request: ConsoleRequest, program: Program) -> HttpResponse:
    terms = queries.draft_terms(program)
    missing = [
        (fault.message, reverse("program_setup", args=[request.workspace.slug, program.public_id, place]))
        for fault in publish_errors(terms)
        if (place := _SIGN_POSTS[fault.param.partition(".")[0]])
    ]
    if request.method == "POST":
        try:
            services.publish_program(program=program, actor=request.actor, at=request.at)
        except TermsInvalid as error:
            for fault in error.errors:
                messages.error(request, fault.message)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            return redirect("program_launched", request.workspace.slug, program.public_id)
    context = {
        "program": program,
        "missing": missing,
        "promises": summary(terms),
        "facts": facts(terms),
        "terms": terms,
        **_frame(request, program, "review"),
        **preview_of(program, terms, workspace_name=request.workspace.name),
    }
    return render(
        request, "programs/setup_review.html", context, status=400 if request.method == "POST" else 200
    )


def _frame(request: ConsoleRequest, program: Program | None, step: str) -> dict[str, Any]:
    """Return the line of steps and the way back."""
    reached = 0 if program is None else _reached(request, program)
    here = _ORDER.index(step)
    urls = {
        name: ""
        if program is None
        else reverse("program_setup", args=[request.workspace.slug, program.public_id, name])
        for name in STEPS
    }
    return {
        "wizard_steps": [
            Step(label, urls[name], done=index < reached and index != here, current=index == here)
            for index, (name, label) in enumerate(STEPS.items())
        ],
        "step": step,
        "step_number": here + 1,
        "step_count": len(STEPS),
        "back_url": urls[_ORDER[here - 1]] if here else "",
    }


def _key(program: Program) -> str:
    return f"setup:{program.public_id}"


def _reached(request: ConsoleRequest, program: Program) -> int:
    """Return the number of the furthest step this browser has seen; another starts from what is missing."""
    known = request.session.get(_key(program))
    if isinstance(known, int):
        return known
    missing = [fault.param.partition(".")[0] for fault in publish_errors(queries.draft_terms(program))]
    return min((_ORDER.index(_SIGN_POSTS[group]) for group in missing), default=_ORDER.index("review"))


def _remember(request: ConsoleRequest, program: Program, step: str) -> None:
    here = _ORDER.index(step)
    if here > (request.session.get(_key(program)) or 0):
        request.session[_key(program)] = here
