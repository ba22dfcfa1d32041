"""Reads of analytics: the reports over daily figures, what the overview shows beside them, and the search."""

from analytics.queries.attention import Beginning, Matter, Standing, standing
from analytics.queries.attribution import (
    COLUMNS,
    MOST_DECISIONS,
    TOLD_APART,
    AttributionReport,
    AttributionRow,
    Worth,
    attribution_report,
)
from analytics.queries.people import Earner, latest_referrals, program_choices, top_participants
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
from analytics.queries.search import KINDS, PER_KIND, Group, Hit, Kind, kinds_for, search
from analytics.queries.search import LONGEST as LONGEST_SEARCH
from analytics.queries.search import SHORTEST as SHORTEST_SEARCH

__all__ = [
    "COLUMNS",
    "KINDS",
    "LONGEST_SEARCH",
    "MOST_DECISIONS",
    "PER_KIND",
    "SHORTEST_SEARCH",
    "TOLD_APART",
    "AttributionReport",
    "AttributionRow",
    "Beginning",
    "Day",
    "Drop",
    "Earner",
    "Funnel",
    "Group",
    "Hit",
    "Kind",
    "Matter",
    "Money",
    "Overview",
    "Share",
    "Standing",
    "Totals",
    "Worth",
    "attribution_report",
    "funnel",
    "kinds_for",
    "latest_referrals",
    "overview",
    "program_choices",
    "search",
    "standing",
    "top_participants",
    "units_first",
]
