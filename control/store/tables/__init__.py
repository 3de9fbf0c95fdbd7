"""The tables, a module a subject; `schema.py` has them all."""
