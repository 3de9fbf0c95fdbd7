"""Who is asking, how it is proved, what they may do and how often."""
