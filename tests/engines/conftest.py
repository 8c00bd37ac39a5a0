"""What the tests of the engines need; and a Spark for them, which takes seconds to start: one for all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import need, needing

pytest_pycollect_makemodule = needing(
    "deliver",
    "sandbox",
    test_beam_background=("beam",),
    test_beam_coders=("beam",),
    test_beam_failures=("beam",),
    test_beam_senders=("beam",),
    test_beam_transform=("beam",),
    test_beam_write=("beam",),
    test_spark=("spark",),
    test_spark_beats=("spark",),
    test_spark_parts=("spark",),
    test_spark_tables=("spark",),
)

ROOT = Path(__file__).parents[2]

#: For tables of a few rows. To compile costs more than to interpret them, be it by Java or by Spark itself; and Spark's
#: own classes, some ten thousand, need no check.
QUICK_JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData "
    "-XX:+IgnoreUnrecognizedVMOptions -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
QUICK_SPARK = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.shuffle.compress": "false",
    "spark.shuffle.spill.compress": "false",
    "spark.broadcast.compress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.log.level": "OFF",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A local Spark of two threads, where a task may fail twice. It knows the format "gainsight" and those of tests."""
    need("java")
    from pyspark import SparkContext  # noqa: PLC0415 - where the extra is absent, nobody asks for it
    from pyspark.sql import SparkSession  # noqa: PLC0415 - the same

    from gainsight_dest.spark import GainsightDataSource  # noqa: PLC0415 - the same
    from tests.engines.spark_runs import Impatient  # noqa: PLC0415 - the same

    folder = tmp_path_factory.mktemp("spark")
    settings: dict[str, Any] = {
        **QUICK_SPARK,
        "spark.driver.extraJavaOptions": f"{QUICK_JAVA} -Djava.io.tmpdir={folder}",
        "spark.python.daemon.module": "tests.engines.spark_daemon",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)  # for what workers import of the tests
        patch.setenv("SPARK_LAUNCHER_OPTS", QUICK_JAVA)  # for the Java that finds out how to start Java
        builder = SparkSession.builder.master("local[2,3]").appName("tests")
        session = builder.config(map=settings).getOrCreate()
    for source in (GainsightDataSource, Impatient):
        session.dataSource.register(source)
    yield session
    session.stop()
    gateway: Any = SparkContext._gateway
    gateway.shutdown()
    gateway.proc.stdin.close()  # at which it ends, also if the tests are killed
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None
