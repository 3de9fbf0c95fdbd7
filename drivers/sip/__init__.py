"""SIP (RFC 3261) in its own layers: message, transaction, dialog, session, registration."""
