"""The console's pages on the ledger: the books by unit, the accounts, and one account's transfers."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from core.paging import page_of
from rewards import forms, queries


@require_safe
@console_view("view")
def ledger(request: ConsoleRequest) -> HttpResponse:
    """All accounts with their balances; `?check=1` adds the books up again."""
    form = forms.AccountFilterForm(request.GET)
    checked = request.GET.get("check") == "1"
    context = {
        "form": form,
        "sums": queries.sums(request.workspace),
        "page": page_of(request, form.narrow(queries.accounts(request.workspace))),
        "checked": checked,
        "differences": queries.differences(request.workspace) if checked else [],
    }
    return render(request, "rewards/ledger.html", context)


@require_safe
@console_view("view")
def account_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One account and every transfer through it."""
    account = get_object_or_404(queries.accounts(request.workspace), public_id=public_id)
    page = page_of(request, queries.transfers_through(account))
    lines = [
        {
            "transfer": transfer,
            "other": transfer.debit if transfer.credit_id == account.pk else transfer.credit,
            "change_minor": transfer.amount_minor * (1 if transfer.credit_id == account.pk else -1),
        }
        for transfer in page.object_list
    ]
    return render(request, "rewards/account_detail.html", {"account": account, "page": page, "lines": lines})
