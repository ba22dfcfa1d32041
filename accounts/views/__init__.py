"""Pages about workspaces, teams, keys and the audit log."""
