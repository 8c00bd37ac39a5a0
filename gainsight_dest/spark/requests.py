"""Events as the requests that they ask for, by Spark: nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import attrs
import pyarrow as pa
from pyspark.sql import DataFrame

from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.engines import ParsedEvent
from gainsight_dest.descriptors import Request
from gainsight_dest.outcome import Fault, begin, text_of
from gainsight_dest.secret import MASK, Secret
from gainsight_dest.spark.rows import Batches, as_json, each_event, events_only, fit
from gainsight_dest.templates import Settings, config_of

#: The columns of `transform_events`, one row an event. `calls`: how many the event costs by itself.
COLUMNS = (
    "message_id string, type string, method string, url string, headers map<string, string>, body string, calls int, "
    "skipped string, error struct<kind: string, path: string, message: string>"
)
_LABELS = {"message_id": "messageId", "type": "type"}
_TEXT = pa.string()
_SCHEMA = pa.schema(
    {
        "message_id": _TEXT,
        "type": _TEXT,
        "method": _TEXT,
        "url": _TEXT,
        "headers": pa.map_(_TEXT, _TEXT),
        "body": _TEXT,
        "calls": pa.int32(),
        "skipped": _TEXT,
        "error": pa.struct({"kind": _TEXT, "path": _TEXT, "message": _TEXT}),
    }
)


def transform_events(
    df: DataFrame, config: DestinationConfig | Mapping[str, Any], *, show_secrets: bool = False
) -> DataFrame:
    """The first request of each event of the column `event`, or why there is none: one row an event. Pure.

    The columns are `message_id`, `type`, `method`, `url`, `headers`, `body` (JSON text), `calls`, `skipped` (the
    reason) and `error` (`kind`, `path`, `message`). The keys in the headers are `***` unless `show_secrets`. Raises
    ConfigError, ValueError where there is no such column.
    """
    return events_only(df).mapInArrow(transforming(config_of(config), show_secrets=show_secrets), COLUMNS)


def transforming(
    config: DestinationConfig | Settings, *, show_secrets: bool
) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
    """What a task does with its batches of rows."""
    return each_event(partial(_record, config=config, show_secrets=show_secrets), _SCHEMA)


def _record(found: ParsedEvent, *, config: DestinationConfig | Settings, show_secrets: bool) -> dict[str, Any]:
    begun = begin(0, found.event, config)
    record: dict[str, Any] = {name: fit(text_of(found.event, key)) for name, key in _LABELS.items()}
    if isinstance(begun, Request):
        headers = {
            name: MASK if isinstance(value, Secret) and not show_secrets else str(value)
            for name, value in begun.headers.items()
        }
        body = as_json(begun.body)
        return {**record, "method": begun.method, "url": begun.url, "headers": headers, "body": body} | {
            "calls": begun.calls
        }
    if begun.error is None:
        return {**record, "skipped": begun.reason}
    return {**record, "error": attrs.asdict(Fault.of(begun.error))}
