"""What the tests of this folder need."""

from __future__ import annotations

from tests.needs import needing

pytest_pycollect_makemodule = needing(test_frames=("pandas", "polars", "duckdb", "pyarrow"))
