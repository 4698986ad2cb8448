"""Each task's metrics with their standard errors, and comparisons of groups and models."""
