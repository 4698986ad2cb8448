"""Audits counted inside a database."""
