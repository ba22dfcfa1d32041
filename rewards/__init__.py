"""Owns rewards, the ledger of transfers and payouts: what is owed."""
