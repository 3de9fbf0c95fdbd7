"""Subscriptions and payments: their rules, and who says that something was paid."""
