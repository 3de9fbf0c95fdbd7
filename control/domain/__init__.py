"""What Offhook knows of: accounts, agents, numbers, calls, messages. Values, no behaviour."""
