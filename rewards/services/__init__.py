"""The only code that changes rewards, the ledger and payouts."""

from rewards.services.adjustments import (
    approve_adjustment,
    decline_adjustment,
    make_adjustment,
)
from rewards.services.approval import (
    approve_reward,
    bulk_approve,
    bulk_deny,
    deny_reward,
    release_due_rewards,
)
from rewards.services.books import (
    request_check,
    run_due_checks,
)
from rewards.services.catalogue import (
    ItemFacts,
    archive_item,
    change_item,
    create_item,
)
from rewards.services.codes import (
    use_codes,
)
from rewards.services.expiry import (
    expire_due_rewards,
    warn_of_expiry,
)
from rewards.services.forgetting import (
    forget_customer,
)
from rewards.services.fulfilment import (
    complete_fulfilment,
    fail_fulfilment,
    retry_fulfilment,
)
from rewards.services.money import (
    set_deliverers,
    set_give_url,
    update_money_settings,
)
from rewards.services.payout_accounts import (
    begin_onboarding,
    choose_payout_account,
    note_onboarding,
    refuse_payout_account,
)
from rewards.services.payouts import (
    BankFile,
    approve_batch,
    cancel_batch,
    export_batch,
    mark_sent,
    retry_failed,
)
from rewards.services.preparation import (
    default_cutoff,
    go_on_preparing,
    prepare_batch,
)
from rewards.services.rates import (
    Imported,
    enter_rate,
    enter_reference_file,
    import_reference_rates,
    tell_of_rates,
)
from rewards.services.recall import (
    keep_fulfilment,
    note_recall,
    withdraw_fulfilments,
)
from rewards.services.redemptions import (
    cancel_redemption,
    redeem_points,
    spend_credit,
)
from rewards.services.reporting import (
    report_conversions,
    report_waiting,
)
from rewards.services.reports import (
    import_report,
)
from rewards.services.results import (
    ResultRow,
    RowOutcome,
    import_results,
    mark_payout_failed,
    mark_payout_paid,
    record_provider_total,
)
from rewards.services.settlement import (
    settle_conversion,
    settle_conversions,
)
from rewards.services.tax_details import (
    refuse_tax_details,
    submit_tax_details,
    verify_tax_details,
)

__all__ = [
    "BankFile",
    "Imported",
    "ItemFacts",
    "ResultRow",
    "RowOutcome",
    "approve_adjustment",
    "approve_batch",
    "approve_reward",
    "archive_item",
    "begin_onboarding",
    "bulk_approve",
    "bulk_deny",
    "cancel_batch",
    "cancel_redemption",
    "change_item",
    "choose_payout_account",
    "complete_fulfilment",
    "create_item",
    "decline_adjustment",
    "default_cutoff",
    "deny_reward",
    "enter_rate",
    "enter_reference_file",
    "expire_due_rewards",
    "export_batch",
    "fail_fulfilment",
    "forget_customer",
    "go_on_preparing",
    "import_reference_rates",
    "import_report",
    "import_results",
    "keep_fulfilment",
    "make_adjustment",
    "mark_payout_failed",
    "mark_payout_paid",
    "mark_sent",
    "note_onboarding",
    "note_recall",
    "prepare_batch",
    "record_provider_total",
    "redeem_points",
    "refuse_payout_account",
    "refuse_tax_details",
    "release_due_rewards",
    "report_conversions",
    "report_waiting",
    "request_check",
    "retry_failed",
    "retry_fulfilment",
    "run_due_checks",
    "set_deliverers",
    "set_give_url",
    "settle_conversion",
    "settle_conversions",
    "spend_credit",
    "submit_tax_details",
    "tell_of_rates",
    "update_money_settings",
    "use_codes",
    "verify_tax_details",
    "warn_of_expiry",
    "withdraw_fulfilments",
]
