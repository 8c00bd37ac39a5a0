"""Many events with the fewest calls. Pure functions of values."""
