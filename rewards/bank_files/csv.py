"""The bank file as CSV: written for people and for banks that take one, read back with what became of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from core.money import format_major
from core.text import spreadsheet_cell
from rewards.bank_files.payments import Payment

CSV_COLUMNS = ("payout_id", "name", "email", "destination", "amount", "currency")


def lines(payments: Iterable[Payment]) -> Iterator[str]:
    """Write a header and a line for each payment; amounts in major units with a decimal point.

    Text that a spreadsheet would read as a formula is preceded by an apostrophe. One line is in memory.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for each in payments:
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        writer.writerow(
            [
                each.payout_id,
                spreadsheet_cell(each.name),
                spreadsheet_cell(each.email),
                spreadsheet_cell(each.account),
                format_major(each.amount_minor, each.currency),
                each.currency,
            ]
        )
    yield out.getvalue()
