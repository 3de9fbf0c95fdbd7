"""What is called, when, how often, and how many at once."""
