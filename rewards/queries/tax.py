"""What the tax office wants to know: the details on file, and whose payouts wait for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from accounts import secrets
from accounts.models import Workspace
from programs.models import Customer, Participant, ProgramVersion
from programs.terms import parse_terms
from rewards.models import Payout, Reward, TaxDetails
from rewards.tax_years import year_between, year_of

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

    It does where the live terms of a program they take part in, or earned cash by as a friend, ask for the
    details and none were verified. Three queries, however many people.
    """
    asking = programs_asking(workspace)
    if not asking or not customer_ids:
        return {}
    taking_part, earning = (
        rows.filter(program_id__in=asking, customer_id__in=customer_ids).order_by().values_list("customer_id")
        for rows in (
            Participant.objects.for_workspace(workspace),
            Reward.objects.for_workspace(workspace).filter(kind=Reward.Kind.CASH),
        )
    )
    held = {pk for (pk,) in taking_part.union(earning)}
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


def paid_payouts(workspace: Workspace) -> QuerySet[Payout]:
    """Return the payouts that reached their people, with whom and in which batch, latest first."""
    return (
        Payout.objects.for_workspace(workspace)
        .filter(status=Payout.Status.PAID)
        .select_related("customer", "batch")
        .order_by("-settled_at", "-pk")
    )


def paid_in_year(workspace: Workspace, year: int) -> QuerySet[Customer]:
    """Return everyone who was paid in a year by the workspace's clocks, once for each currency.

    Annotated: `currency`, `paid_minor`, `payout_count`, `year`, and of the tax details on file `tax_form`,
    `tax_country` and `tax_status` (`none` where there are none).
    """
    first, after = year_between(year, workspace.time_zone)
    details = TaxDetails.objects.for_workspace(workspace).filter(customer=OuterRef("pk"))
    return (
        Customer.objects.for_workspace(workspace)
        .filter(
            payouts__workspace=workspace,
            payouts__status=Payout.Status.PAID,
            payouts__settled_at__gte=first,
            payouts__settled_at__lt=after,
        )
        .annotate(
            currency=F("payouts__currency"),
            paid_minor=Sum("payouts__amount_minor"),
            payout_count=Count("payouts__pk"),
            year=Value(year),
            tax_form=Coalesce(Subquery(details.values("form")[:1]), Value("")),
            tax_country=Coalesce(Subquery(details.values("country")[:1]), Value("")),
            tax_status=Coalesce(Subquery(details.values("status")[:1]), Value("none")),
        )
        .order_by("currency", "-paid_minor", "pk")
    )


def years_paid(workspace: Workspace, at: datetime) -> list[int]:
    """Return the years to choose from: from this one back to that of the first payout."""
    now = year_of(at, workspace.time_zone)
    first = paid_payouts(workspace).order_by("settled_at").values_list("settled_at", flat=True).first()
    begun = year_of(first, workspace.time_zone) if first else now
    return list(range(now, min(begun, now) - 1, -1))


@dataclass(frozen=True, slots=True)
class YearTotal:
    """What was paid in a year in one currency: the sum, to how many people, in how many payouts."""

    currency: str
    paid_minor: int
    people: int
    payouts: int


def year_totals(workspace: Workspace, year: int) -> list[YearTotal]:
    """Return what was paid in a year by the workspace's clocks, by currency."""
    first, after = year_between(year, workspace.time_zone)
    rows = (
        paid_payouts(workspace)
        .filter(settled_at__gte=first, settled_at__lt=after)
        .order_by("currency")
        .values("currency")
        .annotate(
            paid_minor=Sum("amount_minor"),
            people=Count("customer_id", distinct=True),
            payouts=Count("pk"),
        )
    )
    return [YearTotal(**row) for row in rows]
