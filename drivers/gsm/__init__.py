"""Calls by mobile networks: so far, why they end."""
