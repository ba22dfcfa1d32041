"""The months that clicks are kept in: made ahead of time, archived to files when they are old."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from core.partitions import drop_month, make_month, months
from core.tenancy import tenant
from tracking import queries
from tracking.models import Click

AHEAD: Final = 3

_COLUMNS: Final = (
    "workspace_id",
    "public_id",
    "occurred_at",
    "link__code",
    "visitor_id",
    "reason",
    "channel",
    "referrer_host",
    "country",
    "agent__browser",
    "agent__system",
    "agent__device",
)


@dataclass(frozen=True, slots=True)
class Archive:
    """A month that was written to a file and dropped."""

    month: date
    path: Path
    clicks: int


class ArchiveDiffers(Exception):
    """What was read back from an archive is not what was written; the month is still there."""


@transaction.atomic
def make_click_months(*, at: datetime) -> int:
    """Make room for clicks of this month and of the next AHEAD months; returns how many months were made."""
    month = at.astimezone(UTC).replace(day=1)
    made = 0
    for _ in range(AHEAD + 1):
        made += make_month(Click, month)
        month = (month + timedelta(days=32)).replace(day=1)
    return made


def archive_clicks(*, before: date, folder: Path, tell: Callable[[str], None]) -> list[Archive]:
    """Write each month before a date to a compressed CSV file in a folder, and drop it from the table.

    The clicks of all workspaces of a month stand in one file, one workspace after another. A month is dropped
    in the transaction in which it was read, after its file has been synced and read back: on an error it is
    still there, and the next run writes the file anew. Raises ArchiveDiffers, and OSError for a folder that
    cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_archive(month, folder, tell) for month in months(Click) if month < before]


def _archive(month: date, folder: Path, tell: Callable[[str], None]) -> Archive:
    path = folder / f"clicks-{month:%Y-%m}.csv.gz"
    begins = datetime(month.year, month.month, 1, tzinfo=UTC)
    ends = (begins + timedelta(days=32)).replace(day=1)
    with transaction.atomic():
        counts = queries.click_counts_between(begins, ends)
        written = 0
        with path.open("wb") as file:
            with gzip.open(file, "wt", newline="") as text:
                out = csv.writer(text)
                out.writerow([name.replace("__", "_") for name in _COLUMNS])
                for workspace_id in sorted(counts):
                    for row in _rows(workspace_id, begins, ends):
                        out.writerow(row)
                        written += 1
                        if written % 100_000 == 0:
                            tell(f"{month:%Y-%m}: {written} clicks")
            file.flush()
            os.fsync(file.fileno())
        with gzip.open(path, "rt", newline="") as text:
            read = sum(1 for _ in csv.reader(text)) - 1
        there = sum(counts.values())
        if not read == written == there:
            raise ArchiveDiffers(
                f"{path} has {read} clicks, {written} were read and {there} are in the table"
            )
        drop_month(Click, month)
    tell(f"{month:%Y-%m}: {written} clicks archived to {path}")
    return Archive(month, path, written)


def _rows(workspace_id: int, begins: datetime, ends: datetime) -> Iterator[Any]:
    with tenant(workspace_id):
        rows = Click.objects.for_workspace(workspace_id).filter(occurred_at__gte=begins, occurred_at__lt=ends)
        yield from rows.order_by("occurred_at", "pk").values_list(*_COLUMNS).iterator(chunk_size=5000)
