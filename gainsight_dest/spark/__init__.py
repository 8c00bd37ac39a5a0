"""Events into Gainsight from Apache Spark: as requests, or all the way within the tenant's budget. Extra `spark`.

```python
report = by_shard(df, config, shards=4)
print(report, report.outcomes.count())
```

`transform_events` and `from_warehouse` are pure. `by_shard` is an action; so is `df.write.format("gainsight")` after
`spark.dataSource.register(GainsightDataSource)`. The library is needed on the executors, too.
"""

from gainsight_dest.errors import naming_the_extra

with naming_the_extra(__name__):
    from gainsight_dest.deliver.settings import OptionsError
    from gainsight_dest.spark.report import WriteError, WriteReport
    from gainsight_dest.spark.requests import transform_events
    from gainsight_dest.spark.route import by_shard
    from gainsight_dest.spark.source import GainsightDataSource
    from gainsight_dest.spark.task import SpeculationError
    from gainsight_dest.spark.warehouse import from_warehouse

__all__ = [
    "GainsightDataSource",
    "OptionsError",
    "SpeculationError",
    "WriteError",
    "WriteReport",
    "by_shard",
    "from_warehouse",
    "transform_events",
]
