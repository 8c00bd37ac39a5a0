"""What the tests of this folder need."""

from __future__ import annotations

from tests.needs import needing

pytest_pycollect_makemodule = needing("report", test_browser=("selenium", "browser", "axe"))
