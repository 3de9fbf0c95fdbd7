"""Servers, services and far ends in processes of their own, and how much of them there is."""
