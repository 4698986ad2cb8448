"""The kinds of audits: training, comparison, and decisions that a table already holds."""
