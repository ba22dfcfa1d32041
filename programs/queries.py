"""Reads about programs, customers, participants and codes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import or_

from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Workspace
from core.errors import Conflict
from core.mailbox import normalise_mailbox
from core.tenancy import door
from programs.assignment import HOLDOUT, expected_shares
from programs.models import (
    CodeRoute,
    Customer,
    Experiment,
    Exposure,
    Link,
    Participant,
    Program,
    ProgramChange,
    ProgramVersion,
    PromoCode,
)
from programs.terms import ProgramTerms, parse_terms
from programs.tombstones import spellings, tombstone

_MOST_READ = 1000
_read: dict[str, tuple[object, ProgramTerms]] = {}
"""Terms by their version's public id: reading a document takes as long as a query."""


class NotPublished(Conflict):
    """The program has promised nothing yet."""

    default_code = "not_published"


@dataclass(frozen=True, slots=True)
class ResolvedLink:
    """Where a short code belongs, as primary keys."""

    workspace_id: int
    link_id: int


@dataclass(frozen=True, slots=True)
class Share:
    """How many people saw a variant, beside the part of all of them that should have."""

    variant: str
    weight: int | None
    """None for the holdout, which has no weight."""
    people: int
    expected: Fraction
    """Of all people who were assigned, 0 to 1."""
    actual: Fraction | None
    """None while nobody was assigned."""

    @property
    def expected_bps(self) -> int:
        """The expected part in basis points, rounded half-even."""
        return round(self.expected * 10_000)

    @property
    def actual_bps(self) -> int | None:
        """The actual part in basis points, rounded half-even."""
        return None if self.actual is None else round(self.actual * 10_000)


def live_version(program: Program) -> ProgramVersion | None:
    """Return the published version, or None before the first."""
    if program.live_version is None:
        return None
    return (
        ProgramVersion.objects.for_workspace(program.workspace_id)
        .filter(program_id=program.pk, number=program.live_version)
        .first()
    )


def live_versions(workspace: Workspace, programs: Iterable[Program]) -> dict[int, ProgramVersion]:
    """Return the published versions of programs by the programs' keys; those without any are left out."""
    published = [program for program in programs if program.live_version is not None]
    if not published:
        return {}
    wanted = reduce(or_, (Q(program=program, number=program.live_version) for program in published))
    return {
        version.program_id: version
        for version in ProgramVersion.objects.for_workspace(workspace).filter(wanted)
    }


def terms_of(version: ProgramVersion) -> ProgramTerms:
    """Read a version's terms."""
    known = _read.get(version.public_id)
    # Versions never change; the comparison is for those that exist in memory only.
    if known is not None and known[0] == version.terms:
        return known[1]
    terms = parse_terms(version.terms)
    if len(_read) >= _MOST_READ:
        _read.clear()
    _read[version.public_id] = (version.terms, terms)
    return terms


def live_terms(program: Program) -> ProgramTerms:
    """Return what the program promises now; raises NotPublished before the first version."""
    version = live_version(program)
    if version is None:
        raise NotPublished("This program has not been published yet.", param="program")
    return terms_of(version)


def draft_terms(program: Program) -> ProgramTerms:
    """Read the terms of the next version in the making."""
    return parse_terms(program.draft)


def programs_of(workspace: Workspace) -> QuerySet[Program]:
    """Return the programs with `participant_count`, newest first."""
    counts = (
        Participant.objects.for_workspace(workspace)
        .filter(program_id=OuterRef("pk"))
        .order_by()
        .values("program_id")
        .annotate(rows=Count("pk"))
        .values("rows")
    )
    return (
        Program.objects.for_workspace(workspace)
        .annotate(participant_count=Subquery(counts))
        .order_by("-public_id")
    )


def versions_of(program: Program) -> QuerySet[ProgramVersion]:
    """Return a program's versions, newest first."""
    return (
        ProgramVersion.objects.for_workspace(program.workspace_id)
        .filter(program_id=program.pk)
        .order_by("-number")
    )


def changes_of(program: Program) -> QuerySet[ProgramChange]:
    """Return the changes of a program's status, newest first."""
    return (
        ProgramChange.objects.for_workspace(program.workspace_id)
        .filter(program_id=program.pk)
        .order_by("-pk")
    )


def participants_of(workspace: Workspace) -> QuerySet[Participant]:
    """Return the participants with program and customer loaded, newest first."""
    return (
        Participant.objects.for_workspace(workspace)
        .select_related("program", "customer")
        .order_by("-public_id")
    )


def participants_with_links(workspace: Workspace) -> QuerySet[Participant]:
    """Return the participants with program, customer and links (oldest first) loaded, newest first."""
    links = Link.objects.for_workspace(workspace).select_related("workspace").order_by("public_id")
    return participants_of(workspace).prefetch_related(Prefetch("links", queryset=links))


def matching_participants(
    rows: QuerySet[Participant], *, text: str = "", program: str = "", status: str = ""
) -> QuerySet[Participant]:
    """Narrow to those whose name, display name or e-mail address begins with `text`.

    And to a program (a public id) and a status, where given.
    """
    if text:
        rows = rows.filter(
            Q(customer__email__istartswith=text)
            | Q(customer__name__istartswith=text)
            | Q(display_name__istartswith=text)
        )
    if program:
        rows = rows.filter(program__public_id=program)
    return rows.filter(status=status) if status else rows


def customers_of(workspace: Workspace, *, text: str = "") -> QuerySet[Customer]:
    """Return the customers whose name, e-mail address or own id begins with `text`, newest first."""
    rows = Customer.objects.for_workspace(workspace).order_by("-public_id")
    if text:
        rows = rows.filter(
            Q(email__istartswith=text) | Q(name__istartswith=text) | Q(external_id__startswith=text)
        )
    return rows


def customer_named(workspace: Workspace, *, external_id: str | None, mailbox: str) -> Customer | None:
    """Return the customer known by this id, else by this mailbox.

    Someone known by an id of their own is never found by the mailbox when another id is given; of several who
    share a mailbox the longest known is returned. Whoever was erased is found by what is left of both.
    """
    rows = Customer.objects.for_workspace(workspace)
    mailboxes = spellings("mailbox", [mailbox])
    if external_id:
        known = rows.filter(external_id__in=spellings("external_id", [external_id])).first()
        if known is not None or not mailbox:
            return known
        return rows.filter(external_id__isnull=True, mailbox__in=mailboxes).first()
    return rows.filter(mailbox__in=mailboxes).order_by("pk").first() if mailbox else None


def customers_named(
    workspace: Workspace, *, external_ids: Collection[str], mailboxes: Collection[str]
) -> list[Customer]:
    """Return the customers who have one of these ids or mailboxes, or had it until they were erased."""
    rows = Customer.objects.for_workspace(workspace)
    ids, boxes = spellings("external_id", external_ids), spellings("mailbox", mailboxes)
    return list(rows.filter(Q(external_id__in=ids) | Q(mailbox__in=boxes)))


def mailbox_of(email: str) -> str:
    """Return the mailbox an address reaches, or nothing for what is no address."""
    try:
        return normalise_mailbox(email)
    except ValueError:
        return ""


def links_of(workspace: Workspace) -> QuerySet[Link]:
    """Return the links with participant, program and customer loaded, newest first."""
    return (
        Link.objects.for_workspace(workspace)
        .select_related("workspace", "participant__program", "participant__customer")
        .order_by("-public_id")
    )


def promo_codes_of(workspace: Workspace) -> QuerySet[PromoCode]:
    """Return the promo codes with participant, program and customer loaded, newest first."""
    return (
        PromoCode.objects.for_workspace(workspace)
        .select_related("workspace", "participant__program", "participant__customer")
        .order_by("-public_id")
    )


def promo_codes_named(workspace: Workspace, codes: Iterable[str]) -> list[PromoCode]:
    """Return the active promo codes among these texts, case-blind, with whom they credit loaded."""
    keys = {code.strip().lower() for code in codes}
    return list(
        promo_codes_of(workspace)
        .filter(code_key__in=keys, status=PromoCode.Status.ACTIVE)
        .order_by("code_key")
    )


def experiments_of(workspace: Workspace) -> QuerySet[Experiment]:
    """Return the experiments with their program and `people`, the number who were assigned, newest first."""
    counts = (
        Exposure.objects.for_workspace(workspace)
        .filter(experiment_id=OuterRef("pk"))
        .order_by()
        .values("experiment_id")
        .annotate(rows=Count("pk"))
        .values("rows")
    )
    return (
        Experiment.objects.for_workspace(workspace)
        .select_related("workspace", "program")
        .annotate(people=Coalesce(Subquery(counts), 0))
        .order_by("-public_id")
    )


def exposures_of(experiment: Experiment) -> QuerySet[Exposure]:
    """Return who saw which variant, with participant and customer loaded, newest first."""
    return (
        Exposure.objects.for_workspace(experiment.workspace_id)
        .filter(experiment=experiment)
        .select_related("participant__customer")
        .order_by("-public_id")
    )


def shares_of(experiment: Experiment) -> list[Share]:
    """Return how many people saw each variant, in their order, and last how many are in the holdout."""
    rows = Exposure.objects.for_workspace(experiment.workspace_id).filter(experiment=experiment)
    counted = dict(rows.order_by().values_list("variant").annotate(rows=Count("pk")))
    total = sum(counted.values())
    weights = {each.key: each.weight for each in experiment.arms}
    expected = expected_shares(variants=experiment.arms, holdout_bps=experiment.holdout_bps)
    return [
        Share(
            variant=key,
            weight=None if key == HOLDOUT else weights[key],
            people=counted.get(key, 0),
            expected=share,
            actual=Fraction(counted.get(key, 0), total) if total else None,
        )
        for key, share in expected.items()
    ]


def resolve_code(code: str) -> ResolvedLink | None:
    """Find which workspace and link a short code belongs to, in any state, case-blind; None for no code.

    Opens the door `resolve_code`; the caller then opens the workspace to read the link.
    """
    key = code.strip().lower()
    return resolve_codes([key]).get(key)


def resolve_codes(keys: Collection[str]) -> dict[str, ResolvedLink]:
    """Find what many codes in lower case belong to, as `resolve_code` does, in one statement."""
    plausible: dict[str, str] = {}
    for key in keys:
        if key and len(key) <= 40 and key.isascii() and key.isprintable():
            # The code of somebody who was erased still leads to where it says that it is not in use.
            plausible |= {key: key, tombstone("code", key): key}
    if not plausible:
        return {}
    with door("resolve_code"):
        routes = CodeRoute.objects.through_door("resolve_code").filter(code_key__in=plausible)
        return {
            plausible[route.code_key]: ResolvedLink(route.workspace_id, route.link_id) for route in routes
        }
