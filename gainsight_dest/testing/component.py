"""RudderStack's component tests as JSON: what a case expects, and how our answer differs from it.

```python
@pytest.mark.parametrize("case", load_component_tests("gainsight/"), ids=lambda case: case.id)
def test_component(case):
    assert case.differences() == ()
```

Only files are read. The calls that a case makes are answered from its own list, so nothing is sent.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from gainsight_dest.descriptors import Request
from gainsight_dest.gainsight import Response
from gainsight_dest.rudderstack import Send, processor, proxy, router
from gainsight_dest.rudderstack.delivery import FEATURE as PROXY
from gainsight_dest.rudderstack.delivery import VERSIONS, http_status
from gainsight_dest.rudderstack.statuses import DESTINATION
from gainsight_dest.secret import MASK, hidden, hide
from gainsight_dest.testing.difference import ABSENT, SECRET_NAMES, Difference, compared
from gainsight_dest.values import kind, quoted

#: The features of a case by the names that it may give them.
FEATURES: Mapping[str, str] = {"processor": "processor", "router": "router", PROXY: PROXY, "proxy": PROXY}

#: The files beside a case that hold the calls of all cases there and below.
NETWORK_FILES = ("network.json", "networkCallsData.json")
_CALLS = "networkCallsData"

_MISSING = "is missing: add it"


class UnansweredError(LookupError):
    """A call of the case is in none of its `networkCallsData`."""


@attrs.frozen
class NetworkCall:
    """A call that a case expects, and its answer. What is None, or an empty query, is not compared.

    RudderStack's own harness compares the `params` of an entry for GET alone, by which Gainsight is never called.
    """

    url: str
    response: Response
    method: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    data: Any = attrs.field(default=None, repr=False)

    def is_for(self, request: Request) -> bool:
        """Whether it is the request's URL, and its query, in whatever order, if it has one."""
        url, query = _address(request.url)
        return self.url == url and self.query in {(), query}

    def answers(self, request: Request) -> bool:
        """Whether it is the answer to the request."""
        if not self.is_for(request) or self.method not in {None, request.method}:
            return False
        sent = {name.lower(): value for name, value in request.headers.items()}
        if any(sent.get(name) != value for name, value in (self.headers or {}).items()):
            return False
        return self.data is None or not any(compared((), self.data, request.body))


@attrs.frozen
class ComponentTest:
    """A case: what rudder-server sends, the calls that are made meanwhile, and what should come back.

    `status` is that of the HTTP answer; None: it is not compared.
    """

    id: str
    feature: str
    version: str
    input: Any = attrs.field(repr=False)
    expected: Any = attrs.field(repr=False)
    status: int | None
    network: tuple[NetworkCall, ...] = attrs.field(repr=False)

    def run(self) -> Any:
        """The body that we answer with. A call that nothing answers counts as one that Gainsight has not answered."""
        return self._run(_Replay(self.network))

    def differences(self, ignore: Iterable[str] = (), *, texts: bool = False) -> tuple[Difference, ...]:
        """Where rudder-server would read something else than what is expected, in the order of the body.

        Compared are statuses, metadata, destinations, the whole of the requests, and of `statTags` the errorCategory
        and errorType. `texts` True: the rest, too, such as the texts of errors, which are ours.
        `ignore` names keys to leave out wherever they stand, such as `statTags`.
        Calls that nothing answers come first, then the HTTP status: of a delivery, the case may give its own instead.
        """
        ignored = frozenset([ignore] if isinstance(ignore, str) else ignore)
        replay = _Replay(self.network)
        actual = self._run(replay)
        found = [Difference((_CALLS,), f"an answer to {call}", ABSENT) for call in replay.unanswered]
        statuses = [200]
        if self.feature == PROXY:
            statuses = [actual["output"]["status"], http_status(self.version, actual)]
        if self.status not in {None, *statuses} and "status" not in ignored:
            found.append(Difference(("status",), self.status, statuses[0]))
        pair = (_read_of(each, texts=texts) for each in (self.expected, actual))
        found += compared((), *pair, ignored=ignored, nested=("error",))
        return tuple(_masked(each, {*_secrets(self.input), *_secrets(self.expected)}) for each in found)

    def _run(self, send: Send) -> Any:
        body = copy.deepcopy(self.input)
        if self.feature == PROXY:
            return proxy(self.version, body, send)
        # Each item alone: RudderStack makes the calls of each, where ours would share some that no entry answers.
        if self.feature == "processor":
            return [answer for one in _alone(body) for answer in processor(one, send)]
        return {"output": [answer for one in _alone(body) for answer in router(one, send, batch=False)["output"]]}


def load_component_tests(
    path: str | os.PathLike[str], network: Iterable[Mapping[str, Any]] = ()
) -> tuple[ComponentTest, ...]:
    """The cases of a file, or of all *.json files in a folder and those below, sorted by their paths.

    A file holds a list of cases, one case, or an object with the list as `cases` or `data`. `network`: entries like
    those of `networkCallsData`. A call is answered by the first entry that fits: of the case's own, then of these, then
    of those in a file `network.json` or `networkCallsData.json` beside the case, then in the folders above it.
    Raises ValueError, naming the file, the place, and what to do; OSError for a file that cannot be read.
    """
    root = Path(path)
    given = _calls(_Node("the argument network", list(network)))
    top, files = root.parent, [root]
    if root.is_dir():
        top, files = root, sorted(file for file in root.rglob("*.json") if file.name not in NETWORK_FILES)
    shared: dict[Path, tuple[NetworkCall, ...]] = {}
    cases: list[ComponentTest] = []
    for file in files:
        within = file.relative_to(top)
        calls = given
        for folder in file.parents[: len(within.parts)]:
            if folder not in shared:
                shared[folder] = _calls_beside(folder)
            calls += shared[folder]
        cases += _cases(file, within.with_suffix("").as_posix(), calls)
    if not cases:
        raise ValueError(f"{root}: holds no cases: give a file of component tests, or a folder of such *.json files")
    return tuple(cases)


# --- running ----------------------------------------------------------------------------------------------------------


@attrs.define
class _Replay:
    """A send that answers from the entries, and keeps what none of them answers."""

    network: Sequence[NetworkCall]
    unanswered: list[str] = attrs.field(factory=list)

    def __call__(self, request: Request) -> Response:
        for each in self.network:
            if each.answers(request):
                return each.response
        call = request.config.hide(f"{request.method} {request.url}")
        if any(each.is_for(request) for each in self.network):
            call += " (what is there for this URL has another method, data or headers)"
        self.unanswered.append(call)
        raise UnansweredError(call)


def _alone(body: Any) -> Iterable[Any]:
    """Bodies of one item each; the body itself where it holds no list of items."""
    if isinstance(body, list) and body:
        return [[item] for item in body]
    if isinstance(body, dict) and isinstance(body.get("input"), list) and body["input"]:
        return [{**body, "input": [item]} for item in body["input"]]
    return [body]


def _address(url: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}", tuple(sorted(query))


# --- comparing --------------------------------------------------------------------------------------------------------

#: Keys of an answer that rudder-server shows to people, and does nothing else with.
_TEXTS = frozenset({"error", "message", "destinationResponse"})
#: The keys of `statTags` by which rudder-server decides what to do with a job.
_TAGS = frozenset({"errorCategory", "errorType"})
#: Where an answer holds others.
_NESTED = ("output", "response")


def _read_of(answer: Any, *, texts: bool) -> Any:
    """The answer without what rudder-server only shows, unless `texts`, and without metadata that says nothing.

    Nothing is left out within a request's body, nor within metadata or a destination, whatever its name.
    """
    if isinstance(answer, list):
        return [_read_of(each, texts=texts) for each in answer]
    if not isinstance(answer, dict):
        return answer
    read = {key: value for key, value in answer.items() if texts or key not in _TEXTS}
    tags = read.get("statTags")
    if isinstance(tags, dict) and not texts:
        read["statTags"] = {key: value for key, value in tags.items() if key in _TAGS}
    if _says_nothing(read.get("metadata")):
        read.pop("metadata", None)
    for key in _NESTED:
        if key in read:
            read[key] = _read_of(read[key], texts=texts)
    return read


def _says_nothing(metadata: Any) -> bool:
    """Whether it stands for items that were sent without metadata: JavaScript writes a list of none as [null]."""
    return metadata is None or (isinstance(metadata, list) and all(each is None for each in metadata))


def _masked(difference: Difference, secrets: Iterable[str]) -> Difference:
    """The difference as it may be shown."""
    name = next((step for step in reversed(difference.steps) if isinstance(step, str)), "")
    is_secret = name.lower() in SECRET_NAMES

    def masked(value: Any) -> Any:
        if is_secret and value is not None and value is not ABSENT:
            return MASK
        return hidden(value, lambda text: hide(text, *secrets), SECRET_NAMES)

    return Difference(difference.steps, masked(difference.expected), masked(difference.actual))


def _secrets(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _secrets(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, name)
    elif isinstance(value, str) and name.lower() in SECRET_NAMES:
        yield value


# --- reading ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class _Node:
    """A JSON value of a file, and where it stands there, for errors."""

    file: str
    value: Any
    path: str = ""

    def __getitem__(self, step: str | int) -> _Node:
        """What is there; None under a key that is missing."""
        if isinstance(step, int):
            return _Node(self.file, self.value[step], f"{self.path}[{step}]")
        return _Node(self.file, self.value.get(step), f"{self.path}.{step}".removeprefix("."))

    def error(self, problem: str) -> ValueError:
        return ValueError(": ".join(filter(None, (self.file, f"{self.path} {problem}".strip()))))

    def must_be(self, what: str, *, is_right: bool) -> None:
        if not is_right:
            raise self.error(_MISSING if self.value is None else f"must be {what}")

    def object(self) -> _Node:
        self.must_be(f"an object, got {kind(self.value)}", is_right=isinstance(self.value, dict))
        return self

    def items(self) -> list[_Node]:
        if not isinstance(self.value, list):
            raise self.error(f"must be a list, got {kind(self.value)}")
        return [self[index] for index in range(len(self.value))]

    def text(self) -> str:
        self.must_be(f"a string, got {kind(self.value)}", is_right=isinstance(self.value, str))
        text: str = self.value
        return text

    def status(self) -> int:
        is_right = type(self.value) is int and 100 <= self.value <= 599
        self.must_be("an HTTP status, such as 200", is_right=is_right)
        status: int = self.value
        return status

    def one_of(self, known: Iterable[str]) -> str:
        text = self.text()
        self.must_be(f"one of {', '.join(known)}, got {quoted(text)}", is_right=text in known)
        return text

    def body(self) -> Any:
        if "body" not in self.value:
            raise self["body"].error(_MISSING)
        return self.value["body"]

    def texts(self, name: Callable[[str], str]) -> dict[str, str]:
        """The values of an object as text, by what `name` makes of their keys."""
        given = {} if self.value is None else self.object().value
        return {name(key): each if isinstance(each, str) else json.dumps(each) for key, each in given.items()}


def _read(file: Path) -> _Node:
    try:
        return _Node(str(file), json.loads(file.read_text("utf-8-sig"), parse_constant=_no_constant))
    except UnicodeDecodeError:
        problem = "is not UTF-8: save it as such"
    except RecursionError:
        problem = "is nested too deep: write it flatter"
    except ValueError as error:
        problem = f"is not JSON ({error}): fix the file"
    raise _Node(str(file), None).error(problem)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name}, which is not a number there")


def _cases(file: Path, name: str, network: tuple[NetworkCall, ...]) -> tuple[ComponentTest, ...]:
    node = _read(file)
    if isinstance(node.value, dict):
        key = next((key for key in ("cases", "data") if isinstance(node.value.get(key), list)), None)
        if key is None:
            return (_case(node, f"{name}-0", network),)
        node = node[key]
    return tuple(_case(each, f"{name}-{index}", network) for index, each in enumerate(node.items()))


def _case(case: _Node, name: str, network: tuple[NetworkCall, ...]) -> ComponentTest:
    given = case.object().value
    for key, known in (("name", DESTINATION), ("module", "destination")):
        if key in given and case[key].text().lower() != known:
            raise case[key].error(f"must be {quoted(known)}: leave out cases of anything else")
    feature = case["feature"].one_of(FEATURES)
    version = case["version"].one_of(VERSIONS) if "version" in given else "v0"
    response = case["output"].object()["response"].object()
    request = case["input"].object()["request"].object()
    status, calls = response["status"], case[_CALLS]
    description = " ".join(str(given.get("description") or given.get("id") or feature).split())
    return ComponentTest(
        id=f"{name} {description}",
        feature=FEATURES[feature],
        version=version,
        input=request.body(),
        expected=response.body(),
        status=None if status.value is None else status.status(),
        network=(*(_calls(calls) if calls.value else ()), *network),
    )


# --- calls ------------------------------------------------------------------------------------------------------------


def _calls_beside(folder: Path) -> tuple[NetworkCall, ...]:
    nodes = (_read(folder / name) for name in NETWORK_FILES if (folder / name).is_file())
    return tuple(call for node in nodes for call in _calls(node[_CALLS] if isinstance(node.value, dict) else node))


def _calls(node: _Node) -> tuple[NetworkCall, ...]:
    return tuple(map(_call, node.items()))


def _call(entry: _Node) -> NetworkCall:
    asked, answer = entry.object()["httpReq"].object(), entry["httpRes"].object()
    if "status" not in answer.value and isinstance(answer.value.get("response"), dict):
        answer = answer["response"]
    url, query = _url(asked["url"])
    method, body = asked["method"], answer.value.get("data", "")
    return NetworkCall(
        url=url,
        query=query,
        method=None if method.value is None else method.text().upper(),
        headers=asked["headers"].texts(str.lower),
        data=_json(asked.value.get("data")),
        response=Response(
            answer["status"].status(),
            (body if isinstance(body, str) else json.dumps(body)).encode("utf-8", "replace"),
            answer["headers"].texts(str),
        ),
    )


def _url(node: _Node) -> tuple[str, tuple[tuple[str, str], ...]]:
    text = node.text()
    try:
        return _address(text)
    except ValueError:
        raise node.error("must be a URL, such as https://acme.gainsightcloud.com/v1.0/api/people") from None


def _json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass
    return value
