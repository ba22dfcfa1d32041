"""Reads for the pages and mails that people outside the workspace see."""
