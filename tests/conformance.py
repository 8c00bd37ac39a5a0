"""The conformance vectors, and how what a request does is compared with what one of them expects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gainsight_dest import Request, Response
from tests.table import each_row

VECTORS: list[dict[str, Any]] = [
    json.loads(line)
    for file in sorted((Path(__file__).parent / "vectors").glob("*.jsonl"))
    for line in file.read_text("utf8").splitlines()
]
REQUESTS = [vector for vector in VECTORS if "error" not in vector["expect"]]
every_vector = each_row(VECTORS, lambda vector: vector["id"])
every_request = each_row(REQUESTS, lambda vector: vector["id"])
GSID = "1P02GSID"


def answer(data: Any) -> Response:
    return Response(200, json.dumps({"result": True, "data": data}).encode())


def saved() -> Response:
    return answer({"count": 1, "errors": None, "records": [{"Gsid": GSID}]})


def plain(request: Request | None) -> Any:
    """The request as JSON would carry it, so that 1 differs from true."""
    return None if request is None else json.loads(json.dumps(request.as_dict(), allow_nan=False))


def exact(value: Any) -> str:
    """Text that tells 1 from true but not 1.0 from 1, nor one order of keys from another."""
    return json.dumps(value, sort_keys=True).replace(".0,", ",").replace(".0}", "}").replace(".0]", "]")


def walk(request: Request) -> dict[str, Any]:
    """What a vector expects of the request: itself, or every step that a group may take."""
    if request.calls == 1:
        assert request.next(answer({})) is None
        return {"request": plain(request)}
    create, update = request.next(answer({"records": []})), request.next(answer({"records": [{"Name": "x"}]}))
    assert create is not None
    assert update is not None
    links = create.next(saved()), update.next(saved())
    assert links[0] is not None
    assert links[0] == links[1]
    assert links[0].next(answer({})) is None
    return {"find": plain(request), "create": plain(create), "update": plain(update), "link": plain(links[0])}
