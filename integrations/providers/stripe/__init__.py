"""Stripe Connect: a transfer for each payout, to an account the person opened, version 2025-09-30."""
