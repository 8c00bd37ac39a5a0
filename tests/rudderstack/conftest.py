"""What the tests of this folder need."""

from __future__ import annotations

from tests.needs import needing

pytest_pycollect_makemodule = needing(
    test_app=("serve", "httpx"),
    test_calls=("serve", "httpx"),
    test_connections=("serve",),
    test_known=("serve",),
    test_quick_way=("serve",),
)
