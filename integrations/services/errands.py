"""The queue of what is handed over by others: an errand for each fulfilment and action, queued once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from accounts.models import Workspace
from core.transactions import all_or_nothing
from integrations.models import Errand
from integrations.wake import wake
from rewards.models import Fulfilment

RUN: Final = "integrations.run_errands"
_OWED: Final = {
    Errand.Action.ISSUE.value: Fulfilment.Status.WAITING,
    Errand.Action.CANCEL.value: Fulfilment.Status.CANCELLED,
}


@all_or_nothing
def queue_errands(*, workspace: Workspace, wanted: Sequence[tuple[str, str]], at: datetime) -> None:
    """Queue (fulfilment's public id, action), at real time; repeating it queues nothing twice.

    What is over and is wanted again begins anew: it finds what was made, or taken back. What is not owed any
    more is passed over.
    """
    ids = {public_id for public_id, _ in wanted}
    rows = {
        row.public_id: row for row in Fulfilment.objects.for_workspace(workspace).filter(public_id__in=ids)
    }
    owed = [
        (rows[public_id], action)
        for public_id, action in dict.fromkeys(wanted)
        if public_id in rows and rows[public_id].status == _OWED[action]
    ]
    if not owed:
        return
    Errand.objects.bulk_create(
        [
            Errand(
                workspace=workspace,
                fulfilment=row.public_id,
                action=action,
                connection=row.connection,
                due_at=at,
                created_at=at,
            )
            for row, action in owed
        ],
        ignore_conflicts=True,
    )
    for row, action in owed:
        begin_anew(row, action, at)
    wake(RUN)


def begin_anew(fulfilment: Fulfilment, action: str, at: datetime) -> None:
    """Make an errand that is over due again; one that is not over stays as it is."""
    Errand.objects.for_workspace(fulfilment.workspace_id).filter(
        fulfilment=fulfilment.public_id, action=action
    ).exclude(state=Errand.State.PENDING).update(
        state=Errand.State.PENDING,
        due_at=at,
        attempts=0,
        leased_until=None,
        last_error="",
        connection=fulfilment.connection,
    )


@all_or_nothing
def take_back(*, fulfilment: Fulfilment, at: datetime) -> None:
    """Queue, once more if need be, that what was made though it had been called off is taken back."""
    workspace = Workspace.objects.for_workspace(fulfilment.workspace_id).get()
    queue_errands(workspace=workspace, wanted=[(fulfilment.public_id, Errand.Action.CANCEL.value)], at=at)
