"""Every key of the configuration: its Struct, its reading, what contradicts what."""
