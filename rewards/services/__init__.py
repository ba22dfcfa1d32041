"""The only code that changes rewards, the ledger and payouts."""

from rewards.services.approval import (
    approve_reward,
    bulk_approve,
    bulk_deny,
    deny_reward,
    release_due_rewards,
)
from rewards.services.forgetting import forget_customer
from rewards.services.payouts import approve_batch, cancel_batch, export_batch, prepare_batch
from rewards.services.rates import (
    Imported,
    enter_rate,
    enter_reference_file,
    import_reference_rates,
    tell_of_rates,
)
from rewards.services.results import (
    ResultRow,
    RowOutcome,
    import_results,
    mark_payout_failed,
    mark_payout_paid,
)
from rewards.services.settlement import settle_conversion, settle_conversions

__all__ = [
    "Imported",
    "ResultRow",
    "RowOutcome",
    "approve_batch",
    "approve_reward",
    "bulk_approve",
    "bulk_deny",
    "cancel_batch",
    "deny_reward",
    "enter_rate",
    "enter_reference_file",
    "export_batch",
    "forget_customer",
    "import_reference_rates",
    "import_results",
    "mark_payout_failed",
    "mark_payout_paid",
    "prepare_batch",
    "release_due_rewards",
    "settle_conversion",
    "settle_conversions",
    "tell_of_rates",
]
