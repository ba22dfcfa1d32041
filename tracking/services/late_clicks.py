"""Clicks that are told of after their visitor has signed up or bought."""

from __future__ import annotations

from datetime import datetime

from core.transactions import all_or_nothing
from programs.models import Customer
from tracking.models import Click, Touchpoint
from tracking.services.clicks import bind_visitors
from tracking.services.redecisions import redecide_late


@all_or_nothing
def bind_late_click(*, click: Click, at: datetime) -> int:
    """Tie a click to the customers its visitor is known to be, and decide anew what they did after it.

    Returns how many decisions changed. Nothing happens for a visitor who is nobody yet: their clicks are
    bound when they sign up or buy.
    """
    known = Touchpoint.objects.for_workspace(click.workspace_id).filter(visitor_id=click.visitor_id)
    wanted = set(known.values_list("customer_id", flat=True))
    if not wanted:
        return 0
    # Locked as in recording, so that nothing is decided beside it.
    rows = Customer.objects.for_workspace(click.workspace_id).select_for_update(no_key=True)
    people = list(rows.filter(pk__in=wanted).order_by("pk"))
    bound = bind_visitors(found=[(person, click) for person in people])
    return redecide_late(
        workspace=click.link.workspace,
        since=bound.since,
        apart=(),
        cause="A click that came before it became known after it.",
        at=at,
    )
