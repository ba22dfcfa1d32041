"""Pages of the portal, the landing pages and the console's mail log."""
