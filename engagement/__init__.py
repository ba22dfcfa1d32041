"""Owns the participant portal, referee landing pages and e-mails: what we say."""
