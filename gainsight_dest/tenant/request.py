"""What asks Gainsight for the schema of a tenant: a request like any other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from gainsight_dest import gainsight
from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import ConfigError
from gainsight_dest.fields import OBJECTS, Record
from gainsight_dest.gainsight import Response


@attrs.define(repr=False)
class DescribeObjects(Request):
    """Asks for the fields of objects, and for the options of their picklists. It changes nothing."""

    method = "POST"
    path = gainsight.DESCRIBE_PATH

    _objects: tuple[str, ...]

    @property
    def objects(self) -> tuple[str, ...]:
        """Their names."""
        return self._objects

    @property
    def action(self) -> str:
        """What is asked of Gainsight."""
        return gainsight.DESCRIBE_ACTION

    @property
    def body(self) -> Record:
        """The form that Gainsight documents."""
        return gainsight.describe_body(self._objects)

    def next(self, response: Response) -> Request | None:
        """None: `Tenant.from_describe` reads the answer. Raises ResponseError."""
        gainsight.check(response, self.action, self._config.hide)
        return None

    def _names(self) -> Iterable[str]:
        return self._objects


#: What events write records of.
_WRITTEN = tuple(of.name for of in OBJECTS)


def describe(config: DestinationConfig, objects: Sequence[str] = _WRITTEN) -> DescribeObjects:
    """The request for the schema of those objects, whose answer `Tenant.from_describe` reads.

    Any client sends it, as any request: `request.next(response)` is None, or raises ResponseError. It costs one call.
    Raises ConfigError where there is no access key, or no object.
    """
    if config.access_key is None:
        raise config.missing("describe", "access_key")
    names = (objects,) if isinstance(objects, str) else tuple(objects)
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ConfigError(("objects", "must be names of objects, at least one"))
    return DescribeObjects(config, names)
