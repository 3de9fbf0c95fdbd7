"""Older products' APIs as projections over the services; how to write one: README.md."""
