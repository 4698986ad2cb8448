"""Stress tests of fitted methods."""
