"""What is kept beyond the process."""
