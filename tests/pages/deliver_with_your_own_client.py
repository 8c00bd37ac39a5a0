"""A Gainsight without a network for docs/how-to/deliver-with-your-own-client.md, and what it was sent."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import requests

from tests.pages import Page


class Gainsight:
    """Finds no company, and creates 1P02."""

    def __init__(self) -> None:
        self.calls: list[tuple[requests.PreparedRequest, dict[str, Any]]] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        self.calls.append((request, options))
        records = [] if "query" in str(request.url) else [{"Gsid": "1P02"}]
        answer = requests.Response()
        answer.status_code = 200
        answer.raw = io.BytesIO(json.dumps({"result": True, "data": {"records": records}}).encode())
        answer.request, answer.url = request, str(request.url)
        return answer


def around(page: Page) -> Iterator[None]:
    gainsight = Gainsight()
    page.monkeypatch.setattr("requests.adapters.HTTPAdapter.send", gainsight.send)
    yield
    sent = [request for request, _ in gainsight.calls]
    assert [f"{request.method} {str(request.url).split('.invalid')[1]}" for request in sent] == [
        "POST /v1/data/objects/query/Company",
        "POST /v1/data/objects/Company",
        "PUT /v1.0/api/people",
    ]
    all_headers: list[Any] = [request.headers for request in sent]
    bodies = [json.loads(request.body or b"null") for request in sent]
    assert bodies[0]["where"]["conditions"][0]["value"] == ["日本商事"]
    assert bodies[-1] == {"Email": "ada@example.com", "companies": [{"Company_ID": "1P02"}]}
    assert all(headers["Accesskey"] == b"my-access-key" for headers in all_headers)
    assert all(options["timeout"] == (5, 30) for _, options in gainsight.calls)
