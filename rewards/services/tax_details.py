"""Tax details: given by the person who is paid, then verified or refused by staff."""

from __future__ import annotations

from datetime import datetime

from accounts import secrets
from accounts.services import Actor, record_audit
from core.errors import Conflict, Forbidden
from core.text import clean_line
from core.transactions import all_or_nothing
from programs.models import Customer
from programs.services import refuse_erased
from rewards.models import TaxDetails
from rewards.payout_details import checked_country
from rewards.queries.tax import open_number
from rewards.tax_forms import checked_form, checked_number, end_of

Status = TaxDetails.Status


@all_or_nothing
def submit_tax_details(
    *,
    customer: Customer,
    country: str,
    legal_name: str,
    form: str,
    number: str,
    actor: Actor,
    at: datetime,
) -> TaxDetails:
    """Keep what a person says for the tax office; the number is sealed to the row, and staff verify it.

    The same again changes nothing unless it was refused; anything else has to be verified anew. Raises
    CustomerErased, and Invalid naming `country`, `legal_name`, `form` or `number`.
    """
    country = checked_country(country)
    name = clean_line(legal_name, param="legal_name", longest=120, required=True)
    form = checked_form(form, country)
    number = checked_number(number, form)
    row = _locked(customer) or TaxDetails(workspace_id=customer.workspace_id, customer=customer)
    stored = (row.country, row.legal_name, row.form, open_number(row))
    if stored == (country, name, form, number) and row.status != Status.REFUSED:
        return row
    before = _shown(row)
    row.country, row.legal_name, row.form = country, name, form
    row.sealed_number = secrets.encrypt(number, bound_to=row.public_id)
    row.number_end = end_of(number)
    row.status, row.note, row.submitted_at = Status.SUBMITTED, "", at
    row.decided_at = row.decided_by = None
    row.save()
    _audit(row, actor, "tax_details.submitted", before=before)
    return row


@all_or_nothing
def verify_tax_details(*, details: TaxDetails, actor: Actor, at: datetime) -> TaxDetails:
    """Say that the details were looked at and are right. Raises Conflict (`not_submitted`), Forbidden."""
    return _decide(details, Status.VERIFIED, "", actor, at)


@all_or_nothing
def refuse_tax_details(*, details: TaxDetails, reason: str, actor: Actor, at: datetime) -> TaxDetails:
    """Say why the details will not do; the person reads it and gives them again.

    Verified ones can be refused too. Raises Invalid naming `reason`, Conflict (`not_submitted`), Forbidden.
    """
    note = clean_line(reason, param="reason", longest=200, required=True)
    return _decide(details, Status.REFUSED, note, actor, at)


def _decide(details: TaxDetails, status: str, note: str, actor: Actor, at: datetime) -> TaxDetails:
    if actor.user is None:
        raise Forbidden("A person has to stand behind this.", code="needs_person")
    row = _locked(details.customer)
    open_to = {Status.VERIFIED: (Status.SUBMITTED,), Status.REFUSED: (Status.SUBMITTED, Status.VERIFIED)}
    if row is None or row.status not in open_to[Status(status)]:
        word = "gone" if row is None else row.status
        raise Conflict(f"These tax details are {word}.", code="not_submitted")
    before = _shown(row)
    row.status, row.note, row.decided_at, row.decided_by = status, note, at, actor.user
    row.save(update_fields=["status", "note", "decided_at", "decided_by"])
    _audit(row, actor, f"tax_details.{status}", before=before, reason=note)
    return row


def _locked(customer: Customer) -> TaxDetails | None:
    people = Customer.objects.for_workspace(customer.workspace_id)
    person = people.select_for_update(no_key=True).get(pk=customer.pk)
    refuse_erased(person)
    rows = TaxDetails.objects.for_workspace(customer.workspace_id)
    return rows.select_related("customer").filter(customer=person).first()


def _shown(row: TaxDetails) -> dict[str, str]:
    """Return what the audit may hold, which cannot be erased: no name, and of the number its end."""
    number = f"…{row.number_end}" if row.number_end else ""
    return {"country": row.country, "form": row.form, "number": number, "status": row.status}


def _audit(row: TaxDetails, actor: Actor, action: str, *, before: dict[str, str], reason: str = "") -> None:
    record_audit(
        workspace=row.workspace_id,
        actor=actor,
        action=action,
        subject=row.customer.public_id,
        before=before if before["country"] else None,
        after=_shown(row),
        reason=reason,
    )
