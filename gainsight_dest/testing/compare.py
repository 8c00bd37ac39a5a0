"""What a test expects of an event, compared with what the mapping makes of it. Pure functions of values.

An expectation is an object with some of the keys `body`, `headers`, `request`, `link`, `error`, `refusal`, `explain`.
Secrets are `***` in every result, and `***` in an expectation is any secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gainsight_dest.descriptors import FindCompany, preview
from gainsight_dest.explaining.trace import Trace
from gainsight_dest.secret import hidden
from gainsight_dest.testing.difference import ABSENT, Difference, compared

Expectation = Mapping[str, Any]


def outcome(explanation: Trace) -> dict[str, Any]:
    """What the mapping makes of the event, by the keys of an expectation: `error`, or a request's; and `explain`.

    The `body` of a group is the company, `link` the person that is linked to it; `request` are the steps of `preview`;
    `refusal` is why the tenant refuses the event, if it does. Secrets are masked.
    """
    given = explanation.as_dict()
    if explanation.request is None:
        return {"error": given["error"], "explain": given["rows"]}
    request = explanation.request
    steps = [{"step": label, **step.as_dict()} for label, step in preview(request)]
    made = {"body": request.body, "headers": request.headers, "request": steps, "explain": given["rows"]}
    if isinstance(request, FindCompany):
        made |= {"body": request.company, "link": steps[-1]["body"]}
    if explanation.refusal is not None:
        made |= {"refusal": explanation.refusal}
    return {key: hidden(value, request.config.hide) for key, value in made.items()}


def differences(expected: Expectation, came: Expectation, *, subset: bool = False) -> tuple[Difference, ...]:
    """Where the outcome is not what is expected, in the expectation's order: none if it is the same JSON.

    Of a request, an error and a row of `explain` only the keys that are given are compared; with `subset`, of a body
    and headers, too, and only the rows of `explain` that are given. Of a refusal a part will do; one that nothing is
    expected of is a difference by itself.
    """
    return tuple(_differences(expected, came, subset=subset))


def _differences(expected: Expectation, came: Expectation, *, subset: bool) -> Iterator[Difference]:
    for key, wanted in expected.items():
        got = came.get(key, ABSENT)
        if key == "error" and got is not ABSENT:
            yield from _error(wanted, got)
        elif key == "refusal" and got is not ABSENT:
            yield from () if wanted in got else (Difference((key,), wanted, got),)
        elif key == "explain" and got is not ABSENT:
            rows = [_row_like(row, got) for row in wanted] if subset else got
            yield from compared((key,), wanted, _asked_for(wanted, rows))
        elif key == "request" and got is not ABSENT:
            steps = got[0] if isinstance(wanted, Mapping) else got
            yield from compared((key,), wanted, _asked_for(wanted, steps), subset=subset)
        else:
            yield from compared((key,), wanted, got, subset=subset)
    if "refusal" in came and "refusal" not in expected:
        yield Difference(("refusal",), ABSENT, came["refusal"])


def _asked_for(wanted: Any, got: Any) -> Any:
    """What came, of an object, or of each in a list, only the keys that are wanted."""
    if isinstance(wanted, list):
        return [*map(_asked_for, wanted, got), *got[len(wanted) :]]
    return got if got is ABSENT else {key: got[key] for key in wanted if key in got}


def _error(wanted: Any, got: Mapping[str, str]) -> Iterator[Difference]:
    for key, value in _error_keys(wanted).items():
        if value != got[key] if key == "kind" else value not in got[key]:
            yield Difference(("error", key), value, got[key])


def _error_keys(wanted: Any) -> Mapping[str, str]:
    return {"message": wanted} if isinstance(wanted, str) else wanted


def _row_like(row: Mapping[str, Any], rows: list[Any]) -> Any:
    """The row that is meant: of the same source, best with all that is given; ABSENT if there is none."""
    like = [each for each in rows if row.get("source", each["source"]) == each["source"]]
    best = [each for each in like if not any(compared((), row, _asked_for(row, each)))]
    return next(iter(best or like), ABSENT)


# --- what a test should expect ----------------------------------------------------------------------------------------

_EITHER = ("sent", "reason")
_EXPLAINED = ("source", "field", *_EITHER)


def renewed(expected: Expectation | None, came: Expectation, *, subset: bool = False) -> dict[str, Any]:
    """What holds of the outcome, in the form of what is expected: the same keys, wherever there is something for them.

    None: the error; else body and link. Where a request is expected and an error came, or the other way round, it is
    what None gives, and the `explain` that is asked for. A refusal is always told.
    """
    wanted = dict(expected or {})
    asked = wanted.keys() - {"explain"}
    if not wanted or (asked and not asked & came.keys()):
        wanted = {key: None for key in ("error", "body", "link") if key in came} | {
            key: value for key, value in wanted.items() if key == "explain"
        }
    wanted |= {} if "refusal" in wanted or "refusal" not in came else {"refusal": None}
    return {key: _renewed(key, value, came, subset) for key, value in wanted.items() if key in came}


def _renewed(key: str, wanted: Any, came: Expectation, subset: bool) -> Any:  # noqa: FBT001 - passed on
    got = came[key]
    if wanted is None:
        return got
    if not any(_differences({key: wanted}, came, subset=subset)):
        return wanted
    if key == "error":
        return got["message"] if isinstance(wanted, str) else {each: got[each] for each in wanted}
    if key == "request":
        return (
            _picked(wanted, got[0]) if isinstance(wanted, Mapping) else [_picked(_union(wanted), each) for each in got]
        )
    if key == "explain":
        like = [_row_like(row, got) for row in wanted] if subset else got
        keys = _union(wanted) or dict.fromkeys(_EXPLAINED)
        keys |= dict.fromkeys(_EITHER if keys.keys() & {*_EITHER} else ())
        return [_picked(keys, row) for row in like if row is not ABSENT]
    return _restricted(wanted, got) if subset else got


def _union(rows: list[Any]) -> dict[str, Any]:
    return {key: None for row in rows for key in row}


def _picked(keys: Mapping[str, Any], got: Mapping[str, Any]) -> dict[str, Any]:
    return {key: got[key] for key in keys or got if key in got}


def _restricted(wanted: Any, got: Any) -> Any:
    """What came, of objects only what is wanted of them."""
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        return {key: _restricted(value, got[key]) for key, value in wanted.items() if key in got}
    return got
