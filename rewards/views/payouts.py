"""The console's pages on payouts: what is payable, batches, and the way of each batch to the bank."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.errors import DomainError, Invalid
from core.files import written
from core.forms import add_domain_error
from core.money import format_major
from core.text import spreadsheet_cell
from rewards import forms, queries, services, tables
from rewards.models import Payout, PayoutBatch
from rewards.payability import METHOD_WORDS, PAYS, PROVIDERS

CSV = "text/csv; charset=utf-8"
_HEADS = ("customer", "name", "balance", "pays", "minimum", "fee", "currency", "account", "why_not")


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
        context={"totals": [_ready(total) for total in _totals(request)]},
    )


def _totals(request: ConsoleRequest) -> list[queries.PayableTotal]:
    cutoff_at = services.default_cutoff(request.workspace, at=request.at)
    return queries.payable_totals(request.workspace, cutoff_at=cutoff_at)


def _ready(total: queries.PayableTotal) -> dict[str, Any]:
    """Return a currency's totals with a line for each kind of account, and the method that pays it."""
    methods = {account: method for method, account in PAYS.items() if method != PayoutBatch.Method.PAIN001}
    return {
        "total": total,
        "parts": [
            {"words": METHOD_WORDS[account], "method": methods[account], "count": count, "minor": minor}
            for account, (count, minor) in sorted(total.by_account.items(), key=lambda part: -part[1][1])
        ],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="prepare_payouts")
def batch_new(request: ConsoleRequest) -> HttpResponseBase:
    """Preview who would be paid how much and who not, then prepare the batch; `?export=csv` has everyone."""
    asked = request.POST if request.method == "POST" else request.GET
    usual: dict[str, Any] = {"currency": request.workspace.currency, "method": PayoutBatch.Method.CSV}
    form = forms.BatchForm({**usual, **asked.dict()}, workspace=request.workspace)
    wanted: dict[str, Any] = (
        form.cleaned_data if form.is_valid() else {**usual, "connection": "", "cutoff_at": None}
    )
    cutoff_at = wanted["cutoff_at"] or services.default_cutoff(request.workspace, at=request.at)
    if request.method == "POST" and not form.errors:
        try:
            batch = services.prepare_batch(
                workspace=request.workspace, actor=request.actor, at=request.at, **wanted
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, _made(batch))
            return redirect("batch_detail", request.workspace.slug, batch.public_id)
    currency, method = wanted["currency"], wanted["method"]
    if request.GET.get("export") == "csv" and "export" in request.may and not form.errors:
        rows = queries.payable(request.workspace, currency, method=method, cutoff_at=cutoff_at)
        return written(_payable_lines(rows, currency), name="payable.csv", content_type=CSV)
    context = {
        "form": form,
        "currency": currency,
        "method": PayoutBatch.Method(method),
        "cutoff_at": cutoff_at,
        "by_provider": method in PROVIDERS,
        "preview": queries.preview(request.workspace, currency, method=method, cutoff_at=cutoff_at),
        "shown": queries.SHOWN,
    }
    return render(request, "rewards/batch_new.html", context, status=400 if form.errors else 200)


def _made(batch: PayoutBatch) -> str:
    if batch.status == PayoutBatch.Status.PREPARING:
        return "The batch is being prepared; this page says how far it is."
    return "The batch is prepared; another person approves it."


def _payable_lines(rows: Iterable[queries.PayableRow], currency: str) -> Iterator[str]:
    """Write everyone with a payable balance: amounts in major units, and why somebody is left out."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["customer", "name", "balance", "pays", "minimum", "fee", "currency", "account", "why_not"]
    )
    # Spreadsheets take a file without the mark for the machine's old code page.
    yield "\ufeff"
    for row in rows:
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        amounts = (
            row.balance_minor,
            0 if row.left_out else row.amount_minor,
            row.minimum_minor,
            row.fee_minor,
        )
        writer.writerow(
            [
                row.public_id,
                spreadsheet_cell(row.name),
                *(format_major(amount, currency) for amount in amounts),
                currency,
                spreadsheet_cell(row.destination),
                spreadsheet_cell(row.sentence),
            ]
        )
    yield out.getvalue()


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
def batch_export(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """Download the file the batch is paid from."""
    file = services.export_batch(batch=_batch(request, public_id), actor=request.actor, at=request.at)
    return written(file.pieces, name=file.name, content_type=file.content_type)


@require_POST
@console_view("prepare_payouts")
def batch_results(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """Take in what the bank says became of the payouts."""
    batch = _batch(request, public_id)
    form = forms.ResultsForm(request.POST, request.FILES, currency=batch.currency)
    if not form.is_valid():
        return _page(request, batch, status=400, results_form=form)
    try:
        outcomes = _take_in(request, batch, form)
    except Invalid as error:
        add_domain_error(form, error)
        return _page(request, batch, status=400, results_form=form)
    names = ("paid", "failed", "sent", "unchanged")
    counts = {name: sum(each.outcome == name for each in outcomes) for name in names}
    said = [f"{count} {name}" for name, count in counts.items() if count or name != "sent"]
    messages.success(request, ", ".join(said) + ".")
    refused = [each for each in outcomes if each.outcome == "refused"]
    for each in refused[:20]:
        messages.error(request, f"Line {each.line}, {each.column}: {each.message}")
    if len(refused) > 20:
        messages.error(request, f"{len(refused) - 20} more lines were refused.")
    return redirect("batch_detail", request.workspace.slug, public_id)


def _take_in(
    request: ConsoleRequest, batch: PayoutBatch, form: forms.ResultsForm
) -> list[services.RowOutcome]:
    if form.report is not None:
        return services.import_report(batch=batch, report=form.report, actor=request.actor, at=request.at)
    return services.import_results(batch=batch, rows=form.rows, actor=request.actor, at=request.at)


@require_POST
@console_view("prepare_payouts")
def batch_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Prepare a new draft with the people whose payouts failed."""
    again = services.retry_failed(batch=_batch(request, public_id), actor=request.actor, at=request.at)
    messages.success(request, f"The people whose payouts failed are tried again. {_made(again)}")
    return redirect("batch_detail", request.workspace.slug, again.public_id)


@require_POST
@console_view("prepare_payouts")
def batch_provider_total(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """Keep how much the provider says it paid in all."""
    batch = _batch(request, public_id)
    form = forms.ProviderTotalForm(request.POST, currency=batch.currency)
    if not form.is_valid():
        return _page(request, batch, status=400, total_form=form)
    services.record_provider_total(
        batch=batch, paid_minor=form.cleaned_data["paid"], actor=request.actor, at=request.at
    )
    messages.success(request, "The provider's sum is kept.")
    return redirect("batch_detail", request.workspace.slug, public_id)


@require_safe
@console_view("view")
def batch_progress(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """How far a batch is, as a part of its page that asks again while something is on its way.

    With `?preparing=1` it has the whole page loaded once the batch is made: there is more to do then.
    """
    batch = _batch(request, public_id)
    answer = render(request, "rewards/_batch_progress.html", _progress(batch))
    if "preparing" in request.GET and batch.status != PayoutBatch.Status.PREPARING:
        answer["HX-Refresh"] = "true"
    return answer


def _batch(request: ConsoleRequest, public_id: str) -> PayoutBatch:
    return get_object_or_404(queries.batches(request.workspace), public_id=public_id)


def _page(request: ConsoleRequest, batch: PayoutBatch, *, status: int = 200, **more: Any) -> HttpResponseBase:
    draft = batch.status == PayoutBatch.Status.DRAFT
    preparing = batch.status == PayoutBatch.Status.PREPARING
    underway = batch.status in (PayoutBatch.Status.APPROVED, PayoutBatch.Status.PROCESSING)
    context = {
        **_progress(batch),
        "steps": _steps(batch),
        "overdrawn": queries.overdrawn_in(batch) if draft else [],
        "changed_count": queries.changed_accounts(batch).count() if draft or underway else 0,
        "made_by_me": batch.created_by_id == request.user.pk,
        "draft": draft,
        "cancellable": draft or preparing,
        "payable": underway,
        "cancelled": batch.status == PayoutBatch.Status.FAILED and batch.approved_by_id is None,
        "cancel_form": forms.CancelForm(),
        "results_form": forms.ResultsForm(currency=batch.currency),
        "total_form": forms.ProviderTotalForm(currency=batch.currency),
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


def _progress(batch: PayoutBatch) -> dict[str, Any]:
    by_status = queries.payouts_by_status(batch)
    waiting = sum(by_status[status][0] for status in queries.OPEN)
    by_provider = batch.method in PROVIDERS
    return {
        "batch": batch,
        "preparing": batch.status == PayoutBatch.Status.PREPARING,
        "sums": queries.batch_sums(batch),
        "charged_minor": queries.fees_of(batch),
        "progress": [
            {"status": name, "count": count, "total": total}
            for name, (count, total) in by_status.items()
            if count or name != Payout.Status.SENT
        ],
        "settled": batch.payout_count - waiting,
        "failed_count": by_status[Payout.Status.FAILED][0],
        "by_provider": by_provider,
        "moving": by_provider and waiting and batch.approved_by_id is not None,
    }


def _steps(batch: PayoutBatch) -> list[dict[str, Any]]:
    """Return what happened to a batch, and what has yet to happen, in order."""
    preparing = batch.status == PayoutBatch.Status.PREPARING
    steps: list[dict[str, Any]] = [
        {
            "at": batch.created_at,
            "title": "Being prepared" if preparing else "Prepared",
            "actor": batch.created_by,
            "text": "Everybody is judged, and their money set aside."
            if preparing
            else "The money is set aside.",
            "tone": "wait" if preparing else "good",
        }
    ]
    if batch.approved_at is not None:
        steps.append(
            {"at": batch.approved_at, "title": "Approved", "actor": batch.approved_by, "tone": "good"}
        )
    if batch.status in (PayoutBatch.Status.PREPARING, PayoutBatch.Status.DRAFT):
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
                "text": "The provider is told; what becomes of each payout comes back by itself."
                if batch.method in PROVIDERS
                else "Export the file, pay it at the bank, then take in the results.",
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
