"""The console's pages on payouts: what is payable, batches, and the way of each batch to the bank."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core.errors import DomainError
from core.forms import add_domain_error
from core.money import is_currency
from core.paging import page_of
from rewards import forms, queries, services
from rewards.models import PayoutBatch


@require_safe
@console_view("view")
def batch_list(request: ConsoleRequest) -> HttpResponse:
    """What could be paid in each currency, and all batches."""
    context = {
        "totals": queries.payable_totals(request.workspace),
        "page": page_of(request, queries.batches(request.workspace)),
    }
    return render(request, "rewards/batch_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="prepare_payouts")
def batch_new(request: ConsoleRequest) -> HttpResponse:
    """Preview who would be paid how much and who not, then prepare the batch."""
    form = forms.CurrencyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            batch = services.prepare_batch(
                workspace=request.workspace,
                currency=form.cleaned_data["currency"],
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The batch is prepared; another person approves it.")
            return redirect("batch_detail", request.workspace.slug, batch.public_id)
    currency = request.POST.get("currency") or request.GET.get("currency") or request.workspace.currency
    rows = queries.payable(request.workspace, currency) if is_currency(currency) else []
    ready = [row for row in rows if not row.left_out]
    context = {
        "form": form,
        "currency": currency,
        "ready": ready,
        "ready_minor": sum(row.amount_minor for row in ready),
        "left_out": [row for row in rows if row.left_out],
    }
    return render(request, "rewards/batch_new.html", context, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def batch_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One batch: its payouts, who made and approved it, and what can be done with it."""
    return render(request, "rewards/batch_detail.html", _story(request, _batch(request, public_id)))


@require_POST
@console_view("approve_payouts")
def batch_approve(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Release a batch that another person made."""
    services.approve_batch(batch=_batch(request, public_id), actor=request.actor, at=request.at)
    messages.success(request, "The batch is approved and can be exported.")
    return redirect("batch_detail", request.workspace.slug, public_id)


@require_POST
@console_view("prepare_payouts")
def batch_cancel(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Undo a draft."""
    batch = _batch(request, public_id)
    form = forms.CancelForm(request.POST)
    if form.is_valid():
        try:
            services.cancel_batch(
                batch=batch, reason=form.cleaned_data["reason"], actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The batch is cancelled; its money is payable again.")
            return redirect("batch_detail", request.workspace.slug, public_id)
    context = {**_story(request, batch), "cancel_form": form}
    return render(request, "rewards/batch_detail.html", context, status=400)


@require_POST
@console_view("prepare_payouts")
def batch_export(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Download the file the batch is paid from."""
    text = services.export_batch(batch=_batch(request, public_id), actor=request.actor, at=request.at)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{public_id}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@console_view("prepare_payouts")
def batch_results(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Take in what the bank says became of the payouts."""
    batch = _batch(request, public_id)
    form = forms.ResultsForm(request.POST, request.FILES)
    if not form.is_valid():
        context = {**_story(request, batch), "results_form": form}
        return render(request, "rewards/batch_detail.html", context, status=400)
    outcomes = services.import_results(batch=batch, rows=form.rows, actor=request.actor, at=request.at)
    counts = {
        name: sum(each.outcome == name for each in outcomes) for name in ("paid", "failed", "unchanged")
    }
    messages.success(request, ", ".join(f"{count} {name}" for name, count in counts.items()) + ".")
    refused = [each for each in outcomes if each.outcome == "refused"]
    for each in refused[:20]:
        messages.error(request, f"Line {each.line}, {each.column}: {each.message}")
    if len(refused) > 20:
        messages.error(request, f"{len(refused) - 20} more lines were refused.")
    return redirect("batch_detail", request.workspace.slug, public_id)


def _batch(request: ConsoleRequest, public_id: str) -> PayoutBatch:
    return get_object_or_404(queries.batches(request.workspace), public_id=public_id)


def _story(request: ConsoleRequest, batch: PayoutBatch) -> dict[str, Any]:
    return {
        "batch": batch,
        "page": page_of(request, queries.payouts_of(batch)),
        "progress": [
            {"status": status, "count": count, "total": total}
            for status, (count, total) in queries.progress(batch).items()
        ],
        "overdrawn": queries.overdrawn_in(batch) if batch.status == PayoutBatch.Status.DRAFT else [],
        "made_by_me": batch.created_by_id == request.user.pk,
        "draft": batch.status == PayoutBatch.Status.DRAFT,
        "payable": batch.status in (PayoutBatch.Status.APPROVED, PayoutBatch.Status.PROCESSING),
        "cancel_form": forms.CancelForm(),
        "results_form": forms.ResultsForm(),
    }
