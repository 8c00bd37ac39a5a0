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
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from gainsight_dest.descriptors import Request
from gainsight_dest.gainsight import Response
from gainsight_dest.rudderstack import Send, processor, proxy, router
from gainsight_dest.rudderstack.faults import DESTINATION
from gainsight_dest.rudderstack.proxy import FEATURE as PROXY
from gainsight_dest.rudderstack.proxy import VERSIONS, http_status
from gainsight_dest.secret import Secret, hide
from gainsight_dest.values import kind, quoted

#: The features of a case by the names that it may give them.
FEATURES: Mapping[str, str] = {"processor": "processor", "router": "router", PROXY: PROXY, "proxy": PROXY}

#: The files beside a case that hold the calls of all cases there and below.
NETWORK_FILES = ("network.json", "networkCallsData.json")
_CALLS = "networkCallsData"

#: The headers and settings, in lower case, whose values are never shown.
SECRET_NAMES = frozenset({"accesskey", "sharedsecret"})

_LONGEST = 400
_MISSING = "is missing: add it"


class Absent(Enum):
    """What stands in a difference where there is no value, which is not the same as null."""

    ABSENT = "nothing"

    def __repr__(self) -> str:
        return self.value


ABSENT = Absent.ABSENT


@attrs.frozen(repr=False)
class Difference:
    """One place where our answer is not what the case expects, such as `output[0].batchedRequest.headers.Accesskey`.

    `expected` and `actual` are ABSENT where there is no value. Secrets are masked in both.
    """

    path: str
    expected: Any
    actual: Any

    def __str__(self) -> str:
        return f"{self.path}: expected {_short(self.expected)}, got {_short(self.actual)}"

    def __repr__(self) -> str:
        return f"<Difference {self}>"


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
        return self.data is None or not any(_compared("", self.data, request.body))


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
        found: list[_Found] = [(_CALLS, "", f"an answer to {call}", ABSENT) for call in replay.unanswered]
        statuses = [200]
        if self.feature == PROXY:
            statuses = [actual["output"]["status"], http_status(self.version, actual)]
        if self.status not in {None, *statuses} and "status" not in ignored:
            found.append(("status", "", self.status, statuses[0]))
        found += _compared("", _read_of(self.expected, texts=texts), _read_of(actual, texts=texts), ignored)
        secrets = {*_secrets(self.input), *_secrets(self.expected)}
        return tuple(
            Difference(
                path.removeprefix(".") or "the body", _masked(expected, name, secrets), _masked(got, name, secrets)
            )
            for path, name, expected, got in found
        )

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
    given = _calls(list(network), _Place("the argument network"))
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
        for call in self.network:
            if call.answers(request):
                return call.response
        told = request.config.hide(f"{request.method} {request.url}")
        if any(call.is_for(request) for call in self.network):
            told += " (what is there for this URL has another method, data or headers)"
        self.unanswered.append(told)
        raise UnansweredError(told)


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

_Found = tuple[str, str, Any, Any]

#: Keys of an answer that rudder-server shows to people, and does nothing else with.
_TEXTS = frozenset({"error", "message", "destinationResponse"})
#: The keys of `statTags` that tell what becomes of a job.
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


def _compared(
    path: str, expected: Any, actual: Any, ignored: frozenset[str] = frozenset(), name: str = ""
) -> Iterator[_Found]:
    """The places that differ, each with its last key and both values."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in {**expected, **actual}:
            if key not in ignored:
                pair = expected.get(key, ABSENT), actual.get(key, ABSENT)
                yield from _compared(path + _step(key), *(_parsed(*pair) if key == "error" else pair), ignored, key)
    elif isinstance(expected, list) and isinstance(actual, list):
        for index, pair in enumerate(zip_longest(expected, actual, fillvalue=ABSENT)):
            yield from _compared(f"{path}[{index}]", *pair, ignored, name)
    elif isinstance(expected, bool) is not isinstance(actual, bool) or expected != actual:
        yield path, name, expected, actual


def _parsed(expected: Any, actual: Any) -> tuple[Any, Any]:
    """Both texts as the JSON that they hold; as they are, if one of them holds none."""
    if isinstance(expected, str) and isinstance(actual, str):
        try:
            return json.loads(expected), json.loads(actual)
        except (ValueError, RecursionError):
            pass
    return expected, actual


def _step(key: str) -> str:
    return f".{key}" if re.fullmatch(r"[\w$-]+", key) else f"[{quoted(key)}]"


def _secrets(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _secrets(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, name)
    elif isinstance(value, str) and name.lower() in SECRET_NAMES:
        yield value


def _masked(value: Any, name: str, secrets: Iterable[str]) -> Any:
    """The value as it may be shown."""
    if name.lower() in SECRET_NAMES and value is not None and value is not ABSENT:
        return Secret(value if isinstance(value, str) else json.dumps(value))
    if isinstance(value, dict):
        return {key: _masked(item, key, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, name, secrets) for item in value]
    return hide(value, *secrets) if isinstance(value, str) else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


# --- reading ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class _Place:
    """Where in a file something stands, for errors."""

    file: str
    path: str = ""

    def at(self, step: str | int) -> _Place:
        path = f"{self.path}[{step}]" if isinstance(step, int) else f"{self.path}.{step}".removeprefix(".")
        return _Place(self.file, path)

    def error(self, problem: str) -> ValueError:
        return ValueError(": ".join(filter(None, (self.file, f"{self.path} {problem}".strip()))))


def _read(file: Path) -> Any:
    place = _Place(str(file))
    try:
        return json.loads(file.read_text("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        problem = "is not UTF-8: save it as such"
    except RecursionError:
        problem = "is nested too deep: write it flatter"
    except ValueError as error:
        problem = f"is no JSON ({error}): mend the file"
    raise place.error(problem)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name}, which is no number there")


def _object(value: Any, place: _Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise place.error(_MISSING if value is None else f"must be an object, got {kind(value)}")
    return value


def _list(value: Any, place: _Place) -> list[Any]:
    if not isinstance(value, list):
        raise place.error(f"must be a list, got {kind(value)}")
    return value


def _text(value: Any, place: _Place) -> str:
    if not isinstance(value, str):
        raise place.error(_MISSING if value is None else f"must be a string, got {kind(value)}")
    return value


def _status(value: Any, place: _Place) -> int:
    if type(value) is not int or not 100 <= value <= 599:
        raise place.error(_MISSING if value is None else "must be an HTTP status, such as 200")
    return value


def _cases(file: Path, name: str, network: tuple[NetworkCall, ...]) -> tuple[ComponentTest, ...]:
    data, place = _read(file), _Place(str(file))
    if isinstance(data, dict):
        key = next((key for key in ("cases", "data") if isinstance(data.get(key), list)), None)
        if key is None:
            return (_case(data, place, f"{name}-0", network),)
        data, place = data[key], place.at(key)
    cases = enumerate(_list(data, place))
    return tuple(_case(each, place.at(index), f"{name}-{index}", network) for index, each in cases)


def _case(data: Any, place: _Place, name: str, network: tuple[NetworkCall, ...]) -> ComponentTest:
    case = _object(data, place)
    for key, known in (("name", DESTINATION), ("module", "destination")):
        if _text(case.get(key, known), place.at(key)).lower() != known:
            raise place.at(key).error(f"must be {quoted(known)}: leave out cases of anything else")
    feature = _one_of(FEATURES, case.get("feature"), place.at("feature"))
    version = _one_of(VERSIONS, case.get("version", "v0"), place.at("version"))
    response = _inner(case, place, "output", "response")
    status = response.get("status")
    description = " ".join(str(case.get("description") or case.get("id") or feature).split())
    return ComponentTest(
        id=f"{name} {description}",
        feature=FEATURES[feature],
        version=version,
        input=_body(_inner(case, place, "input", "request"), place.at("input").at("request")),
        expected=_body(response, place.at("output").at("response")),
        status=status if status is None else _status(status, place.at("output").at("response").at("status")),
        network=(*_calls(case.get(_CALLS) or [], place.at(_CALLS)), *network),
    )


def _one_of(known: Iterable[str], value: Any, place: _Place) -> str:
    text = _text(value, place)
    if text not in known:
        raise place.error(f"must be one of {', '.join(known)}, got {quoted(text)}")
    return text


def _inner(case: dict[str, Any], place: _Place, *steps: str) -> dict[str, Any]:
    for step in steps:
        place = place.at(step)
        case = _object(case.get(step), place)
    return case


def _body(holder: dict[str, Any], place: _Place) -> Any:
    if "body" not in holder:
        raise place.at("body").error(_MISSING)
    return holder["body"]


# --- calls ------------------------------------------------------------------------------------------------------------


def _calls_beside(folder: Path) -> tuple[NetworkCall, ...]:
    calls: tuple[NetworkCall, ...] = ()
    for file in (folder / name for name in NETWORK_FILES):
        if file.is_file():
            data, place = _read(file), _Place(str(file))
            if isinstance(data, dict):
                data, place = data.get(_CALLS), place.at(_CALLS)
            calls += _calls(data, place)
    return calls


def _calls(data: Any, place: _Place) -> tuple[NetworkCall, ...]:
    return tuple(_call(each, place.at(index)) for index, each in enumerate(_list(data, place)))


def _call(data: Any, place: _Place) -> NetworkCall:
    entry = _object(data, place)
    asked, asked_at = _object(entry.get("httpReq"), place.at("httpReq")), place.at("httpReq")
    answer, answer_at = _object(entry.get("httpRes"), place.at("httpRes")), place.at("httpRes")
    if "status" not in answer and isinstance(answer.get("response"), dict):
        answer, answer_at = answer["response"], answer_at.at("response")
    url, query = _url(asked.get("url"), asked_at.at("url"))
    method = asked.get("method")
    body = answer.get("data", "")
    return NetworkCall(
        url=url,
        query=query,
        method=method if method is None else _text(method, asked_at.at("method")).upper(),
        headers=_texts(asked.get("headers"), asked_at.at("headers"), str.lower),
        data=_json(asked.get("data")),
        response=Response(
            _status(answer.get("status"), answer_at.at("status")),
            (body if isinstance(body, str) else json.dumps(body)).encode("utf-8", "replace"),
            _texts(answer.get("headers"), answer_at.at("headers"), str),
        ),
    )


def _url(value: Any, place: _Place) -> tuple[str, tuple[tuple[str, str], ...]]:
    text = _text(value, place)
    try:
        return _address(text)
    except ValueError:
        raise place.error("must be a URL, such as https://acme.gainsightcloud.com/v1.0/api/people") from None


def _texts(value: Any, place: _Place, name: Callable[[str], str]) -> dict[str, str]:
    """The values of an object as text, by what `name` makes of their keys."""
    given = {} if value is None else _object(value, place)
    return {name(key): each if isinstance(each, str) else json.dumps(each) for key, each in given.items()}


def _json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass
    return value
