"""Events into Gainsight from Apache Beam: as requests, or all the way within the tenant's budget. Extra `beam`.

```python
with beam.Pipeline(options=options) as pipeline:
    events = pipeline | beam.io.ReadFromText("events.ndjson", coder=BytesCoder()) | beam.Map(parse_event)
    result = events | WriteToGainsight(config, shards=4)
    result.failures | beam.Map(json.dumps) | beam.io.WriteToText("failed", ".ndjson")
```

`TransformEvents` is pure; `WriteToGainsight` makes the calls. Both take events as RudderStack has them, of any JSON.
"""

from gainsight_dest.errors import naming_the_extra

with naming_the_extra(__name__):
    from gainsight_dest.beam.events import parse_event
    from gainsight_dest.beam.options import GainsightOptions
    from gainsight_dest.beam.requests import TransformEvents
    from gainsight_dest.beam.write import WriteResult, WriteToGainsight

__all__ = ["GainsightOptions", "TransformEvents", "WriteResult", "WriteToGainsight", "parse_event"]
