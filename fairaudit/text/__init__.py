"""The one room that turns numbers into words."""
