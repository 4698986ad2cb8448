"""What pages say besides numbers: help, notes, and what to do where there is nothing to show."""
