"""Tremendous: an order for each payout, of money or of gift cards to choose from, as of API version 2."""
