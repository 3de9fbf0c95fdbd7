"""What is found out about a call from what was said in it: while it goes on, and after its end."""
