"""Estimates as tidy tables, and rows found again in stored ones."""
