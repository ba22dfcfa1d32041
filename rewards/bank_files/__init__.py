"""Files that banks pay from, and the account numbers in them."""
