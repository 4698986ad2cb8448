"""What users pass, as plain arrays: every door of the package reads its input here."""
