"""Rows of tables as events. Pure functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import EventError
from gainsight_dest.rows.cells import cell
from gainsight_dest.rows.columns import ColumnsPlan, EventPlan, kinds_of
from gainsight_dest.templates import Settings, config_of
from gainsight_dest.tenant.tenant import Tenant
from gainsight_dest.values import quoted

Event = dict[str, Any]
#: A config in any of its forms.
Given = DestinationConfig | Settings | Mapping[str, Any]


class RowReader:
    """Makes events of the rows of one table.

    `columns`: their names, in order; one without a name is left out. `kind`: "identify", "group", "track:NAME",
    "track" where a column has the event's name, or "identify,group": of each row a person, and the company that the
    person is linked to. `config`: the rows of its personMap and companyMap name further traits. `names`: column to
    trait, for columns that no rule can know; "" leaves a column out. `company.NAME` stands for a trait of the company,
    `person.NAME` for one of the person, `traits.NAME`, `context.traits.NAME` and `properties.NAME` for a place in the
    event; the event's own keys, such as `userId` and `timestamp`, are names, too. `tenant`: texts are made numbers,
    booleans and dates where its fields take these. `is_text`: values were written as texts, as in a
    CSV: then the fields that every tenant has do the same, also without a tenant.

    Raises ConfigError with every problem of the columns: one that is not there, two that feed one trait, a trait that
    no field takes, no column for what the event needs.
    """

    def __init__(
        self,
        columns: Iterable[str],
        kind: str,
        config: Given | None = None,
        *,
        names: Mapping[str, str] | None = None,
        tenant: Tenant | None = None,
        is_text: bool = False,
    ) -> None:
        self.columns = tuple(columns)
        given = None if config is None else _default(config)
        columns_plan = ColumnsPlan(self.columns, kinds_of(kind), given, tenant, is_text=is_text)
        self._plans = columns_plan.made(names or {})
        self._indices = {column: index for index, column in enumerate(self.columns)}

    def events(self, cells: Sequence[Any]) -> list[Event]:
        """The events of a row, by the values of its cells in the order of the columns.

        Missing cells are left out: null, NaN, NaT, pandas' NA. A row without its company gives the identify event only.
        A value that JSON has no form for is its text, bytes are Base64. Raises EventError for another number of cells.
        """
        if len(cells) != len(self.columns):
            raise EventError("the row", f"has {len(cells):,} cells, and the table has {len(self.columns):,} columns")
        return [
            _event(plan, cells) for plan in self._plans if plan.needs is None or cell(cells[plan.needs]) is not None
        ]

    def events_of(self, row: Mapping[str, Any]) -> list[Event]:
        """The same of a row that is a mapping of column to value. A column that is not in it has a missing cell.

        Raises EventError for a column that the table does not have.
        """
        cells: list[Any] = [None] * len(self.columns)
        for column, value in row.items():
            index = self._indices.get(column)
            if index is None:
                raise EventError("the row", f"has the column {quoted(str(column))}, which the table does not have")
            cells[index] = value
        return self.events(cells)


def events_of_rows(
    rows: Iterable[Mapping[str, Any]],
    kind: str,
    config: Given | None = None,
    *,
    names: Mapping[str, str] | None = None,
    tenant: Tenant | None = None,
    is_text: bool = False,
) -> Iterator[Event]:
    """The events of rows that are mappings of column to value, of which the first has all columns.

    The rest is as RowReader has it. Raises ConfigError at once, EventError at a row with another column.
    """
    each = iter(rows)
    first = next(each, None)
    if first is None:
        return iter(())
    reader = RowReader(map(str, first), kind, config, names=names, tenant=tenant, is_text=is_text)
    return (event for part in ([first], each) for row in part for event in reader.events_of(row))


def events_of_frame(
    frame: Any,
    kind: str,
    config: Given | None = None,
    *,
    names: Mapping[str, str] | None = None,
    tenant: Tenant | None = None,
    is_text: bool = False,
) -> Iterator[Event]:
    """The events of a DataFrame, row by row, for `transform`, `transform_batch` or `Deliverer.run`.

    `frame`: of pandas, whose index is left out; or of anything that gives Arrow's data by `__arrow_c_stream__`, such as
    polars, DuckDB and pyarrow, which needs pyarrow (the extra tables). The rest is as RowReader has it. Raises
    ConfigError at once, and TypeError for what is no DataFrame.
    """
    from gainsight_dest.rows.frames import table_of  # noqa: PLC0415 - pyarrow is of an extra

    columns, rows = table_of(frame)
    reader = RowReader(columns, kind, config, names=names, tenant=tenant, is_text=is_text)
    return (event for cells in rows for event in reader.events(cells))


def _default(config: Given) -> DestinationConfig:
    """The config as it is for an event that fills nothing in."""
    found = config_of(config)
    return found.default() if isinstance(found, Settings) else found


def _event(plan: EventPlan, cells: Sequence[Any]) -> Event:
    event: Event = {"type": plan.kind.type}
    if plan.kind.name is not None:
        event["event"] = plan.kind.name
    for place, of_place in plan.cells:
        within = event
        for key in place:
            within = within.setdefault(key, {})
        for at, name, typed in of_place:
            value = cell(cells[at])
            if value is not None:
                within[name] = value if typed is None or type(value) is not str else typed(value)
    return event
