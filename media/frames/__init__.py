"""Frames are columns: numpy over all lanes, on the clock; knows nothing of conversation."""
