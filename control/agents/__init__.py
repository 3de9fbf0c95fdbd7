"""What an agent of the store is made of in a call."""
