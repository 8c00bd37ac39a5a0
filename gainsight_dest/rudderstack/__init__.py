"""RudderStack's transformer protocol for this destination: pure functions, and an app of them (extra `serve`).

```python
answer = router(body, send)
```

For forks of RudderStack's transformer, and for tests: plain JSON data in and out. `send` makes the calls that a group's
company needs; `gainsight_dest.deliver.Sender` is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gainsight_dest import load_later
from gainsight_dest.rudderstack.delivery import proxy
from gainsight_dest.rudderstack.send import Send
from gainsight_dest.rudderstack.transformer import features, processor, router
from gainsight_dest.rudderstack.wire import as_wire, from_wire

if TYPE_CHECKING:
    from gainsight_dest.rudderstack.app import create_app

__all__ = ["Send", "as_wire", "create_app", "features", "from_wire", "processor", "proxy", "router"]

if not TYPE_CHECKING:  # pragma: no branch - a type checker would take every name for one of them
    __getattr__, __dir__ = load_later(__name__, {"create_app": "rudderstack.app"})  # it needs the extra `serve`
