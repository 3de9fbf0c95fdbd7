"""What agents know: documents read by a process of their own, searched by words and by meaning."""
