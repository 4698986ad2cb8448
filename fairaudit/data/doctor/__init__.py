"""Suggested roles with their reasons, and what is wrong with a table."""
