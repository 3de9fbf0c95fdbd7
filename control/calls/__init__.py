"""Calls from their first moment to their record's end, and all of them."""
