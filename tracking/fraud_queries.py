"""Reads behind the review of fraud cases: what comes next, the evidence, who is related, and the lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from accounts.models import Workspace
from programs.models import Customer, Participant
from tracking.case_queries import cases
from tracking.models import Conversion, FraudCase, FraudListEntry, FraudSignal, Sighting

MOST_RELATED: Final = 20
NEWEST: Final = 10
_MOST_OWN = 200
_MOST_SHARED = 500


@dataclass(frozen=True, slots=True)
class Related:
    """A customer who shares identifiers with a friend: which kinds, never the identifiers themselves."""

    customer: Customer
    shares: tuple[str, ...]
    is_referrer: bool


def cases_whole(workspace: Workspace) -> QuerySet[FraudCase]:
    """Return cases with all that their page and the API show of them, the newest first."""
    return cases(workspace).select_related("workspace", "judgement__version")


def case_named(workspace: Workspace, public_id: str) -> FraudCase | None:
    """Return a case as `cases_whole` does, or None."""
    return cases_whole(workspace).filter(public_id=public_id).first()


def cases_named(workspace: Workspace, public_ids: Collection[str]) -> dict[str, FraudCase]:
    """Return cases by their public ids as `cases` does; an id that is not there is left out."""
    return {case.public_id: case for case in cases(workspace).filter(public_id__in=public_ids)}


def in_order(rows: QuerySet[FraudCase], *, newest_first: bool = False) -> QuerySet[FraudCase]:
    """Return cases in the order in which they are looked at: who waits longest comes first."""
    return rows.order_by("-opened_at", "-pk") if newest_first else rows.order_by("opened_at", "pk")


def next_after(rows: QuerySet[FraudCase], case: FraudCase, *, newest_first: bool = False) -> FraudCase | None:
    """Return the case after this one, the first of them after the last, or None if there is no other."""
    others = in_order(rows.exclude(pk=case.pk), newest_first=newest_first)
    if newest_first:
        behind = Q(opened_at__lt=case.opened_at) | Q(opened_at=case.opened_at, pk__lt=case.pk)
    else:
        behind = Q(opened_at__gt=case.opened_at) | Q(opened_at=case.opened_at, pk__gt=case.pk)
    return others.filter(behind).first() or others.first()


def signals_of_case(case: FraudCase) -> QuerySet[FraudSignal]:
    """Return the findings about a case, the heaviest first and those that only run on trial last."""
    return (
        FraudSignal.objects.for_workspace(case.workspace_id)
        .filter(conversion_id=case.conversion_id, participant_id=case.participant_id)
        .order_by("shadow", "-weight", "pk")
    )


def names_of(workspace: Workspace, public_ids: Collection[str]) -> dict[str, str]:
    """Return what the participants and customers among these ids are called."""
    names: dict[str, str] = {}
    people = [each for each in public_ids if each.startswith("prt_")]
    if people:
        rows = Participant.objects.for_workspace(workspace).select_related("customer")
        names |= {row.public_id: str(row) for row in rows.filter(public_id__in=people)}
    customers = [each for each in public_ids if each.startswith("cus_")]
    if customers:
        known = Customer.objects.for_workspace(workspace).filter(public_id__in=customers)
        names |= {row.public_id: str(row) for row in known}
    return names


def related_people(case: FraudCase) -> list[Related]:
    """Return who else was seen with the friend's identifiers or has the same mailbox, the closest first.

    At most `MOST_RELATED`. A network address that many use brings up strangers, so it comes last.
    """
    friend = case.conversion.customer
    shared: dict[int, set[str]] = defaultdict(set)
    for strong in (True, False):
        for customer_id, kind in _seen_with(friend, strong=strong):
            shared[customer_id].add(kind)
        if len(shared) >= MOST_RELATED:
            break
    alike = Customer.objects.for_workspace(case.workspace_id).filter(mailbox=friend.mailbox)
    if friend.mailbox:
        for pk in alike.exclude(pk=friend.pk).values_list("pk", flat=True)[:MOST_RELATED]:
            shared[pk].add("mailbox")
    referrer = case.participant.customer_id
    closest = sorted(shared, key=lambda pk: (pk != referrer, -len(shared[pk] - {"address"}), pk))
    people = Customer.objects.for_workspace(case.workspace_id).in_bulk(closest[:MOST_RELATED])
    return [
        Related(people[pk], tuple(kind for kind in _KINDS if kind in shared[pk]), pk == referrer)
        for pk in closest
        if pk in people
    ]


_KINDS: Final = (
    "mailbox",
    Sighting.Kind.DEVICE.value,
    Sighting.Kind.BROWSER.value,
    Sighting.Kind.PAYMENT.value,
    Sighting.Kind.POSTAL.value,
    Sighting.Kind.ADDRESS.value,
)


def _seen_with(friend: Customer, *, strong: bool) -> Iterable[tuple[int, str]]:
    """Return the others seen with the friend's network addresses, or with any other identifier."""
    sightings = Sighting.objects.for_workspace(friend.workspace_id).exclude(kind=Sighting.Kind.AGENT)
    if strong:
        sightings = sightings.exclude(kind=Sighting.Kind.ADDRESS)
    else:
        sightings = sightings.filter(kind=Sighting.Kind.ADDRESS)
    own = sightings.filter(customer=friend).values_list("kind", "digest").distinct()[:_MOST_OWN]
    by_kind: dict[str, set[str]] = defaultdict(set)
    for kind, digest in own:
        by_kind[kind].add(digest)
    if not by_kind:
        return ()
    same = Q()
    for kind, digests in by_kind.items():
        same |= Q(kind=kind, digest__in=digests)
    rows = sightings.filter(same).exclude(customer=friend)
    return rows.order_by().values_list("customer_id", "kind").distinct()[:_MOST_SHARED]


def other_cases(case: FraudCase) -> list[FraudCase]:
    """Return the participant's newest other cases."""
    rows = cases(case.workspace).filter(participant_id=case.participant_id).exclude(pk=case.pk)
    return list(rows[:NEWEST])


def other_conversions(case: FraudCase) -> list[Conversion]:
    """Return the friend's newest other conversions."""
    rows = Conversion.objects.for_workspace(case.workspace_id).filter(customer_id=case.conversion.customer_id)
    return list(rows.exclude(pk=case.conversion_id).order_by("-public_id")[:NEWEST])


def list_entries(workspace: Workspace) -> QuerySet[FraudListEntry]:
    """Return what stands on the allow and block lists, the newest first."""
    return FraudListEntry.objects.for_workspace(workspace).order_by("-public_id")


def list_entry_named(workspace: Workspace, public_id: str) -> FraudListEntry | None:
    """Return an entry of the lists, or None."""
    return list_entries(workspace).filter(public_id=public_id).first()
