"""The HTTP face: routes, authentication, health, metrics and events."""
