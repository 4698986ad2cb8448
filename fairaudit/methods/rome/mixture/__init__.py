"""Expectation-maximisation of a mixture with a gate."""
