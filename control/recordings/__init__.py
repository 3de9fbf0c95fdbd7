"""Recordings after their call: their rows, files beside them, pictures, how long they are kept."""
