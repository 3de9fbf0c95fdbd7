"""Measurements from outside: latency, capacity, quality."""
