"""Events into Gainsight from Apache Spark: as requests, or all the way within the tenant's budget. Extra `spark`.

```python
spark.dataSource.register(GainsightDataSource)
routed = by_shard(df, config, shards=4)
routed.write.format("gainsight").options(config="destination.json", shards=4).mode("append").save()
```

`transform_events` and `from_warehouse` are pure; writing, and evaluating what `by_shard` gives, makes calls. The
library is needed on the executors, too.
"""

from gainsight_dest.errors import naming_the_extra

with naming_the_extra(__name__):
    from gainsight_dest.deliver.settings import OptionsError
    from gainsight_dest.spark.requests import transform_events
    from gainsight_dest.spark.route import by_shard
    from gainsight_dest.spark.source import GainsightDataSource
    from gainsight_dest.spark.task import SpeculationError
    from gainsight_dest.spark.warehouse import from_warehouse

__all__ = ["GainsightDataSource", "OptionsError", "SpeculationError", "by_shard", "from_warehouse", "transform_events"]
