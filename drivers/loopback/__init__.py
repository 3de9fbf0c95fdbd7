"""The loopback line: a simulated far end whose calls go through real frames."""
