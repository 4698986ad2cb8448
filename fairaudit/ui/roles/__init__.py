"""The questions about a table: its outcome, where scores decide, the role of each column."""
