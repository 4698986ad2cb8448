"""Outcomes, predictions and scores that users pass to `audit_predictions`, checked and coded."""
