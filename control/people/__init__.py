"""Calls that people are asked to take."""
