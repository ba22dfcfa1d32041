"""What tracking does when something happened elsewhere."""

from collections.abc import Sequence
from datetime import datetime

from accounts.models import Workspace
from core.events import in_groups
from core.models import Event
from programs.queries import customers_of
from tracking import services


@in_groups
def on_customer_verified(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Let the e-mail checks of customers pass who confirmed their address, wherever they did."""
    workspace = Workspace.objects.for_workspace(heard[0][0].workspace_id).get()
    services.pass_email_checks(
        workspace=workspace,
        customers=[event.data["customer"] for event, _ in heard],
        at=workspace.local_time(heard[-1][1]),
    )


def on_customer_erased(event: Event) -> None:
    """Forget an erased person's browsers, identifiers and texts."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    customer = customers_of(workspace).get(public_id=event.data["customer"])
    services.forget_customer(workspace=workspace, customer=customer)
