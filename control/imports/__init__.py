"""Uploaded files of numbers: read by a process of their own, made into calls."""
