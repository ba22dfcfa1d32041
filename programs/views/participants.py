"""Participants with their links and codes, and customers."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import lists
from core.answers import parts_of
from core.errors import DomainError
from core.forms import add_domain_error
from core.paging import page_of
from programs import forms, queries, services
from programs.models import Participant, Program
from programs.tables import CustomerTable, ParticipantTable

MOST_CHOSEN: Final = 500


def _participant(request: ConsoleRequest, public_id: str) -> Participant:
    found: Participant = get_object_or_404(queries.participants_of(request.workspace), public_id=public_id)
    return found


def _posted(request: ConsoleRequest) -> QueryDict | None:
    """Return what was posted, which may be nothing at all."""
    return request.POST if request.method == "POST" else None


@require_safe
@console_view("view")
def participant_list(request: ConsoleRequest) -> HttpResponseBase:
    """List the participants with how many friends they brought."""
    manages = allows(request.member.role, "manage_participants")
    rows = queries.participants_of(request.workspace)
    slug = request.workspace.slug
    return lists.answer(
        request,
        "programs/participant_list.html",
        table=ParticipantTable,
        rows=parts_of("participants", rows).get("rows", rows),
        filters=forms.ParticipantFilterForm(
            request.GET,
            workspace=request.workspace,
            programs=queries.programs_of(request.workspace).order_by("name"),
        ),
        empty=lists.Empty(
            icon="users",
            title="No participants yet",
            text="A participant has a personal link and earns for the friends who come by it.",
            action_url=reverse("participant_invite", args=[slug]) if manages else "",
            action_label="Invite people",
        ),
        bulk=lists.Bulk(
            url=reverse("participant_bulk", args=[slug]), template="programs/_participant_bulk.html"
        )
        if manages
        else None,
    )


@require_POST
@console_view("manage_participants")
def participant_bulk(request: ConsoleRequest) -> HttpResponse:
    """Suspend or reactivate the chosen participants, and say row by row what became of each."""
    chosen = request.POST.getlist("chosen")[:MOST_CHOSEN]
    back = f"{reverse('participant_list', args=[request.workspace.slug])}?{request.POST.get('filters', '')}"
    try:
        results = services.set_statuses(
            workspace=request.workspace,
            public_ids=chosen,
            status=request.POST.get("action", ""),
            reason=request.POST.get("reason", ""),
            actor=request.actor,
        )
    except DomainError as error:
        messages.error(request, error.message)
        return redirect(back)
    context = {
        "results": [
            {"who": participant, "status": participant, "refused": refused}
            for participant, refused in results
        ],
        "changed": sum(not refused for _, refused in results),
        "back": back,
    }
    return render(request, "programs/participant_bulk.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def participant_invite(request: ConsoleRequest) -> HttpResponse:
    """Invite people by their addresses, pasted; then say what became of each."""
    active = queries.programs_of(request.workspace).filter(status=Program.Status.ACTIVE).order_by("name")
    initial = {"program": request.GET.get("program", "")}
    form = forms.InviteForm(_posted(request), initial=initial, programs=active)
    results: list[services.Invited] = []
    if request.method == "POST" and form.is_valid():
        try:
            results = services.invite_people(**form.cleaned_data, actor=request.actor, at=request.at)
        except DomainError as error:
            add_domain_error(form, error)
    context = {
        "form": form,
        "results": results,
        "sent": sum(result.outcome == "invited" for result in results),
        "has_programs": form.has_programs,
    }
    return render(request, "programs/participant_invite.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def participant_new(request: ConsoleRequest) -> HttpResponse:
    """Enrol a person in an active program."""
    active = queries.programs_of(request.workspace).filter(status=Program.Status.ACTIVE)
    form = forms.EnrolForm(_posted(request), programs=active)
    if request.method == "POST" and form.is_valid():
        try:
            participant, created = services.enrol_person(
                **form.cleaned_data, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            if created:
                messages.success(request, "Enrolled. Here is the link to share.")
            else:
                messages.info(request, "This person takes part already.")
            return redirect("participant_detail", request.workspace.slug, participant.public_id)
    context = {"form": form, "has_programs": bool(form.fields["program"].choices)}  # type: ignore[attr-defined]
    return render(request, "programs/participant_new.html", context, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def participant_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show a participant: figures, links and codes, and the latest of what the other apps know."""
    participant = _participant(request, public_id)
    links = queries.links_of(request.workspace).filter(participant_id=participant.pk)
    codes = queries.promo_codes_of(request.workspace).filter(participant_id=participant.pk)
    return render(
        request,
        "programs/participant_detail.html",
        {
            "participant": participant,
            "page": page_of(request, links.order_by("status", "-public_id"), per_page=10),
            "promo_codes": codes[:50],
            **parts_of("participant", participant).get("page", {}),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def participant_edit(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Correct the name shown."""
    participant = _participant(request, public_id)
    initial = {"display_name": participant.display_name}
    form = forms.ParticipantForm(_posted(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_participant(participant=participant, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("participant_detail", request.workspace.slug, public_id)
    context = {"form": form, "participant": participant, "heading": "Edit", "submit": "Save"}
    return render(request, "programs/participant_form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def participant_status(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Suspend an active participant, or reactivate a suspended one."""
    participant = _participant(request, public_id)
    active = participant.status == Participant.Status.ACTIVE
    wanted = Participant.Status.SUSPENDED if active else Participant.Status.ACTIVE
    form = forms.StatusForm(_posted(request), initial={"status": wanted})
    if request.method == "POST" and form.is_valid():
        try:
            services.update_participant(participant=participant, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"The participant is {participant.get_status_display().lower()}.")
            return redirect("participant_detail", request.workspace.slug, public_id)
    context = {
        "form": form,
        "participant": participant,
        "heading": "Suspend" if active else "Reactivate",
        "submit": "Suspend" if active else "Reactivate",
    }
    return render(request, "programs/participant_form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def link_new(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Add a link to a participant."""
    participant = _participant(request, public_id)
    form = forms.LinkForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            link = services.create_link(
                participant=participant, **form.cleaned_data, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"The link {link.code} is ready.")
            return redirect("link_detail", request.workspace.slug, link.public_id)
    context = {"form": form, "participant": participant, "heading": "New link", "submit": "Create link"}
    return render(request, "programs/participant_form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def promo_code_new(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Add a promo code to a participant."""
    participant = _participant(request, public_id)
    form = forms.PromoCodeForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            promo = services.create_promo_code(
                participant=participant, **form.cleaned_data, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"The code {promo.code} is ready.")
            return redirect("participant_detail", request.workspace.slug, public_id)
    context = {
        "form": form,
        "participant": participant,
        "heading": "New promo code",
        "submit": "Create promo code",
    }
    return render(request, "programs/participant_form.html", context, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def customer_list(request: ConsoleRequest) -> HttpResponseBase:
    """List everybody the workspace knows."""
    return lists.answer(
        request,
        "programs/customer_list.html",
        table=CustomerTable,
        rows=queries.customers_of(request.workspace),
        filters=forms.CustomerFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="address-book",
            title="No customers yet",
            text="Customers appear when they sign up, buy, or are enrolled.",
        ),
    )


@require_safe
@console_view("view")
def customer_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show a customer and the programs they take part in."""
    customer = get_object_or_404(queries.customers_of(request.workspace), public_id=public_id)
    page = page_of(request, queries.participants_of(request.workspace).filter(customer_id=customer.pk))
    shown = parts_of("customer_page", customer).get("page", {})
    return render(request, "programs/customer_detail.html", {"customer": customer, "page": page, **shown})
