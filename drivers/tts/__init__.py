"""Text to speech, one file per provider."""
