"""Words that leave outside calls."""
