"""The only code that changes tracking's rows."""

from tracking.services.clicks import LinkRequest, bind_visitor, record_click, record_clicks
from tracking.services.conversions import (
    RecordedConversion,
    RecordedRefund,
    record_conversion,
    record_refund,
    reject_conversion,
)
from tracking.services.decisions import decide_conversion
from tracking.services.referrals import advance_referral

__all__ = [
    "LinkRequest",
    "RecordedConversion",
    "RecordedRefund",
    "advance_referral",
    "bind_visitor",
    "decide_conversion",
    "record_click",
    "record_clicks",
    "record_conversion",
    "record_refund",
    "reject_conversion",
]
