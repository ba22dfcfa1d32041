"""Owns users, workspaces, members and roles, API keys, the audit log and tenant isolation: who may act."""
