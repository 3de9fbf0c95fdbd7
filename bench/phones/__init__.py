"""Callers that measure: telephones without a buffer, what they say, and what they heard."""
