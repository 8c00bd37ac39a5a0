"""What the tests of this folder need."""

from __future__ import annotations

from tests.needs import needing

pytest_pycollect_makemodule = needing("deliver", "httpx", test_http=("sandbox",), test_secrets=("sandbox",))
