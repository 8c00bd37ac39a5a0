"""What a test needs: lifelike events, strategies for them, RudderStack's component tests, a pytest plugin.

```python
assert transform(identify(plan="gold"), config).body["Plan__gc"] == "gold"
```

`identify`, `group`, `track` and the component tests need no test runner and no extra; the strategies need hypothesis,
the plugin pytest and ruamel.yaml (extra `testing`). Nothing is loaded before it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gainsight_dest.testing.builders import group, identify, track
    from gainsight_dest.testing.component import ComponentTest, Difference, NetworkCall, load_component_tests
    from gainsight_dest.testing.strategies import configs, events, traits

__all__ = [
    "ComponentTest",
    "Difference",
    "NetworkCall",
    "configs",
    "events",
    "group",
    "identify",
    "load_component_tests",
    "track",
    "traits",
]

_LATER = {
    "ComponentTest": "component",
    "Difference": "component",
    "NetworkCall": "component",
    "configs": "strategies",
    "events": "strategies",
    "group": "builders",
    "identify": "builders",
    "load_component_tests": "component",
    "track": "builders",
    "traits": "strategies",
}

if not TYPE_CHECKING:  # pragma: no branch - a type checker would take every name for one of them

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        return value
