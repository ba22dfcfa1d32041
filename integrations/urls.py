"""Addresses of integrations."""

from django.urls import URLPattern, URLResolver, path

from integrations import api as endpoints
from integrations.views import checks, connections, own_system, payout_providers, webhooks

console: list[URLPattern | URLResolver] = [
    path("connections/", connections.connection_list, name="connection_list"),
    path("connections/new/", connections.connection_new, name="connection_new"),
    path("connections/<str:public_id>/", connections.connection_detail, name="connection_detail"),
    path("connections/<str:public_id>/enable/", connections.connection_enable, name="connection_enable"),
    path("connections/<str:public_id>/disable/", connections.connection_disable, name="connection_disable"),
    path("connections/<str:public_id>/secret/", connections.connection_secret, name="connection_secret"),
    path("connections/<str:public_id>/retry/", connections.inbox_bulk, name="inbox_bulk"),
    path("connections/<str:public_id>/keys/", connections.connection_keys, name="connection_keys"),
    path("own-system/", own_system.own_system, name="own_system"),
    path("payout-providers/", payout_providers.payout_provider_list, name="payout_provider_list"),
    path("payout-providers/new/", payout_providers.payout_provider_new, name="payout_provider_new"),
    path(
        "payout-providers/<str:public_id>/",
        payout_providers.payout_provider_detail,
        name="payout_provider_detail",
    ),
    path(
        "payout-providers/<str:public_id>/keys/",
        payout_providers.payout_provider_keys,
        name="payout_provider_keys",
    ),
    path(
        "payout-providers/<str:public_id>/check/",
        payout_providers.payout_provider_check,
        name="payout_provider_check",
    ),
    path(
        "payout-providers/<str:public_id>/disconnect/",
        payout_providers.payout_provider_disconnect,
        name="payout_provider_disconnect",
    ),
    path(
        "payout-providers/<str:public_id>/connect/",
        payout_providers.payout_provider_connect,
        name="payout_provider_connect",
    ),
    path("payout-runs/<str:public_id>/retry/", payout_providers.payout_run_retry, name="payout_run_retry"),
    path("checks/", checks.check_list, name="check_list"),
    path("checks/secret/", checks.check_secret, name="check_secret"),
    path("checks/<str:public_id>/", checks.check_detail, name="check_detail"),
    path("checks/<str:public_id>/retry/", checks.check_retry, name="check_retry"),
    path("inbox/<str:public_id>/", connections.inbox_item_detail, name="inbox_item_detail"),
    path("inbox/<str:public_id>/retry/", connections.inbox_item_retry, name="inbox_item_retry"),
    path("webhooks/", webhooks.webhook_list, name="webhook_list"),
    path("webhooks/new/", webhooks.webhook_new, name="webhook_new"),
    path("webhooks/<str:public_id>/", webhooks.webhook_detail, name="webhook_detail"),
    path("webhooks/<str:public_id>/enable/", webhooks.webhook_enable, name="webhook_enable"),
    path("webhooks/<str:public_id>/disable/", webhooks.webhook_disable, name="webhook_disable"),
    path("webhooks/<str:public_id>/rotate/", webhooks.webhook_rotate, name="webhook_rotate"),
    path("webhooks/<str:public_id>/test/", webhooks.webhook_test, name="webhook_test"),
    path("webhooks/<str:public_id>/redeliver/", webhooks.webhook_delivery_bulk, name="webhook_delivery_bulk"),
    path("deliveries/<str:public_id>/", webhooks.webhook_delivery_detail, name="webhook_delivery_detail"),
    path("deliveries/<str:public_id>/retry/", webhooks.webhook_delivery_retry, name="webhook_delivery_retry"),
    path("events/", webhooks.event_log, name="event_log"),
    path("events/retry/", webhooks.event_bulk, name="event_bulk"),
    path("events/<str:public_id>/retry/", webhooks.event_retry, name="event_retry"),
]

api: list[URLPattern | URLResolver] = [
    path("hooks/<slug:provider>/<str:public_id>", endpoints.receive_hook, name="hook"),
    path("webhook-endpoints", endpoints.WebhookEndpointList.as_view(), name="api_webhook_endpoints"),
    path(
        "webhook-endpoints/<str:public_id>",
        endpoints.WebhookEndpointDetail.as_view(),
        name="api_webhook_endpoint",
    ),
    path(
        "webhook-endpoints/<str:public_id>/deliveries",
        endpoints.WebhookDeliveryList.as_view(),
        name="api_webhook_deliveries",
    ),
    path(
        "deliveries/<str:public_id>/retry",
        endpoints.WebhookDeliveryRetry.as_view(),
        name="api_webhook_delivery_retry",
    ),
    path("events", endpoints.EventFeed.as_view(), name="api_events"),
]
