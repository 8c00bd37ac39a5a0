"""What a file is that holds no JSON to be read, by its first bytes, and the commands that make NDJSON of it."""

from __future__ import annotations

import csv
import re
import shlex

import attrs

#: What the commands make, and what if that is the name of the file itself: a shell would empty it before it is read.
_MADE, _ELSE_MADE = "events.ndjson", "events-utf8.ndjson"
_UNPACKED = "unpacked"
_BOM = b"\xef\xbb\xbf"
#: What stands between the cells of a CSV.
SEPARATORS = (",", ";", "\t", "|")


@attrs.frozen
class FileFormat:
    """What a file is. `name`: with its article. The rest is how to make NDJSON of it, as far as there is a way.

    `encoding`: its name for iconv, and for Get-Content of Windows PowerShell. `source`: how DuckDB reads the table.
    `command`: another that prints it. `hint`: what to know or do beside. `{file}` in them stands for the file.
    `is_csv`, `is_parquet`: it is a table that can be read as it is.
    """

    name: str
    encoding: tuple[str, str | None] | None = None
    source: str | None = None
    command: str | None = None
    hint: str | None = None
    is_csv: bool = False
    is_parquet: bool = False

    def advice(self, file: str, *, is_packed: bool = False) -> str:
        """What it is, and how to make NDJSON of it: over several lines, each command on one of its own."""
        about = f"{file} is {self.name}, not JSON in UTF-8"
        is_packed = is_packed and not (self.is_csv or self.is_parquet)
        unpacking = [f"gzip -dc {shlex.quote(file)} > {_UNPACKED}"] if is_packed else []
        commands = unpacking + self._commands(_UNPACKED if is_packed else file)
        return "\n".join(
            [
                f"{about}. To make NDJSON of it:" if commands else f"{about}.",
                *(f"  {command}" for command in commands),
                *([] if self.hint is None else [self.hint]),
            ]
        )

    def _commands(self, file: str) -> list[str]:
        commands = [] if self.encoding is None else recoding(file, *self.encoding)
        if self.source is not None:
            source = self.source.format(file="'{}'".format(file.replace("'", "''")))
            rows = f"SELECT 'identify' AS type, t AS traits FROM {source} AS t"  # noqa: S608 - it is printed, not run
            statement = f"COPY ({rows}) TO '{_made_of(file)}' (FORMAT json)"
            commands.append(f"duckdb -c {_quoted(statement)}")
        if self.command is not None:
            commands.append(f"{self.command.format(file=shlex.quote(file))} > {_made_of(file)}")
        return commands


def _made_of(file: str) -> str:
    return _ELSE_MADE if file.endswith(_MADE) else _MADE


def recoding(file: str, iconv: str, powershell: str | None) -> list[str]:
    """The commands that make UTF-8 of a file: by iconv, and, where it knows the encoding, by Windows PowerShell."""
    made = _made_of(file)
    commands = [f"iconv -f {iconv} -t UTF-8 {shlex.quote(file)} > {made}"]
    if powershell is not None:
        named = "'{}'".format(file.replace("'", "''"))
        piped = f"Get-Content -Encoding {powershell} {named} | Set-Content -Encoding utf8 {made}"
        commands.append(f"{piped}  # in Windows PowerShell")
    return commands


def _quoted(sql: str) -> str:
    """The statement as an argument: in double quotes, which every shell takes, unless one would read it in them."""
    return shlex.quote(sql) if re.search(r'["$`!\\]', sql) else f'"{sql}"'


_ROWS = (
    "Each row becomes the traits of an identify. If its columns are already those of an event, write FROM alone in the "
    "parentheses: COPY (FROM …)."
)
_UTF_16LE = FileFormat("UTF-16", ("UTF-16LE", "Unicode"), hint="In Windows PowerShell, > writes UTF-16.")
_UTF_16BE = FileFormat("UTF-16", ("UTF-16BE", "BigEndianUnicode"))
_UTF_32LE = FileFormat("UTF-32", ("UTF-32LE", "UTF32"))
_UTF_32BE = FileFormat("UTF-32", ("UTF-32BE", None))
_AS = (
    "Say what its rows are, and it is read as it is: --as identify, --as group, --as identify,group or --as track:NAME."
)
_CSV = FileFormat("a table, CSV", hint=_AS, is_csv=True)
_EXCEL = FileFormat(
    "an Excel workbook", source="read_xlsx({file})", hint=f"{_ROWS} DuckDB older than 1.2: save the sheet as CSV first."
)

#: By their first bytes: the first that fits.
_BEGINNINGS: tuple[tuple[bytes, FileFormat], ...] = (
    (b"\xff\xfe\0\0", attrs.evolve(_UTF_32LE, encoding=("UTF-32", "UTF32"))),
    (b"\0\0\xfe\xff", attrs.evolve(_UTF_32BE, encoding=("UTF-32", None))),
    (b"\xff\xfe", attrs.evolve(_UTF_16LE, encoding=("UTF-16", "Unicode"))),
    (b"\xfe\xff", attrs.evolve(_UTF_16BE, encoding=("UTF-16", "BigEndianUnicode"))),
    (b"PAR1", FileFormat("a Parquet table", hint=_AS, is_parquet=True)),
    (b"PK\x03\x04", FileFormat("a zip", command="unzip -p {file}")),
    (b"PK\x05\x06", FileFormat("a zip with nothing in it")),
    (
        b"\xd0\xcf\x11\xe0",
        FileFormat(
            "a workbook of an old Excel",
            hint="Save it as .xlsx or as CSV, and run the command again: it says what to do next.",
        ),
    ),
    (
        b"SQLite format 3\0",
        FileFormat("an SQLite database", hint="Write the rows of its table to a file with DuckDB's COPY."),
    ),
    (b"Obj\x01", FileFormat("an Avro file", source="read_avro({file})", hint=_ROWS)),
    (b"ORC", FileFormat("an ORC table", hint="Export the data as Parquet or NDJSON instead.")),
    (b"ARROW1", FileFormat("an Arrow file", hint="Export the data as Parquet or NDJSON instead.")),
    (b"\x1f\x8b", FileFormat("gzip in gzip", command="gzip -dc {file} | gzip -dc")),
    (b"BZh", FileFormat("packed by bzip2", command="bzip2 -dc {file}")),
    (b"\xfd7zXZ\0", FileFormat("packed by xz", command="xz -dc {file}")),
    (b"\x28\xb5\x2f\xfd", FileFormat("packed by zstd", command="zstd -dc {file}")),
    (b"7z\xbc\xaf\x27\x1c", FileFormat("a 7z archive", command="7z e -so {file}")),
    (b"%PDF-", FileFormat("a PDF")),
)
_PAGE = FileFormat("a page of HTML or XML", hint="Download the file again: this may be the page of a login.")
#: In a workbook's zip the first names are of these.
_IN_A_WORKBOOK = (b"[Content_Types].xml", b"_rels/", b"xl/", b"docProps/")
_NAME_AT = 30  # where the first name of a zip stands, in bytes


#: By which of their first bytes are zero, as those of ASCII are.
_WIDE = {"x000": _UTF_32LE, "000x": _UTF_32BE, "x0x0": _UTF_16LE, "0x0x": _UTF_16BE}


def format_of(start: bytes) -> FileFormat | None:
    """What a file is that begins so; None if it may be JSON, be it broken."""
    if start.startswith(b"PK\x03\x04") and start[_NAME_AT:].startswith(_IN_A_WORKBOOK):
        return _EXCEL
    for beginning, found in _BEGINNINGS:
        if start.startswith(beginning):
            return found
    text = start.removeprefix(_BOM).lstrip(b" \t\r\n")
    if text[:5].lower() in {b"<html", b"<!doc", b"<?xml"}:
        return _PAGE
    return _wide(start) or (_CSV if _is_table(text) else None)


def _wide(start: bytes) -> FileFormat | None:
    """The encoding of two or four bytes a letter that it is in, without a mark that tells so."""
    return _WIDE.get("".join("x" if byte else "0" for byte in start[:4]))


#: A heading is short, and has a letter or more; what JSON has in each line, braces and colons, is in none.
_HEADING = re.compile(r"[^\W\d][^{}\[\]:]{0,99}|")


def _is_table(text: bytes) -> bool:
    """Whether it begins as CSV: a line of headings, and then a row of as many cells, or none that is whole yet.

    A first line of words with commas is no table where one after it is JSON: then it is that line that is broken.
    """
    if any(line.lstrip().startswith((b"{", b"[")) for line in text.splitlines()):
        return False
    first, _, second = text.partition(b"\n")
    separator = max(map(str.encode, SEPARATORS), key=first.count)
    head = [cell.strip() for cell in _cells(first, separator)]
    if len(head) < 2 or not any(head) or not all(map(_HEADING.fullmatch, head)):
        return False
    row, has_more = second.partition(b"\n")[0], b"\n" in second
    return not row.strip() or len(_cells(row, separator)) == len(head) or not has_more or row.count(b'"') % 2 == 1


def _cells(line: bytes, separator: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode("cp1252", "replace").rstrip("\r")], delimiter=separator.decode()), [])
    except csv.Error:  # a cell without bounds
        return []
