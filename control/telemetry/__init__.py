"""What is seen of the server: log, metrics, traces."""
