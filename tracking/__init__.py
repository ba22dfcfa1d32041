"""Owns clicks, touchpoints, leads, conversions, attribution decisions, referrals and fraud signals: what
happened.
"""
