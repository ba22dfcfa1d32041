"""What other systems tell tracking, and read of it."""

from tracking.api.batch import TrackBatch
from tracking.api.reads import (
    ConversionDetail,
    ConversionExplanation,
    ConversionList,
    ReferralDetail,
    ReferralList,
)
from tracking.api.track import TrackClick, TrackLead, TrackRefund, TrackSale

__all__ = [
    "ConversionDetail",
    "ConversionExplanation",
    "ConversionList",
    "ReferralDetail",
    "ReferralList",
    "TrackBatch",
    "TrackClick",
    "TrackLead",
    "TrackRefund",
    "TrackSale",
]
