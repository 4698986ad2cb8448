"""Bytes of any format become one polars table."""
