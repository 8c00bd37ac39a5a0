"""Requests that find or save many companies in one call, as a batch makes them.

What comes after an answer depends on the whole batch: `read` gives what the answer says, `next` only checks it.
"""

from __future__ import annotations

from abc import abstractmethod

import attrs

from gainsight_dest import gainsight
from gainsight_dest.descriptors import Creates, Finds, OfAnObject, Updates
from gainsight_dest.fields import Record
from gainsight_dest.gainsight import Response


class CompaniesRequest(OfAnObject):
    """One call for up to RECORDS_PER_WRITE companies, each Name once."""

    __slots__ = ()

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The companies that it is about."""

    def next(self, response: Response) -> None:
        self.read(response)

    @property
    def records(self) -> frozenset[tuple[str, str]]:
        return frozenset(map(self.of.identity, self.names))


@attrs.define(repr=False)
class FindCompanies(Finds, CompaniesRequest):
    """Asks which of the companies of those Names there are. `looks`: as of FindCompany."""

    _sought: tuple[str, ...]
    _looks: int = 0

    @property
    def looks(self) -> int:
        return self._looks

    @property
    def names(self) -> tuple[str, ...]:
        return self._sought

    @property
    def body(self) -> Record:
        return gainsight.query(self.of.key, *self._sought)

    def read(self, response: Response) -> frozenset[str] | None:
        """The names that were found; None where the answer does not tell which. Raises ResponseError."""
        return gainsight.found_records(response, self.of.key, self._sought, self.action, self._config.hide)


@attrs.define(repr=False)
class SaveCompanies(CompaniesRequest):
    """What insert and update share. Gainsight takes all of the records, or none."""

    _companies: tuple[Record, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(self.of.key_of, self._companies))

    @property
    def body(self) -> Record:
        return gainsight.records_body(*self._companies)

    def read(self, response: Response) -> dict[str, str]:
        """The Gsids by name, of those that the answer has one for. Raises ResponseError, also where it has none."""
        return gainsight.saved_gsids(response, self.of.key, self.names, self.action, self._config.hide)


class CreateCompanies(Creates, SaveCompanies):
    """Inserts the companies. If the answer is lost, find again: they may be there."""

    __slots__ = ()

    @property
    def again(self) -> FindCompanies:
        return FindCompanies(self._config, self.names)


class UpdateCompanies(Updates, SaveCompanies):
    """Updates the companies of those Names."""

    __slots__ = ()
