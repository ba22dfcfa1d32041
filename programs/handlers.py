"""Handlers."""

from accounts.models import Workspace
from core.models import Event
from programs import services
from programs.queries import customers_of


def on_customer_erased(event: Event) -> None:
    """Delete the stored answers of API calls that name the person."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    customer = customers_of(workspace).get(public_id=event.data["customer"])
    services.forget_answers_about(workspace=workspace, customer=customer)
