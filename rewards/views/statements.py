"""The console's pages on statements: a person's, as a page, PDF or CSV; and whether one is ours."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from core.errors import Forbidden, Invalid
from programs.models import Customer
from rewards import queries
from rewards.statement_files import KINDS, statement_file
from rewards.statement_forms import DigestForm, StatementForm


@require_safe
@console_view("view")
def statement(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """A person's statement; `?as=pdf` and `?as=csv` download it."""
    rows = Customer.objects.for_workspace(request.workspace).select_related("workspace")
    customer = get_object_or_404(rows, public_id=public_id)
    form = StatementForm(
        request.GET, today=request.at.astimezone(ZoneInfo(request.workspace.time_zone)).date()
    )
    found = None
    if form.is_valid():
        try:
            found = queries.statement_for(customer, first_on=form.first_on, last_on=form.last_on)
        except Invalid as error:
            form.add_error(error.param, error.message)
    if found is not None and request.GET.get("as") in KINDS:
        if "export" not in request.may:
            raise Forbidden("Your role may not export statements.")
        return statement_file(found, request.GET["as"])
    context = {
        "customer": customer,
        "form": form,
        "statement": found,
        "digest": queries.digest_line(found) if found else "",
    }
    return render(request, "rewards/statement.html", context, status=200 if found else 400)


@require_safe
@console_view("view")
def statement_verify(request: ConsoleRequest) -> HttpResponse:
    """Whether a statement that somebody shows is ours, and whether the books still say the same."""
    form = DigestForm(request.GET if "digest" in request.GET else None)
    verdict = None
    if form.is_bound and form.is_valid():
        verdict = queries.verdict(request.workspace, form.cleaned_data["digest"])
    return render(request, "rewards/statement_verify.html", {"form": form, "verdict": verdict})
