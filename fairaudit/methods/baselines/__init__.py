"""Models that a method is compared with."""
