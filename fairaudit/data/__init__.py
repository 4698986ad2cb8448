"""From bytes to arrays: reading, suggesting roles, encoding, splitting. Knows no method."""
