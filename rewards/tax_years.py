"""The years that the tax office counts in, and the sums from which it wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

THRESHOLDS: Final[Mapping[str, tuple[tuple[int, str], ...]]] = {
    "USD": ((60_000, "US: 600 dollars"),),
    "EUR": ((200_000, "EU: 2,000 euros"),),
}
"""By currency the sums that are marked: that of form 1099-NEC (irs.gov/forms-pubs/about-form-1099-nec), and
that of the DAC7 exemption (Directive (EU) 2021/514, Annex V, section I B 4). What has to be reported is for
the workspace's own adviser to say; a mark says only that the sum was reached."""


def year_between(year: int, time_zone: str) -> tuple[datetime, datetime]:
    """Return the first instant of a year by a zone's clocks, and the first after it."""
    zone = ZoneInfo(time_zone or "UTC")
    return datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)


def year_of(at: datetime, time_zone: str) -> int:
    """Return the year of an instant by a zone's clocks."""
    return at.astimezone(ZoneInfo(time_zone or "UTC")).year


def marks_of(paid_minor: int, currency: str) -> tuple[str, ...]:
    """Return the thresholds that a year's sum in one currency has reached."""
    return tuple(label for least, label in THRESHOLDS.get(currency, ()) if paid_minor >= least)
