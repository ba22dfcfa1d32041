"""Checks of what people spent, and of what was given or taken by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce

from accounts.models import Workspace
from core.money import POINTS
from rewards.models import Account, Adjustment, Fulfilment, Redemption, RedemptionPart
from rewards.queries.books.shapes import CHUNK, NOTHING, Difference, compared, depending, net, nets, not_as

_KINDS: Final = tuple(str(kind) for kind in Account.Kind.values)


def all_redemptions(workspace: Workspace) -> QuerySet[Redemption]:
    """Return every redemption, in no order."""
    return Redemption.objects.for_workspace(workspace).order_by()


def misplaced_redemptions(workspace: Workspace) -> Iterator[Difference]:
    """Find redemptions whose transfers do not take their amount from points or store credit.

    A cancelled one gave back all that it had taken. What it gave in another unit has a check of its own.
    """
    of_its_unit = Q(transfers__unit=F("unit"))
    amount = F("amount_minor")
    stands = {"status": Redemption.Status.DONE}
    own = {
        Account.Kind.REDEEMED: depending(When(**stands, then=amount)),
        Account.Kind.POINTS: depending(When(**stands, unit=POINTS, then=NOTHING - amount)),
        Account.Kind.CREDIT: depending(
            When(unit=POINTS, then=NOTHING), When(**stands, then=NOTHING - amount)
        ),
    }
    expected_by_row = {f"in_{kind}": own.get(Account.Kind(kind), NOTHING) for kind in _KINDS}
    found = (
        all_redemptions(workspace).annotate(**nets(*_KINDS, only=of_its_unit)).filter(not_as(expected_by_row))
    )
    rows = found.order_by("pk").values(
        "public_id", "status", "unit", "amount_minor", *(f"in_{kind}" for kind in _KINDS)
    )
    for row in rows.iterator(chunk_size=CHUNK):
        taken = row["amount_minor"] if row["status"] == Redemption.Status.DONE else 0
        purse = Account.Kind.POINTS if row["unit"] == POINTS else Account.Kind.CREDIT
        expected = {str(Account.Kind.REDEEMED): taken, str(purse): -taken}
        stood = {kind: row[f"in_{kind}"] for kind in _KINDS}
        names = {"kind": "redemption", "public_id": row["public_id"]}
        subject = f"redemption {row['public_id']} ({row['status']})"
        yield from compared(subject, row["unit"], expected, stood, **names)


def redemptions_for_credit(workspace: Workspace) -> QuerySet[Redemption]:
    """Return the redemptions that gave store credit for points, in no order."""
    return all_redemptions(workspace).filter(fulfilments__kind=Fulfilment.Kind.CREDIT)


def miscredited_redemptions(workspace: Workspace) -> Iterator[Difference]:
    """Find redemptions that gave more or less store credit than was promised for the points, or in money.

    One that was cancelled took it back.
    """
    promised = (
        Fulfilment.objects.for_workspace(workspace)
        .filter(redemption=OuterRef("pk"), kind=Fulfilment.Kind.CREDIT)
        .values("amount_minor")[:1]
    )
    stands = {"status": Redemption.Status.DONE}
    elsewhere = ~Q(transfers__unit=F("unit"))
    found = (
        all_redemptions(workspace)
        .annotate(
            promised=Coalesce(Subquery(promised, output_field=BigIntegerField()), 0),
            given=net(str(Account.Kind.CREDIT), only=elsewhere),
            charged=net(str(Account.Kind.EXPENSE), only=elsewhere),
        )
        .annotate(expected=depending(When(**stands, then=F("promised"))))
        .filter(~Q(given=F("expected")) | ~Q(charged=NOTHING - F("expected")))
        .order_by("pk")
    )
    rows = found.values_list("public_id", "fulfilments__currency", "expected", "given")
    for public_id, unit, expected, given in rows.iterator(chunk_size=CHUNK):
        subject = f"store credit for redemption {public_id}"
        yield Difference(subject, unit or "", expected, given, kind="redemption", public_id=public_id)


def overfull_redemptions(workspace: Workspace) -> Iterator[Difference]:
    """Find redemptions whose parts add up to more than they took; what no reward gave has no part."""
    parts = (
        RedemptionPart.objects.for_workspace(workspace)
        .filter(redemption=OuterRef("pk"))
        .order_by()
        .values("redemption_id")
        .annotate(total=Sum("amount_minor"))
        .values("total")
    )
    found = (
        all_redemptions(workspace)
        .annotate(parted=Coalesce(Subquery(parts, output_field=BigIntegerField()), 0))
        .filter(parted__gt=F("amount_minor"))
        .order_by("pk")
    )
    rows = found.values_list("public_id", "unit", "amount_minor", "parted")
    for public_id, unit, amount, parted in rows.iterator(chunk_size=CHUNK):
        subject = f"parts of redemption {public_id}"
        yield Difference(subject, unit, amount, parted, kind="redemption", public_id=public_id)


def all_adjustments(workspace: Workspace) -> QuerySet[Adjustment]:
    """Return every adjustment, in no order."""
    return Adjustment.objects.for_workspace(workspace).order_by()


def misplaced_adjustments(workspace: Workspace) -> Iterator[Difference]:
    """Find adjustments whose transfers are not what was applied; a waiting or declined one moves nothing."""
    applied = {"status": Adjustment.Status.APPLIED}
    own = {
        Account.Kind.ADJUSTED: depending(When(**applied, then=NOTHING - F("amount_minor"))),
        **{
            Account.Kind(place): depending(When(**applied, place=place, then=F("amount_minor")))
            for place in Adjustment.Place.values
        },
    }
    expected_by_row = {f"in_{kind}": own.get(Account.Kind(kind), NOTHING) for kind in _KINDS}
    found = all_adjustments(workspace).annotate(**nets(*_KINDS)).filter(not_as(expected_by_row))
    rows = found.order_by("pk").values(
        "public_id", "status", "place", "unit", "amount_minor", *(f"in_{kind}" for kind in _KINDS)
    )
    for row in rows.iterator(chunk_size=CHUNK):
        moved = row["amount_minor"] if row["status"] == Adjustment.Status.APPLIED else 0
        expected = {str(Account.Kind.ADJUSTED): -moved, row["place"]: moved}
        stood = {kind: row[f"in_{kind}"] for kind in _KINDS}
        names = {"kind": "adjustment", "public_id": row["public_id"]}
        subject = f"adjustment {row['public_id']} ({row['status']})"
        yield from compared(subject, row["unit"], expected, stood, **names)
