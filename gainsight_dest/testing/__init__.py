"""For tests: lifelike events, strategies for them, RudderStack's component tests, a pytest plugin.

```python
assert transform(identify_event(plan="gold"), config).body["Plan__gc"] == "gold"
```

`identify_event`, `group_event`, `track_event` and the component tests need no test runner and no extra; the strategies
need hypothesis, the plugin pytest and ruamel.yaml (extra `testing`). Nothing is loaded before it is asked for.
"""

from typing import TYPE_CHECKING

from gainsight_dest import load_later

if TYPE_CHECKING:
    from gainsight_dest.testing.builders import group_event, identify_event, track_event
    from gainsight_dest.testing.component import ComponentTest, NetworkCall, load_component_tests
    from gainsight_dest.testing.difference import ABSENT, Difference
    from gainsight_dest.testing.schema import mapping_tests_schema
    from gainsight_dest.testing.strategies import configs, events, fitting_events, tenants, traits

__all__ = [
    "ABSENT",
    "ComponentTest",
    "Difference",
    "NetworkCall",
    "configs",
    "events",
    "fitting_events",
    "group_event",
    "identify_event",
    "load_component_tests",
    "mapping_tests_schema",
    "tenants",
    "track_event",
    "traits",
]

if not TYPE_CHECKING:  # pragma: no branch - a type checker would take every name for one of them
    _LATER = {
        "ABSENT": "difference",
        "ComponentTest": "component",
        "Difference": "difference",
        "NetworkCall": "component",
        "configs": "strategies",
        "events": "strategies",
        "fitting_events": "strategies",
        "group_event": "builders",
        "identify_event": "builders",
        "load_component_tests": "component",
        "mapping_tests_schema": "schema",
        "tenants": "strategies",
        "track_event": "builders",
        "traits": "strategies",
    }
    __getattr__, __dir__ = load_later(__name__, {name: f"testing.{module}" for name, module in _LATER.items()})
