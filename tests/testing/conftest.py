"""What the tests of this folder need."""

from __future__ import annotations

from tests.needs import needing

pytest_pycollect_makemodule = needing(
    test_compare=("testing",),
    test_document=("testing",),
    test_mapping=("testing",),
    test_schema=("testing", "cli", "jsonschema"),
)
