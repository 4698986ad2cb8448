"""ROME: robust mixture models under latent heterogeneity."""
