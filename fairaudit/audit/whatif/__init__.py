"""What if the threshold moved, or a row had another sensitive value."""
