"""Guesses with reasons, and what is wrong with a table."""
