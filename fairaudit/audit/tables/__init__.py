"""Estimates as tidy tables, and rows read back from stored ones."""
