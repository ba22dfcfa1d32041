"""What other systems tell tracking, and read of it."""

from tracking.api.appeals import AppealAnswer, AppealDetail, AppealList, OwnExplanation
from tracking.api.batch import TrackBatch
from tracking.api.checks import CheckRetry, ConversionChecks
from tracking.api.fraud import (
    FraudCaseApprove,
    FraudCaseBulk,
    FraudCaseDetail,
    FraudCaseList,
    FraudCaseReject,
    FraudCaseReopen,
    FraudListEntryDetail,
    FraudListEntryList,
)
from tracking.api.fraud_rules import FraudBackTest, FraudRuleFigures
from tracking.api.people import CustomerMerge, CustomerReferrer, ParticipantToken
from tracking.api.reads import (
    ClickExplanation,
    ConversionDetail,
    ConversionExplanation,
    ConversionList,
    ReferralDetail,
    ReferralList,
)
from tracking.api.reinstatement import ConversionRefunds, ConversionReinstate, RefundReinstate
from tracking.api.track import TrackClick, TrackLead, TrackRefund, TrackSale

__all__ = [
    "AppealAnswer",
    "AppealDetail",
    "AppealList",
    "CheckRetry",
    "ClickExplanation",
    "ConversionChecks",
    "ConversionDetail",
    "ConversionExplanation",
    "ConversionList",
    "ConversionRefunds",
    "ConversionReinstate",
    "CustomerMerge",
    "CustomerReferrer",
    "FraudBackTest",
    "FraudCaseApprove",
    "FraudCaseBulk",
    "FraudCaseDetail",
    "FraudCaseList",
    "FraudCaseReject",
    "FraudCaseReopen",
    "FraudListEntryDetail",
    "FraudListEntryList",
    "FraudRuleFigures",
    "OwnExplanation",
    "ParticipantToken",
    "ReferralDetail",
    "ReferralList",
    "RefundReinstate",
    "TrackBatch",
    "TrackClick",
    "TrackLead",
    "TrackRefund",
    "TrackSale",
]
