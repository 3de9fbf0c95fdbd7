"""One folder per outside system: wire core, shell, port, fake."""
