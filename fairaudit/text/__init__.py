"""Turns numbers into words for screens and reports."""
