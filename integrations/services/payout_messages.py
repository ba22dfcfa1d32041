"""What a payout provider's message does: the runs it may be about are asked now, and accounts are noted."""

from __future__ import annotations

from datetime import datetime

from core.transactions import all_or_nothing
from integrations.models import Connection, InboxItem
from integrations.payout_queries import runs_about
from integrations.providers import Ignored, SetAside
from integrations.providers.payouts import AccountSeen, PayoutEvent, PayoutTouched
from integrations.services.orders import Outcome
from integrations.services.paying import touch_runs
from integrations.services.payout_accounts import note_account


@all_or_nothing
def apply_payout_event(
    *, connection: Connection, event: PayoutEvent, at: datetime, received_at: datetime
) -> Outcome:
    """Act on a message. No money is settled by it: the provider is asked, over our own connection to it.

    `at` is the workspace's time of receipt and `received_at` the real one. Repeating it changes nothing.
    """
    match event:
        case PayoutTouched():
            found = runs_about(connection, event)
            count = touch_runs(
                workspace=connection.workspace, run_pks=[run.pk for run in found], at=received_at
            )
            if not count:
                return Outcome(
                    InboxItem.Outcome.IGNORED, "no_run", "It is about no payout that waits for results."
                )
            batches = tuple(dict.fromkeys(run.batch_id for run in found))
            return Outcome(
                InboxItem.Outcome.APPLIED, "asked", "The provider is asked how its payouts stand.", batches
            )
        case AccountSeen():
            return note_account(connection=connection, seen=event)
        case Ignored(reason=reason, sentence=sentence):
            return Outcome(InboxItem.Outcome.IGNORED, reason, sentence)
        case SetAside(reason=reason, sentence=sentence):
            return Outcome(InboxItem.Outcome.SET_ASIDE, reason, sentence)
