"""The console's pages of integrations."""
