"""Addresses of tracking."""

from django.urls import URLPattern, URLResolver, path

from tracking import api as endpoints
from tracking import (
    appeal_views,
    fraud_list_views,
    fraud_rule_views,
    fraud_views,
    link_views,
    people_views,
    reinstatement_views,
    views,
)

public: list[URLPattern | URLResolver] = [
    path("r/<str:code>", views.link_redirect, name="link_redirect"),
]

console: list[URLPattern | URLResolver] = [
    path("referrals/", views.referral_list, name="referral_list"),
    path("referrals/<str:public_id>/", views.referral_detail, name="referral_detail"),
    path("conversions/", views.conversion_list, name="conversion_list"),
    path("conversions/<str:public_id>/", views.conversion_detail, name="conversion_detail"),
    path("conversions/<str:public_id>/reject/", views.conversion_reject, name="conversion_reject"),
    path(
        "conversions/<str:public_id>/reinstate/",
        reinstatement_views.conversion_reinstate,
        name="conversion_reinstate",
    ),
    path(
        "conversions/<str:public_id>/refunds/<str:refund_id>/reinstate/",
        reinstatement_views.refund_reinstate,
        name="refund_reinstate",
    ),
    path("clicks/", views.click_list, name="click_list"),
    path("clicks/<str:public_id>/", people_views.click_detail, name="click_detail"),
    path("customers/<str:public_id>/merge/", people_views.customer_merge, name="customer_merge"),
    path("customers/<str:public_id>/referrer/", people_views.customer_referrer, name="customer_referrer"),
    path("appeals/", appeal_views.appeal_list, name="appeal_list"),
    path("appeals/<str:public_id>/", appeal_views.appeal_detail, name="appeal_detail"),
    path("appeals/<str:public_id>/answer/", appeal_views.appeal_answer, name="appeal_answer"),
    path("fraud/", fraud_views.fraud_queue, name="fraud_queue"),
    path("fraud/bulk/", fraud_views.fraud_bulk, name="fraud_bulk"),
    path("fraud/undo/", fraud_views.fraud_undo, name="fraud_undo"),
    path("fraud/lists/", fraud_list_views.fraud_lists, name="fraud_lists"),
    path("fraud/lists/bulk/", fraud_list_views.fraud_list_bulk, name="fraud_list_bulk"),
    path("fraud/rules/", fraud_rule_views.fraud_rules, name="fraud_rules"),
    path("fraud/<str:public_id>/", fraud_views.fraud_case, name="fraud_case"),
    path("fraud/<str:public_id>/resolve/", fraud_views.fraud_resolve, name="fraud_resolve"),
    path("links/<str:public_id>/clicks/", link_views.link_clicks, name="link_clicks"),
]

api: list[URLPattern | URLResolver] = [
    path("track/click", endpoints.TrackClick.as_view(), name="api_track_click"),
    path("track/lead", endpoints.TrackLead.as_view(), name="api_track_lead"),
    path("track/sale", endpoints.TrackSale.as_view(), name="api_track_sale"),
    path("track/refund", endpoints.TrackRefund.as_view(), name="api_track_refund"),
    path("track/batch", endpoints.TrackBatch.as_view(), name="api_track_batch"),
    path("clicks/<str:public_id>/explanation", endpoints.ClickExplanation.as_view(), name="api_click_why"),
    path("customers/<str:public_id>/merge", endpoints.CustomerMerge.as_view(), name="api_customer_merge"),
    path(
        "customers/<str:public_id>/referrer",
        endpoints.CustomerReferrer.as_view(),
        name="api_customer_referrer",
    ),
    path(
        "participants/<str:public_id>/token",
        endpoints.ParticipantToken.as_view(),
        name="api_participant_token",
    ),
    path("conversions", endpoints.ConversionList.as_view(), name="api_conversions"),
    path("conversions/<str:public_id>", endpoints.ConversionDetail.as_view(), name="api_conversion"),
    path(
        "conversions/<str:public_id>/explanation",
        endpoints.ConversionExplanation.as_view(),
        name="api_conversion_explanation",
    ),
    path(
        "conversions/<str:public_id>/checks",
        endpoints.ConversionChecks.as_view(),
        name="api_conversion_checks",
    ),
    path(
        "conversions/<str:public_id>/refunds",
        endpoints.ConversionRefunds.as_view(),
        name="api_conversion_refunds",
    ),
    path(
        "conversions/<str:public_id>/refunds/<str:refund_id>/reinstate",
        endpoints.RefundReinstate.as_view(),
        name="api_refund_reinstate",
    ),
    path(
        "conversions/<str:public_id>/reinstate",
        endpoints.ConversionReinstate.as_view(),
        name="api_conversion_reinstate",
    ),
    path("checks/<str:public_id>/retry", endpoints.CheckRetry.as_view(), name="api_check_retry"),
    path("fraud-rules", endpoints.FraudRuleFigures.as_view(), name="api_fraud_rules"),
    path("fraud-rules/backtest", endpoints.FraudBackTest.as_view(), name="api_fraud_backtest"),
    path("referrals", endpoints.ReferralList.as_view(), name="api_referrals"),
    path("referrals/<str:public_id>", endpoints.ReferralDetail.as_view(), name="api_referral"),
    path(
        "participants/<str:public_id>/explanations/<str:conversion_id>",
        endpoints.OwnExplanation.as_view(),
        name="api_own_explanation",
    ),
    path("appeals", endpoints.AppealList.as_view(), name="api_appeals"),
    path("appeals/<str:public_id>", endpoints.AppealDetail.as_view(), name="api_appeal"),
    path("appeals/<str:public_id>/answer", endpoints.AppealAnswer.as_view(), name="api_appeal_answer"),
    path("fraud-cases", endpoints.FraudCaseList.as_view(), name="api_fraud_cases"),
    path("fraud-cases/bulk", endpoints.FraudCaseBulk.as_view(), name="api_fraud_case_bulk"),
    path("fraud-cases/<str:public_id>", endpoints.FraudCaseDetail.as_view(), name="api_fraud_case"),
    path(
        "fraud-cases/<str:public_id>/approve",
        endpoints.FraudCaseApprove.as_view(),
        name="api_fraud_case_approve",
    ),
    path(
        "fraud-cases/<str:public_id>/reject",
        endpoints.FraudCaseReject.as_view(),
        name="api_fraud_case_reject",
    ),
    path(
        "fraud-cases/<str:public_id>/reopen",
        endpoints.FraudCaseReopen.as_view(),
        name="api_fraud_case_reopen",
    ),
    path("fraud-list-entries", endpoints.FraudListEntryList.as_view(), name="api_fraud_list_entries"),
    path(
        "fraud-list-entries/<str:public_id>",
        endpoints.FraudListEntryDetail.as_view(),
        name="api_fraud_list_entry",
    ),
]
