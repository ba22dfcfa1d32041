"""What rewards do when something happened elsewhere.

Books are dated when they are written: at the workspace's own time now, not at the event's, which may lie
before a payout that was made meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from accounts.models import Workspace
from core import clock
from core.events import in_groups
from core.models import Event
from programs.queries import customers_of
from rewards import queries, services
from tracking.models import CODES_USED, Conversion

_MOST_CODES = 50

AT_ONCE: Final = 200
"""Conversions that are settled in one go when rates arrive."""


@in_groups
def on_conversion_changed(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Make the rewards match the conversions as they stand now, and convert their amounts for reports."""
    workspace = Workspace.objects.for_workspace(heard[0][0].workspace_id).get()
    times = {event.data["conversion"]: workspace.local_time(at) for event, at in heard}
    conversions = list(Conversion.objects.for_workspace(workspace).filter(public_id__in=times))
    services.settle_conversions(
        workspace=workspace, due=[(each, times[each.public_id]) for each in conversions]
    )
    services.report_conversions(workspace=workspace, conversions=conversions)


def on_batch_preparing(event: Event) -> None:
    """Judge the next people of a payout batch; those after them are an event of their own."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    services.go_on_preparing(
        batch=queries.batches(workspace).get(public_id=event.data["batch"]),
        judged_until=event.data["judged_until"],
        at=workspace.local_time(clock.now()),
    )


def on_rates_changed(event: Event) -> None:
    """Settle again what waits for an exchange rate, a group at a time; the next group is an event of its own.

    `after` is the last conversion of the group before. What reports wait for comes with the first.
    """
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    at = workspace.local_time(clock.now())
    group = queries.conversions_waiting(workspace, after=event.data["after"], many=AT_ONCE)
    services.settle_conversions(workspace=workspace, due=[(each, at) for each in group])
    if not event.data["after"]:
        services.report_waiting(workspace=workspace)
    if len(group) == AT_ONCE:
        services.tell_of_rates(
            workspace=workspace, source=event.data["source"], after=group[-1].public_id, at=at
        )


@in_groups
def on_codes_used(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Redeem the rewards whose discount codes were used on the orders."""
    workspace = Workspace.objects.for_workspace(heard[0][0].workspace_id).get()
    times = {event.data["conversion"]: workspace.local_time(at) for event, at in heard}
    orders = Conversion.objects.for_workspace(workspace).filter(
        public_id__in=times, metadata__has_key=CODES_USED
    )
    for order in orders.order_by("pk"):
        codes = order.metadata[CODES_USED]
        # What a page says of itself proves nothing.
        if not isinstance(codes, list) or order.metadata.get("reported_by") == "page":
            continue
        services.use_codes(
            workspace=workspace,
            codes=[str(code)[:40] for code in codes[:_MOST_CODES]],
            order_reference=order.source_key,
            at=times[order.public_id],
        )


def on_tier_reached(event: Event) -> None:
    """Where a tier counts for what came before as well, settle those conversions again."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    at = workspace.local_time(clock.now())
    conversions = queries.conversions_below_tier(
        workspace,
        conversion=event.data["conversion"],
        participant=event.data["participant"],
        rule=event.data["rule"],
        tier=event.data["tier"],
    )
    services.settle_conversions(workspace=workspace, due=[(each, at) for each in conversions])


def on_sandbox_clock_moved(event: Event) -> None:
    """Release what falls due by the move; the scheduled job does the rest of a long list."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    services.release_due_rewards(workspace=workspace, at=workspace.local_time(clock.now()))


def on_customer_erased(event: Event) -> None:
    """Delete where an erased person's money went."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    customer = customers_of(workspace).get(public_id=event.data["customer"])
    services.forget_customer(workspace=workspace, customer=customer)
