"""One file a version, named by what it does. Once released, never changed."""
