"""A Spark for docs/how-to/run-in-spark.md that is quick with few events, and what the page has made of the examples."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from tests.engines.conftest import QUICK_JAVA, QUICK_SPARK
from tests.pages import Page


def around(page: Page) -> Iterator[None]:
    settings = [f"--conf={name}={value}" for name, value in QUICK_SPARK.items()]
    java = ["--driver-java-options", f"{QUICK_JAVA} -Djava.io.tmpdir={page.folder}"]
    # Before the page says its own.
    page.monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", shlex.join([*settings, *java, "pyspark-shell"]))
    page.monkeypatch.setenv("SPARK_LAUNCHER_OPTS", QUICK_JAVA)  # for the Java that finds out how to start Java
    page.monkeypatch.setenv("PYSPARK_PYTHON", "")  # the page sets it: so it is as it was afterwards
    is_shared = SparkSession.getActiveSession() is not None
    try:
        yield
        all_that_the_page_says_has_come_about(page)
    finally:
        if not is_shared:
            end_spark()


def all_that_the_page_says_has_come_about(page: Page) -> None:
    report = page.report
    assert (report.events, report.delivered, report.failed, report.skipped) == (78, 49, 24, 5)
    assert page.letters.count() == 24
    # By the stream, and then by the format, which has nothing left to send.
    assert (len(page.sandbox.companies), len(page.sandbox.people)) == (9, 14)

    assert page.requests.count() == 78
    kinds = {row.kind: row["count"] for row in page.requests.groupBy("error.kind").count().collect()}
    assert kinds["EventError"] > 10

    assert json.loads(page.people.collect()[0].event)["traits"] == {"email": "ada@example.com", "firstName": "Ada"}


def end_spark() -> None:
    """And its Java, which has files in the page's folder."""
    if session := SparkSession.getActiveSession():
        session.stop()
    gateway: Any = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
        SparkContext._gateway = SparkContext._jvm = None
