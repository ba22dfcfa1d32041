"""What the tax office wants to know: the details on file, and whose payouts wait for them."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F, QuerySet

from accounts import secrets
from accounts.models import Workspace
from programs.models import Customer, Participant, ProgramVersion
from programs.terms import parse_terms
from rewards.models import TaxDetails

_MISSING = "A program asks for tax details, and there are none."
_UNVERIFIED = "The tax details have not been verified yet."


def tax_details(workspace: Workspace) -> QuerySet[TaxDetails]:
    """Return all tax details with whose they are and who decided, those submitted last first."""
    return (
        TaxDetails.objects.for_workspace(workspace)
        .select_related("customer", "decided_by")
        .order_by("-submitted_at", "-pk")
    )


def tax_details_of(customer: Customer) -> TaxDetails | None:
    """Return what one person gave; None for nothing."""
    return tax_details(customer.workspace).filter(customer=customer).first()


def open_number(details: TaxDetails) -> str:
    """Return a tax number in full, for the report to the tax office and the person's export; else nobody."""
    sealed = details.sealed_number
    return secrets.decrypt(sealed, bound_to=details.public_id) if sealed else ""


def tax_refusals(workspace: Workspace, customer_ids: Collection[int]) -> dict[int, str]:
    """Return a sentence for each of these people whose payout waits for tax details, by customer key.

    It does where the live terms of a program they take part in ask for the details and none were verified.
    Three queries, however many people.
    """
    asking = programs_asking(workspace)
    if not asking or not customer_ids:
        return {}
    held = set(
        Participant.objects.for_workspace(workspace)
        .filter(program_id__in=asking, customer_id__in=customer_ids)
        .values_list("customer_id", flat=True)
    )
    known = {
        row.customer_id: row
        for row in TaxDetails.objects.for_workspace(workspace).filter(customer_id__in=held)
    }
    found = {}
    for pk in held:
        row = known.get(pk)
        if row is None or row.status != TaxDetails.Status.VERIFIED:
            found[pk] = _sentence(row)
    return found


def programs_asking(workspace: Workspace) -> set[int]:
    """Return the keys of the programs whose live terms hold payouts until tax details are verified."""
    versions = ProgramVersion.objects.for_workspace(workspace).filter(number=F("program__live_version"))
    return {
        version.program_id
        for version in versions
        if getattr(parse_terms(version.terms), "tax_details_required", False)
    }


def _sentence(row: TaxDetails | None) -> str:
    if row is None:
        return _MISSING
    if row.status == TaxDetails.Status.REFUSED:
        return f"The tax details were refused: {row.note}"
    return _UNVERIFIED
