"""What docs/how-to/deliver-asynchronously.md says of an end beside its examples."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tests.pages import Page
from tests.some import identify


def around(page: Page) -> Iterator[None]:
    yield
    assert [person["Email"] for person in page.sandbox.people] == ["ada@example.com"]
    assert page.sandbox.counts["create company"] == 1, "the second way has found it"
    asyncio.run(page.deliver(identify(f"{number}@example.com") for number in range(20)))
    assert len(page.sandbox.people) == 21
