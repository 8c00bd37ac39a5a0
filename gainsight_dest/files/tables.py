"""Tables, CSV of any dialect and Parquet, as events: row by row, in constant memory."""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.errors import ConfigError
from gainsight_dest.files.delimited import Record, Records, in_utf8, long_cells
from gainsight_dest.files.formats import FileFormat
from gainsight_dest.files.read import Item, WrongFormatError, shown_of
from gainsight_dest.rows import RowReader
from gainsight_dest.templates import Settings
from gainsight_dest.tenant import Tenant

_ROWS_AT_ONCE = 1_000
_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*[{\[]")


class WrongTableError(ValueError):
    """The file is no table, or its columns do not make such events: the text says why.

    `is_of_columns`: to name columns would help.
    """

    def __init__(self, problem: str, *, is_of_columns: bool = False) -> None:
        super().__init__(problem)
        self.is_of_columns = is_of_columns


@attrs.frozen
class TableOptions:
    """How a table is read: what its rows are, and the trait of each column that no rule can know; see RowReader."""

    kind: str
    names: Mapping[str, str]
    config: DestinationConfig | Settings | Mapping[str, Any] | None = None
    tenant: Tenant | None = None

    def reader(self, columns: Sequence[str], *, is_text: bool) -> RowReader:
        """What makes events of the rows. Raises WrongTableError."""
        try:
            return RowReader(columns, self.kind, self.config, names=self.names, tenant=self.tenant, is_text=is_text)
        except ConfigError as error:
            problems = "".join(f"\n  {place}: {problem}" for place, problem in error.problems)
        about = f"the columns of the table do not make events of the kind {self.kind}:"
        raise WrongTableError(f"{about}{problems}", is_of_columns=True)

    def items(self, stream: io.BufferedReader, found: FileFormat | None) -> Iterator[Item]:
        """The events of the table. `found`: what the file is, if it is no JSON.

        Raises WrongTableError for a table that makes no such events, and for what is no table.
        """
        if found is not None and found.is_parquet:
            return self._of_parquet(stream)
        if found is not None and not (found.is_csv or found.encoding):
            raise WrongFormatError(found)
        if _JSON.match(stream.peek()):
            raise WrongTableError("it holds JSON, whose events say what they are: leave out --as, or kind")
        return self._of_csv(in_utf8(stream, found))

    # --- CSV ----------------------------------------------------------------------------------------------------------

    def _of_csv(self, stream: io.BufferedReader) -> Iterator[Item]:
        with long_cells():
            records = Records(stream)
            head = next(records, None)
            if head is None:
                return
            if head.problem is not None:
                raise WrongTableError(f"the header of the table, line {head.line:,}, {head.problem}")
            columns = [cell.strip() for cell in head.cells]
            reader = self.reader(columns, is_text=True)
            records.width = len(columns)
            for row, record in enumerate(records, 1):
                yield from _items(reader, record, row)

    # --- Parquet ------------------------------------------------------------------------------------------------------

    def _of_parquet(self, stream: io.BufferedReader) -> Iterator[Item]:
        if find_spec("pyarrow") is None:
            raise WrongTableError("a Parquet table needs pyarrow: pip install 'gainsight-dest[tables]'")
        import pyarrow as pa  # noqa: PLC0415 - of an extra, and slow to load
        import pyarrow.parquet as pq  # noqa: PLC0415 - the same

        from gainsight_dest.rows.frames import rows_of  # noqa: PLC0415 - the same

        with _seekable(stream) as source:
            try:
                file = pq.ParquetFile(source, pre_buffer=False)
            except (pa.ArrowException, OSError) as error:
                raise WrongTableError(f"the Parquet table cannot be read: {_first_line(error)}") from None
            with file:
                reader = self.reader(file.schema_arrow.names, is_text=False)
                row = 0
                try:
                    for row, cells in enumerate(rows_of(file.iter_batches(batch_size=_ROWS_AT_ONCE)), 1):
                        for event in reader.events(cells):
                            yield Item(row, event, raw=event, place=f"row {row:,}")
                except (pa.ArrowException, OSError) as error:
                    problem = f"the table cannot be read from here on: {_first_line(error)}"
                    yield Item(row + 1, problem=problem)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


@contextmanager
def _seekable(stream: io.BufferedReader) -> Iterator[Any]:
    """The same data as a file that can be read from its end, as Parquet is: that of a pipe, or packed, is copied."""
    if (path := _path_of(stream)) is not None:
        yield path
        return
    with _copied(stream) as copy:
        yield copy


def _path_of(stream: io.BufferedReader) -> str | None:
    """The path of a file that is open; None for what has no name, as standard input, or is no file."""
    name = getattr(stream, "name", None)
    if not isinstance(name, (str, os.PathLike)) or not Path(name).is_file():
        return None
    return os.fspath(name)


def _copied(stream: io.BufferedReader) -> IO[bytes]:
    copy: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - who takes it closes it
    shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy


def _items(reader: RowReader, record: Record, row: int) -> Iterator[Item]:
    """The events of a row, or its one fault. `row`: its number, without the header's."""
    if record.problem is not None:
        problem = f"row {row:,} (line {record.line:,}) {record.problem}"
        yield Item(record.line, raw=shown_of(record.text.rstrip("\r\n")), problem=problem, is_open=record.is_open)
        return
    for event in reader.events([cell if cell.strip() else None for cell in record.cells]):
        yield Item(record.line, event, raw=event, place=f"row {row:,}, line {record.line:,}")
