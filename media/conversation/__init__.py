"""Events are objects: pure cores of turn taking and one session per call; touches no array."""
