"""Each task's metrics with their errors, and who differs from whom."""
