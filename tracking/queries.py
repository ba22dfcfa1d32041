"""Reads about clicks, conversions, referrals and the decisions behind them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Workspace
from core.tenancy import door
from programs.models import Customer, Link, Participant, Program
from tracking.models import (
    Attribution,
    Click,
    ClickLoss,
    Conversion,
    ConversionCheck,
    Credit,
    FraudJudgement,
    FraudSignal,
    Referral,
    ReferralChange,
    Refund,
    Touchpoint,
)


def links_with_program(workspace_id: int) -> QuerySet[Link]:
    """Return links with all that a click needs: workspace, participant and program."""
    return Link.objects.for_workspace(workspace_id).select_related("workspace", "participant__program")


def link_named(workspace: Workspace, code: str) -> Link | None:
    """Return the live link with this code, case-blind, or None."""
    return links_with_program(workspace.pk).filter(code_key=code.lower(), status=Link.Status.ACTIVE).first()


def click_named(workspace: Workspace, public_id: str) -> Click | None:
    """Return the click with this public id, or None."""
    return Click.objects.for_workspace(workspace).filter(public_id=public_id).first()


def clicks_named(workspace: Workspace, public_ids: Collection[str]) -> dict[str, Click]:
    """Return the clicks with these public ids, by their public ids."""
    rows = Click.objects.for_workspace(workspace).filter(public_id__in=public_ids)
    return {click.public_id: click for click in rows} if public_ids else {}


def purchase_named(workspace: Workspace, invoice_id: str) -> Conversion | None:
    """Return the purchase recorded through the API under this invoice id, or None."""
    return (
        Conversion.objects.for_workspace(workspace)
        .filter(source="api", kind=Conversion.Kind.PURCHASE, source_key=invoice_id)
        .select_related("customer")
        .first()
    )


def refund_of(conversion: Conversion, public_id: str) -> Refund | None:
    """Return a conversion's refund by its own id, or None."""
    return refunds_of(conversion).filter(public_id=public_id).first()


def refund_named(conversion: Conversion, source_key: str) -> Refund | None:
    """Return a conversion's refund with the source's key, or None."""
    return (
        Refund.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion, source_key=source_key)
        .first()
    )


def conversions(workspace: Workspace) -> QuerySet[Conversion]:
    """Return all conversions with their customers, newest first."""
    return Conversion.objects.for_workspace(workspace).select_related("customer").order_by("-public_id")


def referrals(workspace: Workspace) -> QuerySet[Referral]:
    """Return all referrals with program, referrer and referee, newest first."""
    return (
        Referral.objects.for_workspace(workspace)
        .select_related("program", "participant__customer", "customer")
        .order_by("-public_id")
    )


def clicks(workspace: Workspace) -> QuerySet[Click]:
    """Return all clicks with their links, newest first."""
    return (
        Click.objects.for_workspace(workspace)
        .select_related("link", "participant__customer", "program")
        .order_by("-public_id")
    )


def losses(workspace: Workspace) -> list[ClickLoss]:
    """Return the ten last times that clicks could be stored nowhere, newest first."""
    return list(ClickLoss.objects.for_workspace(workspace).order_by("-last_at")[:10])


def click_counts_between(begins: datetime, ends: datetime) -> dict[int, int]:
    """Return how many clicks each workspace has from one instant to before another, by primary key."""
    with door("workspaces"):
        rows = (
            Click.objects.through_door("workspaces")
            .filter(occurred_at__gte=begins, occurred_at__lt=ends)
            .values_list("workspace_id")
            .annotate(n=Count("pk"))
        )
        return dict(rows)


def credits_of(conversion: Conversion) -> QuerySet[Credit]:
    """Return a conversion's credits with participant and referral, largest first."""
    return (
        Credit.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion)
        .select_related("participant__customer", "participant__program", "referral")
        .order_by("-weight_ppm", "pk")
    )


def attributions_of(conversion: Conversion) -> QuerySet[Attribution]:
    """Return each program's decisions about a conversion, the one that stands last."""
    return (
        Attribution.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion)
        .select_related("program", "version")
        .order_by("program_id", "revision")
    )


def signals_of(conversion: Conversion) -> QuerySet[FraudSignal]:
    """Return the fraud findings about a conversion, heaviest first."""
    return (
        FraudSignal.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion)
        .select_related("participant__customer")
        .order_by("-weight", "pk")
    )


def changes_of(referral: Referral) -> QuerySet[ReferralChange]:
    """Return a referral's steps, oldest first."""
    return (
        ReferralChange.objects.for_workspace(referral.workspace_id).filter(referral=referral).order_by("pk")
    )


def credits_of_referral(referral: Referral) -> QuerySet[Credit]:
    """Return the credits a referral carries with their conversions, newest first."""
    return (
        Credit.objects.for_workspace(referral.workspace_id)
        .filter(referral=referral)
        .select_related("conversion", "attribution")
        .order_by("-pk")
    )


def credited_sums(referral: Referral) -> list[dict[str, Any]]:
    """Return how many conversions a referral was credited for and with how much, by `currency`."""
    credits = Credit.objects.for_workspace(referral.workspace_id).filter(referral=referral)
    sums = credits.values("currency").annotate(count=Count("pk"), amount_minor=Sum("amount_minor"))
    return [dict(row) for row in sums.order_by("-count", "currency")]


def refunds_of(conversion: Conversion) -> QuerySet[Refund]:
    """Return a conversion's refunds, oldest first."""
    return Refund.objects.for_workspace(conversion.workspace_id).filter(conversion=conversion).order_by("pk")


def click_counts(participant: Participant) -> dict[str, int]:
    """Return how many of a participant's clicks count, and how many do not by reason."""
    rows = (
        Click.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant)
        .values("reason")
        .annotate(n=Count("pk"))
    )
    return {row["reason"] or "counted": row["n"] for row in rows}


def friend_counts(participant: Participant) -> dict[str, int]:
    """Return how many friends a participant brought: `signed_up` in all, `purchased` of them."""
    found = (
        Referral.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant)
        .aggregate(
            signed_up=Count("pk", filter=~Q(status=Referral.Status.REJECTED)),
            purchased=Count("pk", filter=Q(status=Referral.Status.CONVERTED)),
        )
    )
    return {"signed_up": found["signed_up"], "purchased": found["purchased"]}


def participants_by_id(workspace: Workspace, public_ids: set[str]) -> dict[str, Participant]:
    """Return participants with their customers by public id, for naming them in sentences."""
    rows = (
        Participant.objects.for_workspace(workspace)
        .filter(public_id__in=public_ids)
        .select_related("customer", "program")
    )
    return {row.public_id: row for row in rows}


def touchpoints_named(workspace: Workspace, public_ids: Collection[str]) -> QuerySet[Touchpoint]:
    """Return the contacts with these public ids, oldest first."""
    return (
        Touchpoint.objects.for_workspace(workspace)
        .filter(public_id__in=public_ids)
        .select_related("participant__customer", "program", "promo_code", "click__link")
        .order_by("occurred_at", "pk")
    )


def name_of(workspace: Workspace, kind: str, public_id: str) -> str:
    """Return what a participant, customer, link or referral is called; the id of one that is not there."""
    row: Participant | Customer | Link | Referral | None
    if kind == "participant":
        people = Participant.objects.for_workspace(workspace).select_related("customer")
        row = people.filter(public_id=public_id).first()
    elif kind == "customer":
        row = Customer.objects.for_workspace(workspace).filter(public_id=public_id).first()
    elif kind == "link":
        row = Link.objects.for_workspace(workspace).filter(public_id=public_id).first()
    else:
        found = Referral.objects.for_workspace(workspace).select_related("customer")
        referral = found.filter(public_id=public_id).first()
        row = referral.customer if referral else None
    return str(row) if row is not None else public_id


def credited(workspace: Workspace, kind: str, public_id: str) -> Q:
    """Return the condition on conversions credited by a `program` or to a `participant`."""
    path = {"program": "attribution__program__public_id", "participant": "participant__public_id"}[kind]
    credits = Credit.objects.for_workspace(workspace).filter(**{path: public_id})
    return Q(pk__in=credits.values("conversion_id"))


def met(workspace: Workspace, kind: str, value: str) -> Q:
    """Return the condition on credited conversions whose customer met a `channel` or `participant` before.

    It is read off the decisions' records, so a contact that earned nothing is found as well.
    """
    credits = Credit.objects.for_workspace(workspace).filter(
        attribution__workspace_id=workspace.pk, attribution__inputs__touches__contains=[{kind: value}]
    )
    return Q(pk__in=credits.values("conversion_id"))


def judged(workspace: Workspace, *, rule: str = "", program: str = "") -> Q:
    """Return the condition on conversions in which a fraud rule fired, or that were judged in a program."""
    within = Q(participant__program__public_id=program) if program else Q()
    if rule:
        fired = FraudSignal.objects.for_workspace(workspace).filter(within, rule=rule)
        return Q(pk__in=fired.values("conversion_id"))
    return Q(pk__in=FraudJudgement.objects.for_workspace(workspace).filter(within).values("conversion_id"))


def programs_of(workspace: Workspace) -> QuerySet[Program]:
    """Return the workspace's programs by name, for filters."""
    return Program.objects.for_workspace(workspace).order_by("name")


def checks(workspace: Workspace) -> QuerySet[ConversionCheck]:
    """Return what was asked about conversions, these loaded, newest first."""
    return (
        ConversionCheck.objects.for_workspace(workspace).select_related("conversion").order_by("-public_id")
    )


def checks_of(conversion: Conversion) -> QuerySet[ConversionCheck]:
    """Return what was asked about a conversion, oldest first."""
    return (
        ConversionCheck.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion)
        .select_related("conversion")
        .order_by("pk")
    )
