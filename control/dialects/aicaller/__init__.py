"""AI Caller's API: snake_case, UUIDs, bare success bodies, events over WebSocket and Socket.IO."""
