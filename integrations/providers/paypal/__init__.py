"""PayPal Payouts: one call for up to 15,000 payments, results by asking, as of API version 1."""
