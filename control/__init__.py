"""The edge: configuration, HTTP, storage, command line, wiring."""
