"""A Spark for the tests, which takes seconds to start: one for all of them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A local Spark of two threads, where a task may fail twice. It knows the format "gainsight"."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        reason = "there is no Java, which Spark needs: of Debian's packages openjdk-17-jre-headless"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from pyspark.sql import SparkSession  # noqa: PLC0415 - where the extra is absent, nobody asks for it

    from gainsight_dest.spark import GainsightDataSource  # noqa: PLC0415 - the same

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings: dict[str, Any] = {
        "spark.ui.enabled": "false",
        "spark.log.level": "OFF",
        "spark.sql.shuffle.partitions": "2",
    }
    builder = SparkSession.builder.master("local[2,3]").appName("tests")
    session = builder.config(map=settings).getOrCreate()
    session.dataSource.register(GainsightDataSource)
    yield session
    session.stop()
