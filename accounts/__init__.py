"""Owns users, workspaces and sandboxes, members and roles, API keys, audit log, tenant isolation: who may act."""
