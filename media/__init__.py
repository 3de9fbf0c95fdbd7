"""What happens to audio and to the floor; knows no carrier and no vendor."""
