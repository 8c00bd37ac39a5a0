"""Lengths of time and numbers as a person reads them."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86_400

_UNITS = ((DAY, "day", "d"), (HOUR, "hour", "h"), (MINUTE, "minute", "min"), (1, "second", "s"))
_NEARLY_A_SECOND = 0.95


def duration(seconds: int) -> str:
    """So many seconds in the largest unit that they are a whole number of: "an hour", "10 minutes"."""
    size, unit = next((size, unit) for size, unit, _ in _UNITS if seconds % size == 0)
    number = seconds // size
    return f"{'an' if unit == 'hour' else 'a'} {unit}" if number == 1 else f"{number:,} {unit}s"


def lasting(seconds: float) -> str:
    """So long, in two units: "8 h 20 min"; below a second in tenths: "0.4 s"."""
    if 0 < seconds < _NEARLY_A_SECOND:
        return f"{seconds:.1f} s"
    rest, words = round(seconds), []
    for size, _, unit in _UNITS:
        number, rest = divmod(rest, size)
        words += [f"{number:,} {unit}"] if number else []
    return " ".join(words[:2]) or "0 s"


def between(low: int, high: int) -> str:
    """One number, or two."""
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
