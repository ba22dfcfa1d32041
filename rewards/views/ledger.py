"""The console's pages on the ledger: the books by unit, the accounts, and one account's transfers."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from core import lists
from rewards import forms, queries, tables


@require_safe
@console_view("view")
def ledger(request: ConsoleRequest) -> HttpResponseBase:
    """All accounts with their balances; `?check=1` adds the books up again."""
    checked = request.GET.get("check") == "1"
    return lists.answer(
        request,
        "rewards/ledger.html",
        table=tables.AccountTable,
        rows=queries.accounts(request.workspace),
        filters=forms.AccountFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="book-2",
            title="No accounts here yet",
            text="The first reward opens the accounts its money moves between.",
        ),
        context={
            "sums": queries.sums(request.workspace),
            "checked": checked,
            "differences": queries.differences(request.workspace) if checked else [],
        },
    )


@require_safe
@console_view("view")
def account_detail(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """One account and every transfer through it."""
    account = get_object_or_404(queries.accounts(request.workspace), public_id=public_id)
    return lists.answer(
        request,
        "rewards/account_detail.html",
        table=tables.TransferTable,
        rows=queries.transfers_through(account),
        filters=forms.TransferFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="arrows-exchange",
            title="No transfers yet",
            text="Money that moves through this account will stand here.",
        ),
        context={"account": account},
    )
