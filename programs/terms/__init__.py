"""What one program version promises: the terms, their JSON document, their presets and their wording.

Pure: frozen dataclasses in and out, no Django and no clock.
"""

from programs.terms.changes import Change, diff
from programs.terms.document import TermsInvalid, dump_terms, parse_terms, publish_errors
from programs.terms.fraud import FRAUD_RULES, FRAUD_WEIGHTS, FRAUD_WORDS, FraudRule, FraudTerms
from programs.terms.presets import ProgramKind, RewardPreset, default_terms, reward_presets
from programs.terms.promises import (
    Amount,
    AttributionModel,
    AttributionTerms,
    CreditSource,
    EligibilityTerms,
    FixedAmount,
    PercentageAmount,
    ProductTerms,
    ProgramTerms,
    RewardEvent,
    RewardKind,
    RewardRule,
    RewardSide,
    Tier,
)
from programs.terms.reader import FieldError
from programs.terms.trial import change_fraud
from programs.terms.wording import (
    amount_text,
    headline,
    percent_text,
    promises,
    reward_sentence,
    summary,
)

__all__ = [
    "FRAUD_RULES",
    "FRAUD_WEIGHTS",
    "FRAUD_WORDS",
    "Amount",
    "AttributionModel",
    "AttributionTerms",
    "Change",
    "CreditSource",
    "EligibilityTerms",
    "FieldError",
    "FixedAmount",
    "FraudRule",
    "FraudTerms",
    "PercentageAmount",
    "ProductTerms",
    "ProgramKind",
    "ProgramTerms",
    "RewardEvent",
    "RewardKind",
    "RewardPreset",
    "RewardRule",
    "RewardSide",
    "TermsInvalid",
    "Tier",
    "amount_text",
    "change_fraud",
    "default_terms",
    "diff",
    "dump_terms",
    "headline",
    "parse_terms",
    "percent_text",
    "promises",
    "publish_errors",
    "reward_presets",
    "reward_sentence",
    "summary",
]
