"""Figures of all calls: kept as columns, counted by account, period and whatever is asked for."""
