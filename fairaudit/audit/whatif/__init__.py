"""What if the threshold moved, or a person had other values."""
