"""Responders, one file per provider."""
