"""Rows of tables as events: of a CSV, a warehouse, a DataFrame. Pure functions of values."""

from gainsight_dest.rows.reader import RowReader, events_of_frame, events_of_rows

__all__ = ["RowReader", "events_of_frame", "events_of_rows"]
