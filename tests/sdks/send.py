"""Has RudderStack's SDK for Python send calls. Arguments: URL. Standard input: [[method, arguments], …] as JSON, with
{"moment": text} for a datetime; the arguments are named as in Node.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from rudderstack.analytics import Client

NAMES = {"userId": "user_id", "groupId": "group_id", "messageId": "message_id"}


def revived(data: dict[str, Any]) -> Any:
    return datetime.fromisoformat(data["moment"]) if "moment" in data else data


def tell(error: Exception, _: Any) -> None:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")


client = Client("write-key", host=sys.argv[1], on_error=tell)
for method, given in json.load(sys.stdin, object_hook=revived):
    named = {NAMES.get(name, name): value for name, value in given.items()}
    if method == "identify" and "traits" not in named:
        # It writes the traits into the context itself, over those that stand there.
        named["traits"] = named.pop("context")["traits"]
    getattr(client, method)(**named)
client.shutdown()
