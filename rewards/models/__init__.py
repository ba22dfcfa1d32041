"""What is owed: rewards with their history, the ledger, payouts, redemptions, caps, rates, adjustments."""

from rewards.models.accounts import Account
from rewards.models.adjustments import Adjustment, MoneySettings
from rewards.models.caps import Allowance, Reservation
from rewards.models.checks import BooksCheck
from rewards.models.giving import CatalogueItem, Fulfilment, Redemption, RedemptionPart
from rewards.models.payouts import Payout, PayoutAccount, PayoutBatch, TaxDetails
from rewards.models.rates import EnteredRate, ReferenceRate
from rewards.models.rewards import Reward, RewardChange
from rewards.models.transfers import Transfer

__all__ = [
    "Account",
    "Adjustment",
    "Allowance",
    "BooksCheck",
    "CatalogueItem",
    "EnteredRate",
    "Fulfilment",
    "MoneySettings",
    "Payout",
    "PayoutAccount",
    "PayoutBatch",
    "Redemption",
    "RedemptionPart",
    "ReferenceRate",
    "Reservation",
    "Reward",
    "RewardChange",
    "TaxDetails",
    "Transfer",
]
