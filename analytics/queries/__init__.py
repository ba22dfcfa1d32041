"""Reads of analytics: the reports over daily figures, what the overview shows beside them, and the search."""

from analytics.queries.attention import Beginning, Matter, Standing, standing
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
    "KINDS",
    "LONGEST_SEARCH",
    "PER_KIND",
    "SHORTEST_SEARCH",
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
