"""What a tenant of Gainsight has: its objects, their fields, types and options, and what it will refuse.

```python
answer = send(describe(config))
tenant = Tenant.from_describe(answer)
refusal = tenant.objects["Company"].fields["Stage"].refusal("Lunched")
```

Pure functions of values: what asks Gainsight is a request like any other.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gainsight_dest.tenant.fitting import FitChange, FitMode, Fitted, fit, fit_record
    from gainsight_dest.tenant.request import DescribeObjects, describe
    from gainsight_dest.tenant.tenant import Option, Refusal, Tenant, TenantField, TenantObject
    from gainsight_dest.tenant.types import Certainty, Datatype, RefusalRule

__all__ = [
    "Certainty",
    "Datatype",
    "DescribeObjects",
    "FitChange",
    "FitMode",
    "Fitted",
    "Option",
    "Refusal",
    "RefusalRule",
    "Tenant",
    "TenantField",
    "TenantObject",
    "describe",
    "fit",
    "fit_record",
]

#: Where each name is. They are loaded when they are asked for: the table of types is a part of every import.
MODULES = {
    "fitting": ("FitChange", "FitMode", "Fitted", "fit", "fit_record"),
    "request": ("DescribeObjects", "describe"),
    "tenant": ("Option", "Refusal", "Tenant", "TenantField", "TenantObject"),
    "types": ("Certainty", "Datatype", "RefusalRule"),
}

if not TYPE_CHECKING:  # pragma: no branch - a type checker would take every name for one of them

    def __getattr__(name: str) -> Any:
        module = next((module for module, names in MODULES.items() if name in names), None)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        loaded = vars(sys.modules[__name__])
        loaded[name] = getattr(import_module(f"{__name__}.{module}"), name)
        return loaded[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
