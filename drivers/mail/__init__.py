"""E-mail: how a message is written, and the client that hands it to a server (SMTP)."""
