"""The only code that changes tracking's rows."""

from tracking.services.clicks import LONGEST_WINDOW, LinkRequest, bind_visitor, record_click, record_clicks
from tracking.services.conversions import (
    RecordedConversion,
    RecordedRefund,
    record_conversion,
    record_refund,
    reject_conversion,
)
from tracking.services.decisions import decide_conversion
from tracking.services.months import Archive, ArchiveDiffers, archive_clicks, make_click_months
from tracking.services.referrals import advance_referral

__all__ = [
    "LONGEST_WINDOW",
    "Archive",
    "ArchiveDiffers",
    "LinkRequest",
    "RecordedConversion",
    "RecordedRefund",
    "advance_referral",
    "archive_clicks",
    "bind_visitor",
    "decide_conversion",
    "make_click_months",
    "record_click",
    "record_clicks",
    "record_conversion",
    "record_refund",
    "reject_conversion",
]
