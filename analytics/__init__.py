"""Owns rollups, reports and the overview: what it adds up to."""
