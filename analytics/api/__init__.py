"""The API's reports and its search."""

from analytics.api.attribution import AttributionReportEndpoint
from analytics.api.figures import OverviewEndpoint, SearchEndpoint

__all__ = ["AttributionReportEndpoint", "OverviewEndpoint", "SearchEndpoint"]
