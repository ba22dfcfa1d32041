"""Handlers."""

from collections.abc import Sequence
from datetime import datetime

from accounts.models import Workspace
from core import clock
from core.events import in_groups
from core.models import Event
from integrations.services import deliveries, errands, forgetting, paying, validation
from programs.queries import customers_of
from rewards.queries import batches
from tracking.models import ConversionCheck


@in_groups
def queue_webhooks(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Owe the events to the workspace's webhook endpoints."""
    deliveries.queue_deliveries(heard=heard)


@in_groups
def on_check_asked(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Ask the shop or the workspace's own system what the checks want to know."""
    asked = {
        event.data["check"]: at for event, at in heard if event.data["asks"] != ConversionCheck.Kind.EMAIL
    }
    if not asked:
        return
    workspace = Workspace.objects.for_workspace(heard[0][0].workspace_id).get()
    checks = ConversionCheck.objects.for_workspace(workspace).filter(public_id__in=asked).order_by("pk")
    validation.queue_questions(
        workspace=workspace, asked=[(check, asked[check.public_id]) for check in checks]
    )


def on_payout_batch_approved(event: Event) -> None:
    """Pay a batch through its provider, where it has one."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    batch = batches(workspace).get(public_id=event.data["batch"])
    paying.queue_runs(batch=batch, at=clock.now())


def on_customer_erased(event: Event) -> None:
    """Delete the received messages that tell of an erased person."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    customer = customers_of(workspace).get(public_id=event.data["customer"])
    forgetting.forget_customer(workspace=workspace, customer=customer)


@in_groups
def on_fulfilment_wanted(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Send for what is to be handed over, or taken back."""
    workspace = Workspace.objects.for_workspace(heard[0][0].workspace_id).get()
    errands.queue_errands(
        workspace=workspace,
        wanted=[(event.data["fulfilment"], event.data["action"]) for event, _ in heard],
        at=clock.now(),
    )
