"""Speech to text, one file per provider."""
