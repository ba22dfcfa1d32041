"""Deciding anew when facts become known late, or a person has judged otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Workspace
from core.events import emit
from programs.models import Customer
from tracking.models import Attribution, Conversion, Credit, Referral
from tracking.services.contacts import contacts_of
from tracking.services.decisions import Case, Decided, ask_about, cases_of, credits_for, decide_cases
from tracking.services.referrals import reject_uncredited

LATE = timedelta(hours=72)
"""How long after a conversion was received what becomes known late still changes its decision.

Stores and pages try again for about that long; after that people rely on what they were told.
"""


@transaction.atomic(savepoint=False)
def redecide_late(
    *, workspace: Workspace, since: Mapping[int, datetime], apart: Collection[int], cause: str, at: datetime
) -> int:
    """Decide anew the young conversions that lie after what became known late; returns how many changed.

    `since` gives, by the key of a locked customer, the time of the earliest such fact; the conversions in
    `apart` have just been decided.
    """
    if not since:
        return 0
    rows = Conversion.objects.for_workspace(workspace).filter(
        customer__in=since, received_at__gt=at - LATE, occurred_at__gt=min(since.values())
    )
    found = [
        row
        for row in rows.exclude(status=Conversion.Status.REJECTED).select_related("customer")
        if row.pk not in apart and row.occurred_at > since[row.customer_id]
    ]
    return redecide(workspace=workspace, conversions=found, cause=cause, at=at)


@transaction.atomic(savepoint=False)
def redecide(*, workspace: Workspace, conversions: Iterable[Conversion], cause: str, at: datetime) -> int:
    """Decide conversions anew, in the order in which they happened; returns how many have other credits.

    Each program's earlier version and the judgements on record stay; so do participants who were found fit
    then. A decision from the same facts is not stored again. Credits are replaced, referrals that nothing
    carries any more are rejected, and `conversion.redecided` tells of it. Locks the customers.
    """
    wanted = sorted(conversions, key=lambda row: (row.occurred_at, row.pk))
    people = Customer.objects.for_workspace(workspace).select_for_update(no_key=True).order_by("pk")
    locked = {row.pk: row for row in people.filter(pk__in={row.customer_id for row in wanted})}
    changed = 0
    for conversion in wanted:
        conversion.workspace, conversion.customer = workspace, locked[conversion.customer_id]
        changed += _redecide(workspace, conversion, cause, at)
    return changed


def _redecide(workspace: Workspace, conversion: Conversion, cause: str, at: datetime) -> bool:
    contacts = contacts_of(workspace, [conversion])
    standing = _standing(conversion)
    cases = []
    credited = Credit.objects.for_workspace(workspace).filter(conversion=conversion)
    own = set(credited.values_list("referral_id", flat=True))
    for case in cases_of(contacts, conversion, at, own):
        before = standing.get(case.version.program_id)
        cases.append(case if before is None else _next(case, before, cause))
    made = [
        each
        for each in decide_cases(workspace, cases, contacts, at=at, judged_before=True)
        if _differs(each, standing.get(each.case.version.program_id))
    ]
    if not made:
        return False
    Attribution.objects.bulk_create(each.attribution for each in made)
    programs = {each.case.version.program_id for each in made}
    old = Credit.objects.for_workspace(workspace).filter(
        conversion=conversion, attribution__program__in=programs
    )
    shared = set(old.values_list("participant_id", "weight_ppm", "amount_minor"))
    referrals = list(Referral.objects.for_workspace(workspace).filter(credits__in=old).distinct())
    old.delete()
    credits = credits_for(made, contacts)
    Credit.objects.bulk_create(credits)
    ask_about(workspace, made, at=at)
    reject_uncredited(referrals=referrals, conversion=conversion, reason="decided anew", at=at)
    if shared == {(each.participant_id, each.weight_ppm, each.amount_minor) for each in credits}:
        return False
    emit(
        "conversion.redecided",
        at=at,
        conversion=conversion.public_id,
        customer=conversion.customer.public_id,
        cause=cause,
    )
    return True


def _standing(conversion: Conversion) -> dict[int, Attribution]:
    """Return the decision that stands in each program."""
    rows = Attribution.objects.for_workspace(conversion.workspace_id).filter(conversion=conversion)
    return {row.program_id: row for row in rows.select_related("version").order_by("revision")}


def _next(case: Case, before: Attribution, cause: str) -> Case:
    inputs = before.inputs
    parts = [*inputs["touches"], *(inputs["bond"] or {"shares": []})["shares"]]
    fit = {part["participant"] for part in parts if part["disqualified"] is None}
    return replace(
        case,
        version=before.version,
        revision=before.revision + 1,
        cause=cause[:200],
        cleared=frozenset(fit),
    )


def _differs(made: Decided, before: Attribution | None) -> bool:
    return before is None or made.attribution.digest != before.digest
