"""Requests that change nothing in Gainsight, by which a check finds out what the key may do."""

from __future__ import annotations

import attrs

from gainsight_dest import gainsight
from gainsight_dest.descriptors import Request
from gainsight_dest.fields import GainsightObject, Record
from gainsight_dest.gainsight import Response


@attrs.define(repr=False)
class ListUsers(Request):
    """Asks for the id of one user: what a key is tried with that may do little."""

    method = "POST"
    path = gainsight.USERS_PATH

    @property
    def action(self) -> str:
        return "list users"

    @property
    def body(self) -> Record:
        return gainsight.users_body()

    def next(self, response: Response) -> None:
        gainsight.check(response, self.action, self._config.hide)


@attrs.define(repr=False)
class ReadOne(Request):
    """Asks for the key of one record of an object, any of them: it is well if there is none."""

    method = "POST"

    _of: GainsightObject

    @property
    def action(self) -> str:
        return f"read {self._of.name.lower()}"

    @property
    def path(self) -> str:
        return gainsight.query_path(self._of.name)

    @property
    def body(self) -> Record:
        return gainsight.query_of_any(self._of.key)

    def next(self, response: Response) -> None:
        gainsight.finds_record(response, self.action, self._config.hide)
