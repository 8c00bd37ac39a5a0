"""What rudder-server sends, what it can read of the answer, and what Gainsight says: for the tests beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from gainsight_dest import Request, Response
from gainsight_dest.rudderstack import Send
from tests.some import SETTINGS

Data = dict[str, Any]
Answers = Callable[[Request], Response]


def destination(config: Any = None, name: str = "d-1", **more: Any) -> Data:
    return {"id": name, "Config": SETTINGS if config is None else config, **more}


def item(message: Any, job: int = 1, to: Any = None) -> Data:
    metadata = {"jobId": job, "destinationId": "d-1", "workspaceId": "w-1"}
    return {"message": message, "metadata": metadata, "destination": destination() if to is None else to}


def items(*messages: Any, to: Any = None) -> list[Data]:
    return [item(message, job, to) for job, message in enumerate(messages, 1)]


def body(*messages: Any, to: Any = None) -> Data:
    return {"input": items(*messages, to=to), "destType": "gainsight"}


def told(data: Any, *, result: Any = True, status: int = 200, **more: Any) -> Response:
    return Response(status, json.dumps({"result": result, "data": data, **more}).encode())


NOTHING = told({"records": []})


def companies(request: Request) -> Response:
    """A tenant without companies that takes all: Gsids by the names asked for."""
    if request.action == "find company":
        return NOTHING
    return saved(request)


def saved(request: Request) -> Response:
    return told({"records": [{"Gsid": f"G-{each['Name']}", "Name": each["Name"]} for each in request.body["records"]]})


def known_companies(request: Request) -> Response:
    """The same, where every company is there already."""
    if request.action == "find company":
        conditions = request.body["where"]["conditions"]
        return told({"records": [{"Name": name} for each in conditions for name in each["value"]]})
    return saved(request)


def never(request: Request) -> Response:
    raise AssertionError(f"nothing was to be sent, but {request.action} was")


class Recorded:
    """A send that keeps what it was given."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.sent: list[Data] = []
        self.actions: list[str] = []

    def __call__(self, request: Request) -> Response:
        self.sent.append(json.loads(json.dumps(request.as_dict())))
        self.actions.append(request.action)
        return self.send(request)


def call(wire: Mapping[str, Any]) -> Data:
    """The call that rudder-server makes of a request."""
    query = f"?{urlencode(wire['params'])}" if wire["params"] else ""
    called = {"url": wire["endpoint"] + query, "body": wire["body"]["JSON"], "headers": wire["headers"]}
    return {"method": wire["method"], **json.loads(json.dumps(called))}


# --- what rudder-server can read --------------------------------------------------------------------------------------


def _exactly(data: Any, required: Iterable[str], optional: Iterable[str] = ()) -> None:
    assert type(data) is dict
    assert set(required) <= set(data) <= {*required, *optional}


def _texts(data: Any) -> None:
    assert type(data) is dict
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in data.items())


def check_request(data: Any, *, passed: bool = False) -> None:
    names = {"version", "type", "method", "endpoint", "headers", "params", "body", "files"}
    assert names <= set(data)
    assert passed or set(data) <= {*names, "userId"}
    assert (data["version"], data["type"]) == ("1", "REST")
    assert isinstance(data["method"], str)
    assert data["method"]
    assert isinstance(data["endpoint"], str)
    assert passed or data["endpoint"].startswith("https://")
    _texts(data["headers"])
    _texts(data["params"])
    _exactly(data["body"], ("JSON", "JSON_ARRAY", "XML", "FORM"))
    assert all(type(each) is dict for each in data["body"].values())
    assert sum(map(bool, data["body"].values())) <= 1
    assert type(data["files"]) is dict


def check_tags(tags: Any, feature: str) -> None:
    _texts(tags)
    assert all(tags.values())
    assert tags["feature"] == feature
    assert (tags["destType"], tags["module"], tags["implementation"]) == ("GAINSIGHT", "destination", "native")
    assert tags["errorCategory"] in {"dataValidation", "network", "platform"}
    known = {"errorCategory", "errorType", "destType", "module", "implementation", "feature"}
    _exactly(tags, known - {"errorType"}, {"errorType", "destinationId", "workspaceId"})
    assert ("errorType" in tags) == (tags["errorCategory"] != "platform")


def check_failure(data: Any, feature: str) -> None:
    assert type(data["statusCode"]) is int
    assert 400 <= data["statusCode"] <= 599
    assert isinstance(data["error"], str)
    assert data["error"]
    check_tags(data["statTags"], feature)


def check_filtered(data: Any, *names: str) -> None:
    _exactly(data, ("statusCode", "error", *names))
    assert data["statusCode"] == 298
    assert isinstance(data["error"], str)


def check_processed(data: Any) -> None:
    assert type(data.get("metadata", {})) is dict
    if data["statusCode"] == 298:
        check_filtered(data, *({"metadata"} & set(data)))
        return
    if "output" not in data:
        _exactly(data, ("statusCode", "error", "statTags"), ("metadata",))
        check_failure(data, "processor")
        return
    _exactly(data, ("output", "statusCode"), ("metadata",))
    assert data["statusCode"] == 200
    assert data["output"]["userId"] == ""
    check_request(data["output"])


def check_routed(data: Any) -> None:
    assert type(data["metadata"]) is list
    assert all(type(each) is dict for each in data["metadata"])
    assert type(data["batched"]) is bool
    assert type(data["destination"]) is dict
    assert type(data["statusCode"]) is int
    if data["statusCode"] == 298 and "batchedRequest" not in data:
        check_filtered(data, "metadata", "batched", "destination")
        return
    if "batchedRequest" not in data:
        _exactly(data, ("metadata", "batched", "statusCode", "error", "statTags", "destination"))
        assert data["batched"] is False
        check_failure(data, "router")
        return
    _exactly(data, ("batchedRequest", "metadata", "batched", "statusCode", "destination"))
    assert data["batched"] or len(data["metadata"]) <= 1
    passed = "statusCode" in data["batchedRequest"]
    assert passed or data["statusCode"] == 200
    check_request(data["batchedRequest"], passed=passed)


def check_proxied(data: Any, version: str) -> None:
    _exactly(data, ("output",))
    output = data["output"]
    _exactly(output, ("status", "message", "response" if version == "v1" else "destinationResponse"), ("statTags",))
    assert type(output["status"]) is int
    assert 200 <= output["status"] <= 599
    assert isinstance(output["message"], str)
    if "statTags" in output:
        check_tags(output["statTags"], "dataDelivery")
        assert output["status"] >= 400
    else:
        assert output["status"] <= 299
    if version == "v1":
        for each in output["response"]:
            _exactly(each, ("error", "statusCode", "metadata"))
            assert isinstance(each["error"], str)
            assert each["statusCode"] == output["status"]


def http_scope(path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """An ASGI server's description of a POST."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
