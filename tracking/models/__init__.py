"""What happened: clicks, touchpoints, conversions, refunds, decisions, referrals, fraud, appeals."""

from tracking.models.appeals import Appeal
from tracking.models.clicks import Click, ClickAgent, ClickLoss
from tracking.models.conversions import CODES_USED, Conversion, Refund, Touchpoint
from tracking.models.decisions import Attribution, Credit, Referral, ReferralChange
from tracking.models.fraud import (
    ConversionCheck,
    FraudCase,
    FraudCaseChange,
    FraudJudgement,
    FraudListEntry,
    FraudSignal,
    Sighting,
)

__all__ = [
    "CODES_USED",
    "Appeal",
    "Attribution",
    "Click",
    "ClickAgent",
    "ClickLoss",
    "Conversion",
    "ConversionCheck",
    "Credit",
    "FraudCase",
    "FraudCaseChange",
    "FraudJudgement",
    "FraudListEntry",
    "FraudSignal",
    "Referral",
    "ReferralChange",
    "Refund",
    "Sighting",
    "Touchpoint",
]
