"""The same numbers as the screen, as files that read well on their own."""
