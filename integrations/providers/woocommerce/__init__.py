"""WooCommerce: webhooks of orders, refunds and customers, as version 11 sends them."""
