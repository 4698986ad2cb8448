"""Estimators. They see arrays and tensors, never data frames, and know nothing of audits."""
