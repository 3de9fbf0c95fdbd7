"""Results: one document, its page, and what changed."""
