"""The console's pages on payouts: what is payable, batches, and the way of each batch to the bank."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.errors import DomainError
from core.forms import add_domain_error
from core.money import is_currency
from rewards import forms, queries, services, tables
from rewards.models import Payout, PayoutBatch


@require_safe
@console_view("view")
def batch_list(request: ConsoleRequest) -> HttpResponseBase:
    """What could be paid in each currency, and all batches."""
    return lists.answer(
        request,
        "rewards/batch_list.html",
        table=tables.BatchTable,
        rows=queries.batches(request.workspace),
        filters=forms.BatchFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="wallet",
            title="No batches yet",
            text="A batch pays everyone with enough payable cash; one person makes it, another approves it.",
        ),
        context={"totals": queries.payable_totals(request.workspace)},
    )


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
def batch_detail(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """One batch: its payouts, who made and approved it, and what can be done with it."""
    return _page(request, _batch(request, public_id))


@require_POST
@console_view("approve_payouts")
def batch_approve(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Release a batch that another person made."""
    services.approve_batch(batch=_batch(request, public_id), actor=request.actor, at=request.at)
    messages.success(request, "The batch is approved and can be exported.")
    return redirect("batch_detail", request.workspace.slug, public_id)


@require_POST
@console_view("prepare_payouts")
def batch_cancel(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
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
    return _page(request, batch, status=400, cancel_form=form)


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
def batch_results(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """Take in what the bank says became of the payouts."""
    batch = _batch(request, public_id)
    form = forms.ResultsForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, batch, status=400, results_form=form)
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


def _page(request: ConsoleRequest, batch: PayoutBatch, *, status: int = 200, **more: Any) -> HttpResponseBase:
    progress = queries.progress(batch)
    settled = sum(count for name, (count, _) in progress.items() if name != Payout.Status.PENDING)
    mine = batch.created_by_id == request.user.pk
    context = {
        "batch": batch,
        "steps": _steps(batch),
        "progress": [
            {"status": name, "count": count, "total": total} for name, (count, total) in progress.items()
        ],
        "settled": settled,
        "overdrawn": queries.overdrawn_in(batch) if batch.status == PayoutBatch.Status.DRAFT else [],
        "made_by_me": mine,
        "draft": batch.status == PayoutBatch.Status.DRAFT,
        "payable": batch.status in (PayoutBatch.Status.APPROVED, PayoutBatch.Status.PROCESSING),
        "cancel_form": forms.CancelForm(),
        "results_form": forms.ResultsForm(),
        **more,
    }
    return lists.answer(
        request,
        "rewards/batch_detail.html",
        table=tables.PayoutTable,
        rows=queries.payouts_of(batch),
        filters=forms.PayoutFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(icon="wallet", title="No payouts", text="This batch pays nobody."),
        context=context,
        status=status,
    )


def _steps(batch: PayoutBatch) -> list[dict[str, Any]]:
    """Return what happened to a batch, and what has yet to happen, in order."""
    steps: list[dict[str, Any]] = [
        {
            "at": batch.created_at,
            "title": "Prepared",
            "actor": batch.created_by,
            "text": "The money is set aside.",
            "tone": "good",
        }
    ]
    if batch.approved_at is not None:
        steps.append(
            {"at": batch.approved_at, "title": "Approved", "actor": batch.approved_by, "tone": "good"}
        )
    if batch.status == PayoutBatch.Status.DRAFT:
        steps.append(
            {
                "title": "Approval",
                "text": "Another person than the one who made it approves it.",
                "tone": "wait",
            }
        )
    elif batch.status in (PayoutBatch.Status.APPROVED, PayoutBatch.Status.PROCESSING):
        steps.append(
            {
                "title": "Payment",
                "text": "Export the file, pay it at the bank, then take in the results.",
                "tone": "wait",
            }
        )
    elif batch.status == PayoutBatch.Status.FAILED:
        text = batch.note or "Nothing was paid; the money is payable again."
        steps.append(
            {"at": batch.completed_at, "title": "Ended without a payment", "text": text, "tone": "bad"}
        )
    else:
        steps.append({"at": batch.completed_at, "title": "Completed", "tone": "good"})
    return steps
