"""The `offhook` command: one file per subcommand."""
