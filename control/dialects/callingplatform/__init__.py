"""The AI Calling Platform's API: camelCase, `_id`s with prefixes, {success, message, data}."""
