"""Reads bytes of any accepted format into one polars table."""
