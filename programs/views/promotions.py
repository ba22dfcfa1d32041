"""A program's promotions: when each runs, what it gives, what came of it, and how it is planned."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import lists
from core.answers import parts_of
from core.errors import DomainError
from programs import promotion_queries, queries, services
from programs.forms.conditions import fault_words
from programs.forms.promotions import PromotionFilterForm, PromotionForm, StopForm
from programs.models import Program, Promotion
from programs.promotion_tables import PromotionTable
from programs.promotions import end_of, months, multiplier_text, standing
from programs.views.editor import program_named

CALENDAR_MONTHS = 12


@require_safe
@console_view("view")
def promotion_list(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """List a program's promotions, with a calendar of the months around now."""
    program = program_named(request, public_id)
    manages = allows(request.member.role, "manage_programs") and program.status != Program.Status.ENDED
    rows = promotion_queries.promotions_of(program)
    return lists.answer(
        request,
        "programs/promotion_list.html",
        table=PromotionTable,
        rows=rows,
        filters=PromotionFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="calendar",
            title="No promotions yet",
            text="For some days a program can give more: twice as much, or other amounts for some rewards.",
            action_url=reverse("promotion_new", args=[request.workspace.slug, public_id]) if manages else "",
            action_label="Plan a promotion",
        ),
        context={"program": program, "manages": manages, **_calendar(request, rows)},
    )


def _calendar(request: ConsoleRequest, rows: Any) -> dict[str, Any]:
    """Return the months from the one before this, and which of them each promotion lies in."""
    zone = ZoneInfo(request.workspace.time_zone)
    today = request.at.astimezone(zone).date()
    first = today.replace(day=1)
    before = (
        first.replace(year=first.year - 1, month=12)
        if first.month == 1
        else first.replace(month=first.month - 1)
    )
    shown = months(before, CALENDAR_MONTHS)
    lines = []
    for promotion in rows.filter(ends_on__gte=shown[0][0], starts_on__lte=shown[-1][1])[:50]:
        last = min(promotion.ends_on, end_of(promotion).astimezone(zone).date())
        lines.append(
            {
                "promotion": promotion,
                "standing": standing(promotion, request.at),
                "months": [promotion.starts_on <= end and last >= start for start, end in shown],
            }
        )
    return {"months": [start for start, _ in shown], "calendar": lines[::-1], "this_month": first}


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def promotion_new(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Plan a promotion."""
    program = program_named(request, public_id)
    posted = request.POST if request.method == "POST" else None
    form = PromotionForm(posted, program=program, terms=_terms(program))
    if request.method == "POST" and form.is_valid():
        try:
            promotion = services.make_promotion(
                program=program, **form.values(), actor=request.actor, at=request.at
            )
        except DomainError as error:
            _put(form, error)
        else:
            messages.success(request, "The promotion is planned.")
            return redirect("promotion_detail", request.workspace.slug, promotion.public_id)
    context = {"program": program, "form": form, "promotion": None}
    return render(request, "programs/promotion_form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def promotion_edit(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Change a promotion; once it runs, its name, banner and last day only."""
    promotion = _promotion(request, public_id)
    program = promotion.program
    posted = request.POST if request.method == "POST" else None
    form = PromotionForm(posted, program=program, terms=_terms(program), promotion=promotion)
    if request.method == "POST" and form.is_valid():
        values = form.values()
        if not {"countries", "enrolled_from", "enrolled_until", "conditions"} & set(form.changed_data):
            # Instants that nobody touched stay, also where the workspace's zone is another one now.
            values.pop("audience")
        try:
            services.edit_promotion(promotion=promotion, changes=values, actor=request.actor, at=request.at)
        except DomainError as error:
            _put(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("promotion_detail", request.workspace.slug, public_id)
    context = {"program": program, "form": form, "promotion": promotion}
    return render(request, "programs/promotion_form.html", context, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def promotion_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show a promotion: when it runs, what it gives to whom, and what was promised under it."""
    return _detail(request, _promotion(request, public_id))


@require_POST
@console_view("manage_programs")
def promotion_stop(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Stop a promotion for good."""
    promotion = _promotion(request, public_id)
    form = StopForm(request.POST)
    if not form.is_valid():
        return _detail(request, promotion, status=400, form=form)
    try:
        services.stop_promotion(
            promotion=promotion, reason=form.cleaned_data["reason"], actor=request.actor, at=request.at
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The promotion is stopped. What was promised under it stays.")
    return redirect("promotion_detail", request.workspace.slug, public_id)


def _detail(
    request: ConsoleRequest, promotion: Promotion, *, status: int = 200, form: StopForm | None = None
) -> HttpResponse:
    stands = standing(promotion, request.at)
    manages = allows(request.member.role, "manage_programs")
    context = {
        "promotion": promotion,
        "program": promotion.program,
        "standing": stands,
        "multiplier": multiplier_text(promotion.multiplier_bps),
        "replaced": promotion_queries.replaced_sentences(promotion),
        "audience": promotion_queries.audience_sentence(promotion),
        "editable": manages and stands in ("coming", "running"),
        "stop_form": form or StopForm(),
        **parts_of("promotion", promotion),
    }
    return render(request, "programs/promotion_detail.html", context, status=status)


def _promotion(request: ConsoleRequest, public_id: str) -> Promotion:
    found: Promotion = get_object_or_404(promotion_queries.promotions(request.workspace), public_id=public_id)
    found.program.workspace = request.workspace
    return found


def _terms(program: Program) -> Any:
    """Return what the program promises now, or would promise."""
    version = queries.live_version(program)
    return queries.draft_terms(program) if version is None else queries.terms_of(version)


def _put(form: PromotionForm, error: DomainError) -> None:
    """Put a refusal on the field that it names."""
    field = form.field_of(error.param)
    path = (error.param or "").partition(".conditions.")[2]
    form.add_error(
        field if field in form.fields else None,
        ValidationError(fault_words(path, error.message), code=error.code),
    )
