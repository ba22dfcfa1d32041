"""What a bank says of a file of ISO 20022 it was given, taken in as results."""

from __future__ import annotations

from datetime import datetime

from accounts.services import Actor
from core.errors import Invalid
from core.transactions import all_or_nothing
from rewards.bank_files.pain002 import Report
from rewards.models import PayoutBatch
from rewards.queries import payouts_of
from rewards.queries.payouts import OPEN
from rewards.services.results import ResultRow, RowOutcome, import_results, lock_batch


@all_or_nothing
def import_report(*, batch: PayoutBatch, report: Report, actor: Actor, at: datetime) -> list[RowOutcome]:
    """Settle payouts by a bank's status report; returns what each payment in it did, in order.

    What it says of the file as a whole holds for the payouts it does not name and that are open still.
    Repeating it changes nothing. Raises Invalid naming `file` for a report about another file, and Conflict
    (`not_approved`).
    """
    if report.batch_id != batch.public_id:
        raise Invalid("This report is about another file.", code="other_batch", param="file")
    lock_batch(batch)
    rows = [
        ResultRow(each.number, each.payout_id, each.status, each.reference, each.failure)
        for each in report.payments
    ]
    if report.rest:
        named = {row.payout_id for row in rows}
        others = payouts_of(batch).filter(status__in=OPEN).values_list("public_id", flat=True)
        rows += [
            ResultRow(number, public_id, report.rest, "", report.failure)
            for number, public_id in enumerate(others, start=len(rows) + 1)
            if public_id not in named
        ]
    return import_results(batch=batch, rows=rows, actor=actor, at=at)
