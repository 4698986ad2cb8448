"""The no-harm decision on stored rows: intervals, alternatives, certificates."""
