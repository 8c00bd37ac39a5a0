"""Events into Gainsight from Apache Spark: as requests, or all the way within the tenant's budget. Extra `spark`.

```python
spark.dataSource.register(GainsightDataSource)
routed = by_shard(df, config, shards=4)
routed.write.format("gainsight").options(config="destination.json", shards=4).mode("append").save()
```

`transform_events` and `from_warehouse` are pure; writing, and evaluating what `by_shard` gives, makes calls. The
library is needed on the executors, too.
"""

try:
    from gainsight_dest.spark.requests import transform_events
    from gainsight_dest.spark.route import by_shard
    from gainsight_dest.spark.source import GainsightDataSource
    from gainsight_dest.spark.warehouse import from_warehouse
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    if missing == "gainsight_dest":
        raise
    raise ImportError(
        f"gainsight_dest.spark needs {missing}, which is not installed: pip install 'gainsight-dest[spark]'",
        name=missing,
    ) from error

__all__ = ["GainsightDataSource", "by_shard", "from_warehouse", "transform_events"]
