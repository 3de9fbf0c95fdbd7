"""Aetherium: workflows, sessions, and what surrounds them."""
