"""From predictions to numbers with intervals. Statistics here are pure functions."""
