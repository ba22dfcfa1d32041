"""The console's pages on rewards, payouts and the ledger."""
