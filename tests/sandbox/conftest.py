"""What the tests of this folder need."""

from __future__ import annotations

from tests.needs import needing

pytest_pycollect_makemodule = needing(
    test_adapter=("deliver",),
    test_browser=("sandbox", "selenium", "browser", "axe"),
    test_page=("sandbox",),
    test_server=("deliver", "sandbox"),
    test_transport=("httpx",),
)
