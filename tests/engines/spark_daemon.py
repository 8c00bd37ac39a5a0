"""What Spark forks its workers from in the tests: it has imported what each of them would take a second to import.

Spark's own imports nothing before: a library may start threads, and those do not live on in a fork. Here none is.
"""

from __future__ import annotations

import gc
import os
from importlib import import_module

if __name__ == "__main__":
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    for name in ("pandas", "pyarrow", "pyspark.worker", "tests.engines.spark_runs"):
        import_module(name)
    gc.freeze()  # a worker looks for garbage after each task
    import_module("pyspark.daemon").manager()
