"""What a test needs: RudderStack's component tests, replayed. Needs no test runner and no extra."""

from __future__ import annotations

from gainsight_dest.testing.component import ComponentTest, Difference, NetworkCall, load_component_tests

__all__ = ["ComponentTest", "Difference", "NetworkCall", "load_component_tests"]
