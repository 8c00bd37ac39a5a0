"""Files of events: what they hold, whatever form they are in, and what is counted and written of it. Needs msgspec."""
