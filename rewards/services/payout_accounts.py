"""Where a person's money goes: chosen by themselves, set or refused by staff, set up at a provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from accounts import secrets
from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.text import clean_line
from core.transactions import all_or_nothing
from programs.models import Customer
from programs.services import refuse_erased
from rewards.models import PayoutAccount
from rewards.payout_details import FIELDS, checked_details, label_of
from rewards.queries.destinations import open_details

Status = PayoutAccount.Status


@all_or_nothing
def choose_payout_account(
    *, customer: Customer, method: str, details: Mapping[str, str], actor: Actor, at: datetime
) -> PayoutAccount:
    """Set a person's account of one method and pay them by it from now on; the same again changes nothing.

    `details` are those of `rewards.payout_details.FIELDS`; they are sealed to the row. Details that were
    refused stay so unless staff set them. Raises CustomerErased, Invalid naming `method` or the field, and
    Conflict (`refused`).
    """
    if method not in FIELDS:
        raise Invalid("There is no such method.", code="not_a_choice", param="method")
    if not FIELDS[method]:
        raise Invalid("This account is set up at the provider.", code="onboarding", param="method")
    wanted = checked_details(method, details)
    account = _locked(customer, method) or _new(customer, method, at)
    same = bool(account.sealed_details) and open_details(account) == wanted
    if same and account.status == Status.REFUSED and actor.kind != "user":
        raise Conflict(f"We could not use this account: {account.note}", code="refused", param="method")
    if same and account.status == Status.READY and _is_latest(account):
        return account
    before = _shown(account)
    if not same:
        _seal(account, wanted)
    account.status, account.note, account.chosen_at = Status.READY, "", at
    account.save()
    _audit(account, actor, "payout_account.chosen", before=before)
    return account


@all_or_nothing
def begin_onboarding(*, customer: Customer, method: str, actor: Actor, at: datetime) -> PayoutAccount:
    """Return the person's account at a provider, to be set up there; a new one is incomplete.

    One that is ready is chosen by this. Raises CustomerErased, Invalid naming `method`, and Conflict
    (`refused`).
    """
    if method not in FIELDS or FIELDS[method]:
        raise Invalid("This account is not set up at a provider.", code="not_a_choice", param="method")
    account = _locked(customer, method) or _new(customer, method, at)
    if account.status == Status.REFUSED:
        raise Conflict(f"We could not use this account: {account.note}", code="refused", param="method")
    before = _shown(account)
    account.chosen_at = at
    account.save()
    _audit(account, actor, "payout_account.chosen", before=before)
    return account


@all_or_nothing
def note_onboarding(
    *, account: PayoutAccount, details: Mapping[str, str], label: str, ready: bool, actor: Actor
) -> PayoutAccount:
    """Keep what a provider says of an account that is set up there; one that staff refused stays refused.

    `details` hold the provider's id as `account_id`; `label` may be shown. The same again changes nothing.
    """
    row = _locked(account.customer, account.method)
    if row is None:
        raise Conflict("This payout account is gone.", code="gone")
    before, wanted = _shown(row), dict(details)
    same = open_details(row) == wanted
    if not same:
        _seal(row, wanted)
    row.label = clean_line(label, param="label", longest=80)
    if row.status != Status.REFUSED:
        row.status = Status.READY if ready else Status.INCOMPLETE
    if same and _shown(row) == before:
        return row
    row.save()
    _audit(row, actor, "payout_account.noted", before=before)
    return row


@all_or_nothing
def refuse_payout_account(*, account: PayoutAccount, reason: str, actor: Actor) -> PayoutAccount:
    """Pay nothing to this account; the person reads why. Refusing it again gives the new reason.

    Raises Invalid naming `reason`.
    """
    note = clean_line(reason, param="reason", longest=200, required=True)
    row = _locked(account.customer, account.method)
    if row is None:
        raise Conflict("This payout account is gone.", code="gone")
    before = _shown(row)
    row.status, row.note = Status.REFUSED, note
    row.save(update_fields=["status", "note"])
    _audit(row, actor, "payout_account.refused", before=before, reason=note)
    return row


def _locked(customer: Customer, method: str) -> PayoutAccount | None:
    """Return the person's account of a method, with nobody else changing any of theirs."""
    people = Customer.objects.for_workspace(customer.workspace_id)
    person = people.select_for_update(no_key=True).get(pk=customer.pk)
    refuse_erased(person)
    rows = PayoutAccount.objects.for_workspace(customer.workspace_id)
    return rows.select_related("workspace").filter(customer=person, method=method).first()


def _new(customer: Customer, method: str, at: datetime) -> PayoutAccount:
    return PayoutAccount(
        workspace_id=customer.workspace_id,
        customer=customer,
        method=method,
        status=Status.INCOMPLETE,
        chosen_at=at,
        created_at=at,
    )


def _seal(account: PayoutAccount, details: Mapping[str, str]) -> None:
    account.sealed_details = secrets.encrypt(json.dumps(dict(details)), bound_to=account.public_id)
    account.label = label_of(account.method, details)


def _is_latest(account: PayoutAccount) -> bool:
    rows = PayoutAccount.objects.for_workspace(account.workspace_id).filter(customer_id=account.customer_id)
    return not rows.filter(chosen_at__gt=account.chosen_at).exists()


def _shown(account: PayoutAccount) -> dict[str, str]:
    """Return what the audit may hold, which cannot be erased: never the details."""
    return {"method": account.method, "label": account.label, "status": account.status}


def _audit(
    account: PayoutAccount, actor: Actor, action: str, *, before: dict[str, str], reason: str = ""
) -> None:
    record_audit(
        workspace=account.workspace_id,
        actor=actor,
        action=action,
        subject=account.customer.public_id,
        before=before,
        after=_shown(account),
        reason=reason,
    )
