"""The only code that changes the rows of integrations: connections, inbox, orders, webhooks, deliveries."""
