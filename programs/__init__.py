"""Owns programs and their immutable versions, customers, participants, links and codes: what was promised."""
