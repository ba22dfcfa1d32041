"""The only code that changes tracking's rows."""

from tracking.services.clicks import bind_visitor, record_click
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
    "RecordedConversion",
    "RecordedRefund",
    "advance_referral",
    "bind_visitor",
    "decide_conversion",
    "record_click",
    "record_conversion",
    "record_refund",
    "reject_conversion",
]
