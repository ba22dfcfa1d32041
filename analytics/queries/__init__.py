"""Reads of analytics: the reports over daily figures, and what the overview shows beside them."""

from analytics.queries.attention import Beginning, Matter, beginning, matters
from analytics.queries.reports import (
    Day,
    Drop,
    Funnel,
    Money,
    Overview,
    Share,
    Totals,
    funnel,
    overview,
    units_first,
)

__all__ = [
    "Beginning",
    "Day",
    "Drop",
    "Funnel",
    "Matter",
    "Money",
    "Overview",
    "Share",
    "Totals",
    "beginning",
    "funnel",
    "matters",
    "overview",
    "units_first",
]
