"""Engines start, watch and stop commands; they know nothing of what a job computes."""
