"""The console's support pages: what participants ask to have looked at again, and the answers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.errors import DomainError
from core.forms import add_domain_error
from tracking import appeal_queries, forms, queries, services, tables
from tracking.appeal_queries import OwnExplanation
from tracking.models import Appeal

RELATED = 10


@require_safe
@console_view("view")
def appeal_list(request: ConsoleRequest) -> HttpResponseBase:
    """Appeals by status, program, person, subject and day."""
    return lists.answer(
        request,
        "tracking/appeal_list.html",
        table=tables.AppealTable,
        rows=appeal_queries.appeals(request.workspace),
        filters=forms.AppealFilterForm(
            request.GET, workspace=request.workspace, programs=queries.programs_of(request.workspace)
        ),
        empty=lists.Empty(
            icon="lifebuoy",
            title="Nobody asks for anything here",
            text="When a participant thinks that a reward is wrong or a friend is missing, it appears here.",
        ),
    )


@require_safe
@console_view("view")
def appeal_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One appeal: the participant's words, what they read about the matter, and the answer."""
    appeal = get_object_or_404(appeal_queries.appeals(request.workspace), public_id=public_id)
    return _page(request, appeal, forms.AnswerForm())


@require_POST
@console_view("manage_participants")
def appeal_answer(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Grant or decline an appeal; the participant hears of it by mail."""
    appeal = get_object_or_404(appeal_queries.appeals(request.workspace), public_id=public_id)
    form = forms.AnswerForm(request.POST)
    if form.is_valid():
        try:
            services.answer_appeal(
                appeal=appeal,
                status=form.cleaned_data["status"],
                answer=form.cleaned_data["answer"],
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Answered. They get a mail and see it in their portal.")
            return redirect("appeal_detail", request.workspace.slug, public_id)
    return _page(request, appeal, form, status=400)


def _page(
    request: ConsoleRequest, appeal: Appeal, form: forms.AnswerForm, *, status: int = 200
) -> HttpResponse:
    explanation = None
    if appeal.conversion is not None:
        explanation = appeal_queries.own_explanation(appeal.participant, appeal.conversion, at=request.at)
    context = {
        "appeal": appeal,
        "missing": tables.MISSING,
        "explanation": explanation,
        "told": None if explanation is None else appeal_queries.public_explanation(explanation),
        "steps": [] if explanation is None else _touch_steps(explanation),
        "related": list(appeal_queries.related_appeals(appeal)[:RELATED]),
        "history": _history(appeal),
        "form": form,
    }
    return render(request, "tracking/appeal_detail.html", context, status=status)


def _touch_steps(explanation: OwnExplanation) -> list[dict[str, Any]]:
    """Return a participant's own contacts as the steps of a timeline."""
    return [
        {
            "at": touch.at,
            "title": touch.what.removesuffix("."),
            "text": touch.sentence,
            "tone": "good" if touch.counts else "wait",
        }
        for touch in explanation.part.touches
    ]


def _history(appeal: Appeal) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [
        {"at": appeal.opened_at, "title": "Asked", "actor": str(appeal.participant), "tone": "wait"}
    ]
    if appeal.answered_at is not None:
        steps.append(
            {
                "at": appeal.answered_at,
                "title": appeal.get_status_display(),
                "text": appeal.answer,
                "actor": appeal.answered_by,
                "tone": "good" if appeal.status == Appeal.Status.GRANTED else "bad",
            }
        )
    return steps
