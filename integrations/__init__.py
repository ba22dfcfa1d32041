"""Owns connections to shops, CRMs and mail tools, and outbound webhooks: who else hears and tells."""
