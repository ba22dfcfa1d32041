"""Addresses of rewards, payouts and the ledger."""

from django.urls import URLPattern, URLResolver, path

from rewards import api_rates
from rewards.api import adjustments as adjustment_api
from rewards.api import balances as balance_api
from rewards.api import batches as batch_api
from rewards.api import books as books_api
from rewards.api import giving
from rewards.api import liability as liability_api
from rewards.api import people as people_api
from rewards.api import rewards as reward_api
from rewards.api import statements as statement_api
from rewards.views import (
    adjustments,
    books,
    catalogue,
    fulfilment,
    ledger,
    liability,
    money_settings,
    payout_accounts,
    payouts,
    rates,
    rewards,
    statements,
    tax,
)

console: list[URLPattern | URLResolver] = [
    path("rewards/", rewards.reward_list, name="reward_list"),
    path("rewards/bulk/", rewards.reward_bulk, name="reward_bulk"),
    path("rewards/<str:public_id>/", rewards.reward_detail, name="reward_detail"),
    path("rewards/<str:public_id>/approve/", rewards.reward_approve, name="reward_approve"),
    path("rewards/<str:public_id>/deny/", rewards.reward_deny, name="reward_deny"),
    path("fulfilment/", fulfilment.fulfilment_list, name="fulfilment_list"),
    path("fulfilment/bulk/", fulfilment.fulfilment_bulk, name="fulfilment_bulk"),
    path("fulfilment/settings/", fulfilment.fulfilment_settings, name="fulfilment_settings"),
    path("fulfilment/<str:public_id>/", fulfilment.fulfilment_detail, name="fulfilment_detail"),
    path("fulfilment/<str:public_id>/done/", fulfilment.fulfilment_complete, name="fulfilment_complete"),
    path("fulfilment/<str:public_id>/retry/", fulfilment.fulfilment_retry, name="fulfilment_retry"),
    path("catalogue/", catalogue.catalogue_list, name="catalogue_list"),
    path("catalogue/new/", catalogue.catalogue_new, name="catalogue_new"),
    path("catalogue/<str:public_id>/", catalogue.catalogue_edit, name="catalogue_edit"),
    path("catalogue/<str:public_id>/archive/", catalogue.catalogue_archive, name="catalogue_archive"),
    path("redemptions/", catalogue.redemption_list, name="redemption_list"),
    path("redemptions/<str:public_id>/", catalogue.redemption_detail, name="redemption_detail"),
    path("redemptions/<str:public_id>/cancel/", catalogue.redemption_cancel, name="redemption_cancel"),
    path("payouts/", payouts.batch_list, name="batch_list"),
    path("payouts/new/", payouts.batch_new, name="batch_new"),
    path("payouts/settings/", money_settings.payout_settings, name="payout_settings"),
    path("payouts/<str:public_id>/", payouts.batch_detail, name="batch_detail"),
    path("payouts/<str:public_id>/approve/", payouts.batch_approve, name="batch_approve"),
    path("payouts/<str:public_id>/cancel/", payouts.batch_cancel, name="batch_cancel"),
    path("payouts/<str:public_id>/export/", payouts.batch_export, name="batch_export"),
    path("payouts/<str:public_id>/results/", payouts.batch_results, name="batch_results"),
    path("books/", books.books, name="books"),
    path("books/check/", books.books_check, name="books_check"),
    path(
        "customers/<str:public_id>/payout-accounts/<str:method>/",
        payout_accounts.payout_account,
        name="payout_account",
    ),
    path(
        "customers/<str:public_id>/payout-accounts/<str:method>/refuse/",
        payout_accounts.payout_account_refuse,
        name="payout_account_refuse",
    ),
    path("payouts/<str:public_id>/progress/", payouts.batch_progress, name="batch_progress"),
    path("payouts/<str:public_id>/retry/", payouts.batch_retry, name="batch_retry"),
    path(
        "payouts/<str:public_id>/provider-total/", payouts.batch_provider_total, name="batch_provider_total"
    ),
    path("customers/<str:public_id>/adjust/", adjustments.adjustment_new, name="adjustment_new"),
    path("adjustments/", adjustments.adjustment_list, name="adjustment_list"),
    path("adjustments/<str:public_id>/", adjustments.adjustment_detail, name="adjustment_detail"),
    path("adjustments/<str:public_id>/approve/", adjustments.adjustment_approve, name="adjustment_approve"),
    path("adjustments/<str:public_id>/decline/", adjustments.adjustment_decline, name="adjustment_decline"),
    path("money-settings/", money_settings.money_settings, name="money_settings"),
    path("tax/", tax.tax_list, name="tax_list"),
    path("tax/years/", tax.tax_year, name="tax_year"),
    path("tax/payouts/", tax.paid_payouts, name="paid_payouts"),
    path("tax/<str:public_id>/", tax.tax_detail, name="tax_detail"),
    path("tax/<str:public_id>/verify/", tax.tax_verify, name="tax_verify"),
    path("tax/<str:public_id>/refuse/", tax.tax_refuse, name="tax_refuse"),
    path("customers/<str:public_id>/statement/", statements.statement, name="statement"),
    path("statements/verify/", statements.statement_verify, name="statement_verify"),
    path("liability/", liability.liability, name="liability"),
    path("exchange-rates/", rates.rate_list, name="rate_list"),
    path("exchange-rates/upload/", rates.rate_upload, name="rate_upload"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/<str:public_id>/", ledger.account_detail, name="account_detail"),
]

api: list[URLPattern | URLResolver] = [
    path("rewards", reward_api.RewardList.as_view(), name="api_rewards"),
    path("rewards/<str:public_id>", reward_api.RewardDetail.as_view(), name="api_reward"),
    path("rewards/<str:public_id>/approve", reward_api.RewardApprove.as_view(), name="api_reward_approve"),
    path("rewards/<str:public_id>/deny", reward_api.RewardDeny.as_view(), name="api_reward_deny"),
    path("fulfilments", giving.FulfilmentList.as_view(), name="api_fulfilments"),
    path("fulfilments/<str:public_id>", giving.FulfilmentDetail.as_view(), name="api_fulfilment"),
    path(
        "fulfilments/<str:public_id>/complete",
        giving.FulfilmentComplete.as_view(),
        name="api_fulfilment_complete",
    ),
    path("fulfilments/<str:public_id>/retry", giving.FulfilmentRetry.as_view(), name="api_fulfilment_retry"),
    path("catalogue-items", giving.ItemList.as_view(), name="api_catalogue_items"),
    path("catalogue-items/<str:public_id>", giving.ItemDetail.as_view(), name="api_catalogue_item"),
    path(
        "catalogue-items/<str:public_id>/status",
        giving.ItemStatus.as_view(),
        name="api_catalogue_item_status",
    ),
    path("redemptions", giving.RedemptionList.as_view(), name="api_redemptions"),
    path("redemptions/<str:public_id>", giving.RedemptionDetail.as_view(), name="api_redemption"),
    path(
        "redemptions/<str:public_id>/cancel",
        giving.RedemptionCancel.as_view(),
        name="api_redemption_cancel",
    ),
    path("payout-batches", batch_api.BatchList.as_view(), name="api_batches"),
    path("payout-batches/preview", batch_api.BatchPreview.as_view(), name="api_batch_preview"),
    path("payout-batches/<str:public_id>", batch_api.BatchDetail.as_view(), name="api_batch"),
    path(
        "payout-batches/<str:public_id>/payouts", batch_api.BatchPayouts.as_view(), name="api_batch_payouts"
    ),
    path(
        "payout-batches/<str:public_id>/approve", batch_api.BatchApprove.as_view(), name="api_batch_approve"
    ),
    path("payout-batches/<str:public_id>/export", batch_api.BatchExport.as_view(), name="api_batch_export"),
    path(
        "payout-batches/<str:public_id>/results", batch_api.BatchResults.as_view(), name="api_batch_results"
    ),
    path("payout-batches/<str:public_id>/retry", batch_api.BatchRetry.as_view(), name="api_batch_retry"),
    path(
        "payout-batches/<str:public_id>/provider-total",
        batch_api.BatchProviderTotal.as_view(),
        name="api_batch_provider_total",
    ),
    path(
        "customers/<str:public_id>/payout-accounts",
        people_api.PayoutAccounts.as_view(),
        name="api_payout_accounts",
    ),
    path(
        "customers/<str:public_id>/payout-accounts/<str:method>",
        people_api.PayoutAccountDetail.as_view(),
        name="api_payout_account",
    ),
    path("customers/<str:public_id>/tax-details", people_api.CustomerTax.as_view(), name="api_customer_tax"),
    path("tax-details", people_api.TaxList.as_view(), name="api_tax_list"),
    path("tax-details/<str:public_id>/verify", people_api.TaxVerify.as_view(), name="api_tax_verify"),
    path("tax-details/<str:public_id>/refuse", people_api.TaxRefuse.as_view(), name="api_tax_refuse"),
    path("tax-years", people_api.PaidInYear.as_view(), name="api_paid_in_year"),
    path("adjustments", adjustment_api.AdjustmentList.as_view(), name="api_adjustments"),
    path("adjustments/<str:public_id>", adjustment_api.AdjustmentDetail.as_view(), name="api_adjustment"),
    path(
        "adjustments/<str:public_id>/approve",
        adjustment_api.AdjustmentApprove.as_view(),
        name="api_adjustment_approve",
    ),
    path(
        "adjustments/<str:public_id>/decline",
        adjustment_api.AdjustmentDecline.as_view(),
        name="api_adjustment_decline",
    ),
    path("money-settings", adjustment_api.MoneyRules.as_view(), name="api_money_settings"),
    path("balances", balance_api.Balances.as_view(), name="api_balances"),
    path("statements", statement_api.Statements.as_view(), name="api_statements"),
    path("statements/verify", statement_api.StatementVerify.as_view(), name="api_statement_verify"),
    path("liability", liability_api.LiabilityReport.as_view(), name="api_liability"),
    path("books", books_api.Books.as_view(), name="api_books"),
    path("exchange-rates", api_rates.RateList.as_view(), name="api_exchange_rates"),
    path("exchange-rates/reference", api_rates.ReferenceRates.as_view(), name="api_reference_rates"),
    path("exchange-rates/lookup", api_rates.RateLookup.as_view(), name="api_rate_lookup"),
]
