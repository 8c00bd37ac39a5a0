"""What the tests of this folder need."""

from __future__ import annotations

from tests.needs import needing

pytest_pycollect_makemodule = needing(
    "cli",
    test_check=("deliver",),
    test_check_sandbox=("deliver", "sandbox"),
    test_describe=("deliver",),
    test_deliver=("deliver", "sandbox"),
    test_fuzz=("serve",),
    test_kill=("deliver", "sandbox"),
    test_odd=("deliver", "report", "sandbox"),
    test_loop=("serve", "deliver", "sandbox"),
    test_probe=("deliver", "sandbox"),
    test_sandbox=("deliver", "sandbox"),
    test_serve=("serve", "deliver", "sandbox"),
    test_serve_options=("serve",),
    test_unattended=("deliver", "sandbox", "testing"),
)
