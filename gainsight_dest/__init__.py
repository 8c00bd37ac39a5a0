"""Customer events into Gainsight CS: RudderStack's identify, group and track events as Gainsight requests.

```python
request = transform(event, config)
while request is not None:
    request = request.next(send(request))
```
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import (
    CreateCompany,
    FindCompany,
    Request,
    SendEvent,
    Step,
    UpdateCompany,
    UpsertPerson,
    preview,
)
from gainsight_dest.errors import (
    BlockedError,
    ConfigError,
    CredentialsError,
    EventError,
    FieldError,
    GainsightDestError,
    RejectedError,
    ResponseError,
    RetryableError,
    ThrottledError,
    UnreachableError,
    UnsupportedTypeError,
)
from gainsight_dest.explaining.explain import explain
from gainsight_dest.gainsight import Response
from gainsight_dest.linting.lint import lint
from gainsight_dest.reading import destinations_of
from gainsight_dest.secret import Secret
from gainsight_dest.transform import group, identify, is_enabled, track

if TYPE_CHECKING:
    from gainsight_dest.batching.batch import Batch, Reply, transform_batch
    from gainsight_dest.explaining.profile import Profile
    from gainsight_dest.explaining.trace import Row, Trace
    from gainsight_dest.linting.finding import Finding, Severity
    from gainsight_dest.linting.schema import config_schema
    from gainsight_dest.outcome import Outcome, PreparedEvent, Status
    from gainsight_dest.reading import events_of
    from gainsight_dest.tenant.request import describe
    from gainsight_dest.tenant.tenant import Tenant
    from gainsight_dest.transform import transform

__all__ = [
    "Batch",
    "BlockedError",
    "ConfigError",
    "CreateCompany",
    "CredentialsError",
    "DestinationConfig",
    "EventError",
    "FieldError",
    "FindCompany",
    "Finding",
    "GainsightDestError",
    "Outcome",
    "PreparedEvent",
    "Profile",
    "RejectedError",
    "Reply",
    "Request",
    "Response",
    "ResponseError",
    "RetryableError",
    "Row",
    "Secret",
    "SendEvent",
    "Severity",
    "Status",
    "Step",
    "Tenant",
    "ThrottledError",
    "Trace",
    "UnreachableError",
    "UnsupportedTypeError",
    "UpdateCompany",
    "UpsertPerson",
    "config_schema",
    "describe",
    "destinations_of",
    "events_of",
    "explain",
    "group",
    "identify",
    "is_enabled",
    "lint",
    "preview",
    "track",
    "transform",
    "transform_batch",
]

__version__ = "0.1.0"

#: What is loaded when it is asked for: an import for a single event need not wait for it.
_LATER = {
    "Batch": "batching.batch",
    "Finding": "linting.finding",
    "Outcome": "outcome",
    "PreparedEvent": "outcome",
    "Profile": "explaining.profile",
    "Reply": "batching.batch",
    "Row": "explaining.trace",
    "Severity": "linting.finding",
    "Status": "outcome",
    "Tenant": "tenant.tenant",
    "Trace": "explaining.trace",
    "config_schema": "linting.schema",
    "describe": "tenant.request",
    "events_of": "reading",
    "transform_batch": "batching.batch",
}


def load_later(package: str, modules: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package of ours, which loads names when they are asked for.

    `modules`: the names, and the modules that have them.
    """
    loaded = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        loaded[name] = getattr(import_module(f"{__name__}.{modules[name]}"), name)
        return loaded[name]

    return get, lambda: sorted({*loaded, *modules})


if not TYPE_CHECKING:  # pragma: no branch - a type checker would take every name for one of them
    __getattr__, __dir__ = load_later(__name__, _LATER)
