"""What rewards do when something happened elsewhere.

Books are dated when they are written: at the workspace's own time now, not at the event's, which may lie
before a payout that was made meanwhile.
"""

from accounts.models import Workspace
from core import clock
from core.models import Event
from rewards import services
from tracking.models import Conversion


def on_conversion_changed(event: Event) -> None:
    """Make the rewards match the conversion as it stands now."""
    conversion = (
        Conversion.objects.for_workspace(event.workspace_id)
        .select_related("workspace")
        .get(public_id=event.data["conversion"])
    )
    services.settle_conversion(conversion=conversion, at=conversion.workspace.local_time(clock.now()))


def on_sandbox_clock_moved(event: Event) -> None:
    """Release what falls due by the move; the scheduled job does the rest of a long list."""
    workspace = Workspace.objects.for_workspace(event.workspace_id).get()
    services.release_due_rewards(workspace=workspace, at=workspace.local_time(clock.now()))
