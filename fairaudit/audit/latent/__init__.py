"""Latent groups: rules, tests on held-out rows, a map."""
