"""VoiceERA's API: snake_case, UUIDs, success bodies that are bare and in an envelope at once."""
