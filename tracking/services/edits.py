"""Bringing what was bought up to date when a shop edits an order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.events import emit
from core.transactions import all_or_nothing
from tracking.lines import Line, check_lines, cost_of
from tracking.models import Conversion


@all_or_nothing
def edit_lines(
    *, conversion: Conversion, lines: Sequence[Line], cost_minor: int | None, at: datetime
) -> bool:
    """Replace what was bought and its cost, and emit `conversion.edited`; returns whether anything differs.

    Its amount stays. Nothing changes once anything was refunded, or the conversion was rejected: the parts
    given back were of the lines as they were. Raises Invalid naming the field.
    """
    check_lines(lines, amount_minor=conversion.amount_minor, cost_minor=cost_minor)
    locked = (
        Conversion.objects.for_workspace(conversion.workspace_id)
        .select_for_update(no_key=True)
        .select_related("customer")
        .get(pk=conversion.pk)
    )
    documents = [line.document for line in lines]
    cost_minor = cost_of(lines) if cost_minor is None else cost_minor
    if locked.status != Conversion.Status.RECORDED:
        return False
    if (locked.lines, locked.cost_minor) == (documents, cost_minor):
        return False
    locked.lines, locked.cost_minor = documents, cost_minor
    locked.save(update_fields=["lines", "cost_minor"])
    conversion.lines, conversion.cost_minor = documents, cost_minor
    emit("conversion.edited", at=at, conversion=locked.public_id, customer=locked.customer.public_id)
    return True
