"""WooCommerce: webhooks of orders, refunds and customers, and questions about one order, as of version 11."""
