"""The console's page of the allow and block lists."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.errors import DomainError
from core.forms import add_domain_error
from tracking import fraud_forms, fraud_queries, services
from tracking.fraud_tables import FraudListTable

MOST_CHOSEN: Final = 500
PREFIX: Final = "add"
KINDS: Final = (
    ("E-mail address", "ana@bad.example, or *@bad.example for everybody there"),
    ("E-mail domain", "bad.example, or *.bad.example for all below it"),
    ("Network address", "203.0.113.7, or 203.0.113.* for the 256 that begin so, or 2001:db8::7"),
    ("Country", "a code of two letters, like DE"),
    ("Referring site", "coupons.example; what lies under it is meant too"),
    ("Customer's own id", "the id that your shop gave, like 1042 or test-*"),
    ("Participant", "an id that starts with prt_"),
    ("Device", "the name of the device, exactly as your shop sends it"),
)
"""What each kind of entry looks like; the star stands for any text."""


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="review_rewards")
def fraud_lists(request: ConsoleRequest) -> HttpResponseBase:
    """Show what is always trusted or refused; a POST adds to it, `?add-kind=` and others fill the form in."""
    slug = request.workspace.slug
    if request.method == "POST":
        form = fraud_forms.ListEntryForm(request.POST, prefix=PREFIX, workspace=request.workspace)
        if form.is_valid() and _added(request, form):
            return redirect("fraud_lists", slug)
    else:
        names = fraud_forms.ListEntryForm.base_fields
        given = {name: request.GET[f"{PREFIX}-{name}"] for name in names if f"{PREFIX}-{name}" in request.GET}
        form = fraud_forms.ListEntryForm(initial=given, prefix=PREFIX, workspace=request.workspace)
    return lists.answer(
        request,
        "tracking/fraud_lists.html",
        table=FraudListTable,
        rows=fraud_queries.list_entries(request.workspace),
        filters=fraud_forms.ListFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="list-check",
            title="Nothing is listed yet",
            text="What is on the block list is always refused; what is on the allow list is not held.",
        ),
        bulk=lists.Bulk(
            url=reverse("fraud_list_bulk", args=[slug]), template="tracking/_fraud_list_bulk.html"
        )
        if "review_rewards" in request.may
        else None,
        context={"tab": "lists", "entry": form, "kinds": KINDS},
        status=400 if form.errors else 200,
    )


def _added(request: ConsoleRequest, form: fraud_forms.ListEntryForm) -> bool:
    try:
        entry, made = services.add_list_entry(
            workspace=request.workspace, **form.entry(), actor=request.actor, at=request.at
        )
    except DomainError as error:
        if error.param == "expires_at":
            error.param = "expires_on"
        add_domain_error(form, error)
        return False
    where = entry.get_mode_display().lower()
    if made:
        messages.success(request, f"{entry.pattern} is on the {where} list.")
    else:
        messages.info(request, f"{entry.pattern} was on the {where} list already.")
    return True


@require_POST
@console_view("review_rewards")
def fraud_list_bulk(request: ConsoleRequest) -> HttpResponse:
    """Take the chosen entries off their lists."""
    removed = services.remove_list_entries(
        workspace=request.workspace,
        public_ids=request.POST.getlist("chosen")[:MOST_CHOSEN],
        actor=request.actor,
    )
    if removed:
        messages.success(request, f"{removed} entr{'y is' if removed == 1 else 'ies are'} removed.")
    else:
        messages.error(request, "Choose at least one entry.")
    return redirect(
        f"{reverse('fraud_lists', args=[request.workspace.slug])}?{request.POST.get('filters', '')}"
    )
