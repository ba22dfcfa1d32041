"""The console's pages on where a person's money goes."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import ConsoleRequest, console_view
from core.errors import DomainError
from core.forms import add_domain_error
from programs.models import Customer
from programs.queries import customers_of
from rewards import queries, services
from rewards.account_forms import PayoutAccountForm, RefuseForm
from rewards.models import PayoutAccount
from rewards.payout_details import FIELDS


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("prepare_payouts")
def payout_account(request: ConsoleRequest, public_id: str, method: str) -> HttpResponse:
    """Show a person's account of one method as far as it may be shown; POST sets it on their behalf."""
    if method not in FIELDS:
        raise Http404("There is no such method.")
    customer = _customer(request, public_id)
    initial = {"country": customer.country, "holder": customer.name}
    form = PayoutAccountForm(
        request.POST if request.method == "POST" else None, method=method, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.choose_payout_account(
                customer=customer,
                method=method,
                details=form.cleaned_data,
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Saved: payouts go to this account from now on.")
            return redirect("customer_detail", request.workspace.slug, public_id)
    return _page(request, customer, method, form=form)


@require_POST
@console_view("prepare_payouts")
def payout_account_refuse(request: ConsoleRequest, public_id: str, method: str) -> HttpResponse:
    """Pay nothing to an account, and tell the person why."""
    customer = _customer(request, public_id)
    account = get_object_or_404(queries.payout_accounts_of(customer), method=method)
    form = RefuseForm(request.POST)
    if form.is_valid():
        try:
            services.refuse_payout_account(
                account=account, reason=form.cleaned_data["reason"], actor=request.actor
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Refused: nothing is paid to this account.")
            return redirect("customer_detail", request.workspace.slug, public_id)
    return _page(request, customer, method, refuse_form=form)


def _customer(request: ConsoleRequest, public_id: str) -> Customer:
    found: Customer = get_object_or_404(customers_of(request.workspace), public_id=public_id)
    return found


def _page(
    request: ConsoleRequest,
    customer: Customer,
    method: str,
    *,
    form: PayoutAccountForm | None = None,
    refuse_form: RefuseForm | None = None,
) -> HttpResponse:
    context = {
        "customer": customer,
        "method": method,
        "method_name": PayoutAccount.Method(method).label,
        "account": queries.payout_accounts_of(customer).filter(method=method).first(),
        "form": form or PayoutAccountForm(method=method),
        "can_set": bool(FIELDS[method]),
        "refuse_form": refuse_form or RefuseForm(auto_id="refuse_%s"),
    }
    wrong = any(each is not None and each.errors for each in (form, refuse_form))
    return render(request, "rewards/payout_account.html", context, status=400 if wrong else 200)
