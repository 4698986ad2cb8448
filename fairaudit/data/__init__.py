"""From bytes to arrays: reading, guessing roles, encoding, splitting. Knows no method."""
