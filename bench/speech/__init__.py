"""Speech to measure with, and what a waveform tells."""
