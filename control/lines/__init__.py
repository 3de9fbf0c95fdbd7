"""What calls come in and go out by, and which way each takes."""
