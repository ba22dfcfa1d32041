"""The API's calls on rewards, payouts and the ledger."""
