"""Events into Gainsight from Apache Beam: as requests, or all the way within the tenant's budget. Extra `beam`.

```python
with beam.Pipeline(options=options) as pipeline:
    events = pipeline | beam.io.ReadFromText("events.ndjson", coder=BytesCoder()) | beam.Map(parse_event)
    written = events | WriteToGainsight(config, shards=4)
    written.failures | beam.Map(json.dumps) | beam.io.WriteToText("failed", ".ndjson")
```

`TransformEvents` is pure; `WriteToGainsight` makes the calls. Both take events as RudderStack has them, of any JSON.
"""

try:
    from gainsight_dest.beam.events import parse_event
    from gainsight_dest.beam.options import GainsightOptions
    from gainsight_dest.beam.requests import TransformEvents
    from gainsight_dest.beam.write import WriteToGainsight, Written
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    if missing == "gainsight_dest":
        raise
    raise ImportError(
        f"gainsight_dest.beam needs {missing}, which is not installed: pip install 'gainsight-dest[beam]'",
        name=missing,
    ) from error

__all__ = ["GainsightOptions", "TransformEvents", "WriteToGainsight", "Written", "parse_event"]
