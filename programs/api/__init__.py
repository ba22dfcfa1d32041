"""`/api/v1/` programs, participants, customers, links and promo codes."""
