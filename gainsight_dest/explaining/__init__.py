"""Where each trait of an event goes, and of many events. Pure functions of values."""
