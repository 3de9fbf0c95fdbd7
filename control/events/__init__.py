"""What happens, told: the bus, who wants what, webhooks."""
