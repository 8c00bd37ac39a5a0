"""Every error of the library, grouped by who is at fault and what the caller should do.

- GainsightDestError
    - ConfigError                 the destination config is at fault: fix it, then run the events again
    - EventError                  the event is at fault: fix it, or set it aside
        - UnsupportedTypeError    a type that this destination does not take: skip it
    - ResponseError               Gainsight's answer is not a success
        - RetryableError          wait a little, then try again
            - ThrottledError      the tenant's calls are used up: wait for `retry_after`, or the next minute
            - UnreachableError    no connection was made, so nothing was sent
        - RejectedError           Gainsight refused this, and would again: set the event aside
            - BlockedError        something before Gainsight refused this, such as a firewall
        - CredentialsError        wrong key or wrong host: stop, nothing else will get through either

Errors compare by value and pickle. Their text holds no secret and no value of an event or a record, but for what tells
which event it is: the name of a track event without a row, a type that is not supported. `--mask` hides these, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

#: An error's text shows no more problems of a config: a broken one may have a hundred thousand.
_PROBLEMS_SHOWN = 50


class GainsightDestError(Exception):
    """The base of every error that this library raises on purpose."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.args == getattr(other, "args", None)

    def __hash__(self) -> int:
        return hash((type(self), str(self)))


class ConfigError(GainsightDestError):
    """A setting is missing or wrong. One error lists all that was found, each with its place.

    `problems` holds `(place, problem)` pairs such as `("personMap[2].from", "must be a string, not a number")`;
    `path` is the first place.
    """

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(*problems)
        self.problems = problems

    @property
    def path(self) -> str:
        """The place of the first problem."""
        return self.problems[0][0]

    def masked(self, hide: Callable[[str], str]) -> ConfigError:
        """The same error with every text passed through `hide`."""
        return ConfigError(*((hide(place), hide(problem)) for place, problem in self.problems))

    def __str__(self) -> str:
        shown = [f"{place}: {problem}" for place, problem in self.problems[:_PROBLEMS_SHOWN]]
        more = len(self.problems) - len(shown)
        return "; ".join([*shown, *([f"and {more:,} more problems"] if more else [])])


class EventError(GainsightDestError):
    """The event cannot become a request. `path` is the place in the event, such as `traits.email`."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def masked(self, hide: Callable[[str], str]) -> EventError:
        """The same error with every text passed through `hide`."""
        return type(self)(hide(self.path), hide(self.problem))

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class UnsupportedTypeError(EventError):
    """The event's type is none of identify, group and track (a page, a screen, an alias, …)."""


@attrs.frozen
class FieldError:
    """What Gainsight said of one field: its name, the error code, and the value refused (kept out of the repr)."""

    field: str | None
    code: str | None
    value: Any = attrs.field(default=None, repr=False)


_FIELDS_SHOWN = 5


class ResponseError(GainsightDestError):
    """An answer of Gainsight that is not a success.

    `action` is what was asked ("find company", "upsert person", …), `status` the HTTP status, `code` Gainsight's error
    code or None, `request_id` what Gainsight's support asks for, `field_errors` what it said of single fields.
    """

    def __init__(
        self,
        action: str,
        problem: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        field_errors: tuple[FieldError, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(action, problem, status, code, request_id, field_errors, retry_after)
        self.action = action
        self.problem = problem
        self.status = status
        self.code = code
        self.request_id = request_id
        self.field_errors = field_errors
        self.retry_after = retry_after

    def __str__(self) -> str:
        details = [f"HTTP {self.status}" if self.status is not None else None, self.code]
        details += [": ".join(filter(None, (error.field, error.code))) for error in self.field_errors[:_FIELDS_SHOWN]]
        details += [f"{more} more fields" if (more := len(self.field_errors) - _FIELDS_SHOWN) > 0 else None]
        details += [f"request id {self.request_id}" if self.request_id else None]
        return f"{self.action}: {self.problem} ({', '.join(filter(None, details))})".removesuffix(" ()")


class RetryableError(ResponseError):
    """A temporary error: the same event may get through later. `retry_after` is in seconds, if the answer named it."""

    @property
    def is_lost(self) -> bool:
        """Whether nothing tells if the request was carried out: there was no answer, or it cannot be read."""
        return self.status is None or self.status < 300


class ThrottledError(RetryableError):
    """The tenant has used up its calls. `retry_after`: seconds to wait; None: until the next minute begins."""

    is_lost = False


class UnreachableError(RetryableError):
    """No connection was made: the request was not sent, so it cannot have been carried out."""

    is_lost = False


class RejectedError(ResponseError):
    """Gainsight understood and refused: the same request would be refused again."""


class BlockedError(RejectedError):
    """A 401 or 403 that is not of Gainsight's making: a firewall or a proxy before it refused this request.

    Where nothing has ever got through, the key or the host may be at fault: a Deliverer finds out.
    """


class CredentialsError(ResponseError):
    """The key or the host is wrong, for this request and for all that follow."""


@contextmanager
def naming_the_extra(package: str) -> Iterator[None]:
    """For the imports of a package of ours with an extra of its name. Raises ImportError, which names that extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "gainsight_dest":
            raise
        extra = package.rpartition(".")[2]
        raise ImportError(
            f"{package} needs {missing}, which is not installed: pip install 'gainsight-dest[{extra}]'", name=missing
        ) from error
