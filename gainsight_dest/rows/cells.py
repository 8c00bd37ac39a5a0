"""Cells of tables as JSON values: what is missing, and what JSON has no form for. Pure functions of values."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import date, datetime
from math import isnan
from typing import Any

from gainsight_dest.values import MAX_DEPTH, SCALARS, native


def cell(value: Any, depth: int = MAX_DEPTH) -> Any:
    """The JSON value of a cell, None for a missing one: null, NaN, NaT, pandas' NA. An object is without these.

    An infinity stays: events at fault with one say so. What JSON has no form for is its text, bytes are Base64.
    """
    if type(value) in SCALARS:  # nearly all
        return value
    if type(value) is datetime:
        return value.isoformat()
    value = native(value)
    if isinstance(value, float):
        return None if isnan(value) else value
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, date):  # a datetime, too
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b64encode(value).decode()
    return str(value) if depth == 0 else _of_parts(value, depth - 1)


def _of_parts(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        made = ((_key(key), cell(item, depth)) for key, item in value.items())
        return {key: item for key, item in made if item is not None}
    if hasattr(value, "tolist"):  # an array of numpy's, or a date of its own
        value = value.tolist() if getattr(value, "ndim", 0) else str(value)
    if isinstance(value, (list, tuple)):
        return [cell(item, depth) for item in value]
    return str(value)


def _key(key: Any) -> str:
    return key if type(key) is str else str(native(key))
