"""Tables as events: CSV of any dialect and Parquet, on each command that reads events."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.files import delimited, read
from gainsight_dest.files.read import Item, events
from gainsight_dest.files.tables import TableOptions, WrongTableError
from gainsight_dest.tenant import Tenant
from tests.cli.process import CONFIG, ROOT, lines, run, wrong_use
from tests.needs import need
from tests.tenant_of_60_fields import ANSWER

ACCOUNTS, CONTACTS = ROOT / "examples" / "accounts.csv", ROOT / "examples" / "contacts.csv"
COLUMNS_OF = {
    ACCOUNTS: ["--as", "group", "--column", "Account Name=name", "--column", "Primary Contact=person.email"],
    CONTACTS: ["--as", "identify,group", "--column", "Account=company.name"],
}
PEOPLE = TableOptions("identify", {})


def items(data: bytes, options: TableOptions = PEOPLE) -> list[Item]:
    return list(events(io.BufferedReader(io.BytesIO(data)), table=options.items))


def told(data: bytes, options: TableOptions = PEOPLE) -> list[Any]:
    """The traits of each event, or what is wrong with a row."""
    return [item.problem or item.event["traits"] for item in items(data, options)]


# --- any dialect ------------------------------------------------------------------------------------------------------

ADA = {"email": "ada@example.com", "firstName": "Zoë, Ada"}
TEXT = 'email,First Name\r\nada@example.com,"Zoë, Ada"\r\n'
DIALECTS: dict[str, bytes] = {
    "commas": TEXT.encode(),
    "line feeds": TEXT.replace("\r\n", "\n").encode(),
    "no last end": TEXT.encode()[:-2],
    "carriage returns": TEXT.replace("\r\n", "\r").encode(),
    "a byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-16, the other way": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "UTF-16 of an old Mac": TEXT.replace("\r\n", "\r").encode("utf-16"),
    "semicolons": "email;First Name\nada@example.com;Zoë, Ada\n".encode(),
    "tabs": "email\tFirst Name\nada@example.com\tZoë, Ada\n".encode(),
    "bars": "email|First Name\nada@example.com|Zoë, Ada\n".encode(),
    "what Excel tells": "sep=;\r\nemail;First Name\r\nada@example.com;Zoë, Ada\r\n".encode("utf-8-sig"),
    "single quotes": "'email','First Name'\n'ada@example.com','Zoë, Ada'\n".encode(),
    "spaces around headings": " email ; First Name \nada@example.com;Zoë, Ada\n".encode(),
    "empty cells without a column": b"email,First Name,,\n"
    + TEXT.partition("\r\n")[2].replace("\r\n", ",,\r\n").encode(),
    "blank lines": TEXT.replace("\r\n", "\r\n\r\n").encode(),
    "gzip": gzip.compress(TEXT.encode()),
}


@pytest.mark.parametrize("data", DIALECTS.values(), ids=DIALECTS)
def test_a_csv_is_read_in_any_dialect_and_encoding(data: bytes) -> None:
    assert told(data) == [ADA]


def test_what_is_told_as_the_separator_and_is_none_is_a_heading() -> None:
    assert told(b"sep=,email\nx,a@b.co\n") == [{"sep=": "x", "email": "a@b.co"}]
    for text in (b'sep="\nx\n', b"sep=\r\nx\n"):
        with pytest.raises(WrongTableError, match="none has the person's email"):
            items(text)


def test_a_separator_is_the_one_that_makes_rows_of_the_headers_width() -> None:
    assert told(b'email;a, b, c\n"ada@example.com";1\n') == [{"email": "ada@example.com", "a, b, c": "1"}]
    assert told(b"email\na@b.co\nb@b.co\n") == [{"email": "a@b.co"}, {"email": "b@b.co"}]


def test_an_event_says_its_row_and_line_and_an_empty_cell_is_missing() -> None:
    (first, second) = items(b'email,comments\n\n"a@b.co","two\nlines"\nb@b.co," "\n')
    assert (first.number, first.place, first.event["traits"]["comments"]) == (3, "row 1, line 3", "two\nlines")
    assert (second.number, second.place, second.event["traits"]) == (5, "row 2, line 5", {"email": "b@b.co"})


@pytest.mark.parametrize("data", [b"", b"email,name\n", b"email,name", b"\n\n"])
def test_a_table_without_rows_has_no_events(data: bytes) -> None:
    assert items(data) == []


# --- rows that cannot be read -----------------------------------------------------------------------------------------

NEVER = "begins a quote that is never closed"
FAULTS: dict[str, tuple[bytes, list[Any]]] = {
    "too few cells": (b"email,plan\na@b.co\nb@b.co,x\n", ["row 1 (line 2) has 1 cell, and the header has 2", "b"]),
    "too many": (b"email,plan\na@b.co,x,y\nb@b.co,x,,\n", ["row 1 (line 2) has 3 cells, and the header has 2", "b"]),
    "a quote that is never closed": (
        b'email,plan\na@b.co,"x\nb@b.co,y\n\nc@b.co,z\n',
        [f"row 1 (line 2) {NEVER}", "b", "c"],
    ),
    "one that the next closes": (
        b'email,plan\na@b.co,"x\nb@b.co,y\nc@b.co,"z"\n',
        [f"row 1 (line 2) {NEVER}", "b", "c"],
    ),
    "one that makes a row of another width": (
        b'email,plan\na@b.co,"x\nb@b.co,y\nc@b.co,z",1\n',
        [f"row 1 (line 2) {NEVER}", "b", "row 3 (line 4) has 3 cells, and the header has 2"],
    ),
    "lines in a cell of a row of another width": (
        b'email,plan\na@b.co,"x\ny\nz",1\nb@b.co,y\n',
        ["row 1 (line 2) has 3 cells, and the header has 2", "b"],
    ),
    "two lines that are no rows": (
        b'email,plan\na,"x\nq"r\nb@b.co,"x\n',
        [f"row 1 (line 2) {NEVER}", f"row 2 (line 4) {NEVER}"],
    ),
    "a quote within a cell": (
        b'email,plan\na@b.co,5" pipe\nb@b.co,"5" pipe"\n',
        ["a", "row 2 (line 3) is no row of a CSV: "],
    ),
    "a zero byte": (b"email,plan\na@b.co,\0\nb@b.co,x\n", ["row 1 (line 2) holds a zero byte", "b"]),
    "Windows-1252": (
        "email,plan\na@b.co,Zoë\nb@b.co,x\n".encode("cp1252"),
        ["row 1 (line 2) is not UTF-8 at byte 10; ", "b"],
    ),
    "text that breaks off": (
        "email,plan\na@b.co,x\n".encode("utf-16")[:-1],
        ["the file cannot be read from here on: its text is damaged"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_row_that_cannot_be_read_is_its_own_error_and_takes_no_other_with_it(name: str) -> None:
    data, expected = FAULTS[name]
    found = [item.problem or item.event["traits"]["email"][:1] for item in items(data)]
    assert [each[: len(start)] for each, start in zip(found, expected, strict=True)] == expected


def test_a_last_row_that_may_still_be_written_is_open() -> None:
    for data, is_open in ((b"a@b.co", True), (b"a@b.co\n", False), (b'a@b.co,"x\n', True), (b"a@b.co,x", False)):
        assert [item.is_open for item in items(b"email,plan\n" + data)] == [is_open]


def test_a_row_of_ten_megabytes_is_read_and_one_that_never_ends_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    long = b"x" * 200_000
    assert len(told(b"email,plan\na@b.co," + long + b"\n")[0]["plan"]) == 200_000
    for module in (read, delimited):
        monkeypatch.setattr(module, "LONGEST_LINE", 1_000)
    data = b'email,plan\na@b.co,"' + b"x\n" * 600 + b"b@b.co,y\n" + b"c@b.co," + long + b"\nd@b.co,z\n"
    found = told(data)
    assert found[0] == f"row 1 (line 2) {NEVER}"
    assert [found[-3], found[-1]] == [{"email": "b@b.co", "plan": "y"}, {"email": "d@b.co", "plan": "z"}]
    assert found[-2].endswith(" (line 603) is longer than 1,000 bytes")


def test_a_quote_that_is_never_closed_costs_no_more_than_ten_thousand_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_MOST_LINES", 3)
    found = told(b'email,plan\na@b.co,"x\n' + b"b@b.co,y\n" * 9)
    assert found == [f"row 1 (line 2) {NEVER}", *[{"email": "b@b.co", "plan": "y"}] * 9]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5), st.sampled_from(",;\t|"), st.booleans())
def test_whatever_pythons_own_writer_writes_is_read(rows: list[list[str]], separator: str, in_utf16: bool) -> None:
    import csv  # noqa: PLC0415 - this alone writes one

    made = io.StringIO()
    writer = csv.writer(made, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows([["email", "plan"], *rows])
    data = made.getvalue().encode("utf-16" if in_utf16 else "utf-8", "surrogatepass")
    found = items(data)
    assert len(found) == len(rows)
    for item, row in zip(found, rows, strict=True):
        if item.problem is None:
            cells = {name: cell for name, cell in zip(("email", "plan"), row, strict=True) if cell.strip()}
            assert item.event.get("traits", {}) == cells
        else:
            assert not set("\0").isdisjoint("".join(row)) or any(
                "\ud800" <= letter <= "\udfff" for letter in "".join(row)
            )


_PARTS = [
    b"email",
    b",",
    b";",
    b"\n",
    b"\r",
    b'"',
    b"'",
    b"\0",
    b"sep=",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe9",
    b"\xc3\xa9",
]


@given(st.sampled_from([b"", b"email,plan\n"]), st.binary() | st.lists(st.sampled_from(_PARTS)).map(b"".join))
def test_no_bytes_are_more_than_faults_or_a_table_that_is_refused(head: bytes, data: bytes) -> None:
    try:
        for item in items(head + data):
            assert (item.problem is None) is (item.event is not None)
    except (WrongTableError, read.WrongFormatError):
        pass


# --- what is no such table --------------------------------------------------------------------------------------------


def refusal(data: bytes, *options: object, config: object = CONFIG) -> str:
    return wrong_use(run("explain", "-", "--config", config, *(options or ("--as", "identify")), stdin=data))


@pytest.mark.parametrize(
    "data", [b'{"type": "identify"}\n', b"\n [1]", b"\xef\xbb\xbf{}", gzip.compress(b"{}", mtime=0)]
)
def test_json_is_no_table(data: bytes) -> None:
    assert refusal(data) == "standard input: it holds JSON, whose events say what they are: leave out --as, or kind"


def test_what_is_wrong_with_the_columns_is_told_with_the_option_that_helps() -> None:
    done = run("explain", CONTACTS, "--config", CONFIG, "--as", "identify,group", "--column", "Acount=company.name")
    assert (done.returncode, done.stderr.decode().splitlines()) == (
        2,
        [
            f"Error: {CONTACTS}: the columns of the table do not make events of the kind identify,group:",
            '  column "Acount": is not in the table. Did you mean "Account"?',
            "Say which column is which with --column COLUMN=NAME; --column COLUMN= leaves one out.",
        ],
    )


def test_a_header_that_cannot_be_read_is_told() -> None:
    assert refusal("naïve,b\n1,2\n".encode("cp1252")).startswith(
        "standard input: the header of the table, line 1, is not UTF-8 at byte 3"
    )
    assert "begins a quote that is never closed" in refusal(b'"email\na@b.co\n')


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"PK\x03\x04", "a zip"),
        (b"<html>", "a page of HTML or XML"),
        (gzip.compress(b"SQLite format 3\0", mtime=0), "an SQLite"),
    ],
)
def test_what_is_no_table_at_all_is_told(data: bytes, name: str) -> None:
    done = run("explain", "-", "--config", CONFIG, "--as", "identify", stdin=data)
    assert done.returncode == 2
    assert f"Error: FILE is {name}" in done.stderr.decode()


USES: dict[str, tuple[list[str], str]] = {
    "a kind that there is not": (["--as", "identfy"], "must be identify, group, identify,group or track:NAME, not"),
    "a column without a name": (
        ["--as", "identify", "--column", "Name"],
        "must be COLUMN=NAME, such as 'Account Name=name'",
    ),
    "a name without a column": (["--as", "identify", "--column", " =name"], "must be COLUMN=NAME"),
    "a column twice": (["--as", "identify", "--column", "a=b", "--column", "a=c"], "names the column 'a' twice"),
    "columns of what is no table": (["--column", "a=b"], "--column needs --as: alone it does nothing"),
}


@pytest.mark.parametrize("name", USES)
def test_options_that_do_not_do_are_refused(name: str) -> None:
    options, problem = USES[name]
    done = run("explain", CONTACTS, "--config", CONFIG, *options)
    assert done.returncode == 2
    assert problem in done.stderr.decode()


def test_lint_reads_no_table_without_events() -> None:
    done = run("lint", "--config", CONFIG, "--as", "identify")
    assert b"--as needs --events: alone it does nothing" in done.stderr


@pytest.mark.parametrize("name", ["a table, CSV", "a Parquet table"])
def test_a_table_without_as_is_told_of_it(name: str) -> None:
    start = b"email,name\na@b.co,x\n" if name.endswith("CSV") else b"PAR1"
    done = run("explain", "-", "--config", CONFIG, stdin=start)
    first, second = done.stderr.decode().splitlines()
    assert first == f"Error: FILE is {name}, not JSON in UTF-8."
    assert second.startswith("Say what its rows are, and it is read as it is: --as identify,")


# --- each command -----------------------------------------------------------------------------------------------------


def test_explain_shows_where_each_column_goes_by_row_and_line() -> None:
    done = run("explain", CONTACTS, "--config", CONFIG, *COLUMNS_OF[CONTACTS], "--event", "2")
    assert done.returncode == 0
    first, second, *rest = done.stdout.decode().split("\n\n")
    assert first.startswith("row 1, line 2. identify\n")
    assert second.startswith("row 1, line 2. group\n")
    assert 'traits.name           →  Company.Name  "Blue Harbor Logistics"' in second
    assert rest == [""]


def test_transform_prints_the_requests_of_rows(tmp_path: Path) -> None:
    file = tmp_path / "people.tsv"
    file.write_bytes(b"email\tplan\na@b.co\tgold\nb@b.co\n")
    errors = tmp_path / "errors.ndjson"
    done = run("transform", file, "--config", CONFIG, "--as", "identify", "--errors", errors)
    first, second = lines(done.stdout)
    assert (done.returncode, first["place"], first["requests"][0]["body"]["Plan__gc"]) == (1, "row 1, line 2", "gold")
    message = "row 2 (line 3) has 1 cell, and the header has 2"
    assert second["error"] == {"kind": "NotJSON", "path": None, "message": message}
    assert lines(errors.read_bytes()) == [{"message": "b@b.co", "number": 3, "error": second["error"]}]


def test_plan_counts_the_calls_of_rows_also_without_a_config() -> None:
    for config in ([], ["--config", CONFIG]):
        done = run("plan", CONTACTS, *config, *COLUMNS_OF[CONTACTS], "--format", "json")
        assert done.returncode == 0
        assert lines(done.stdout)[0]["events"]["group"] == 6


def test_lint_compares_the_config_with_rows() -> None:
    done = run("lint", "--config", CONFIG, "--events", ACCOUNTS, *COLUMNS_OF[ACCOUNTS], "--format", "json")
    report = json.loads(done.stdout)
    assert report["events"] == {"read": 5, "unreadable": 0}
    assert any("group events" in finding["problem"] for finding in report["findings"])


def test_texts_are_typed_by_the_tenant_also_without_fit(tmp_path: Path) -> None:
    tenant, config = tmp_path / "tenant.json", tmp_path / "config.json"
    tenant.write_text(json.dumps(Tenant.from_describe(ANSWER).as_data()))
    config.write_text(json.dumps({"domain": "acme.co", "accessKey": "k-12345678", "personMap": {"score": "Score__gc"}}))
    options = ["--as", "identify", "--tenant", tenant, "--config", config]
    for command in (["transform", "-"], ["deliver", "-", "--dry-run"]):
        done = run(*command, *options, stdin=b"email,score\na@b.co,42\n")
        assert lines(done.stdout)[0]["requests"][0]["body"]["Score__gc"] == 42


# --- Parquet ----------------------------------------------------------------------------------------------------------


def parquet(**columns: Any) -> bytes:
    need("pyarrow")
    import pyarrow as pa  # noqa: PLC0415 - the tests of CSV need it not
    import pyarrow.parquet as pq  # noqa: PLC0415 - the same

    made = io.BytesIO()
    pq.write_table(pa.table(columns), made)
    return made.getvalue()


@pytest.mark.parametrize("name", ["a file", "standard input", "gzip"])
def test_a_parquet_table_is_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "a file":  # which is read where it is
        monkeypatch.setattr("gainsight_dest.files.tables._copied", None)
    data = parquet(email=["a@b.co", "b@b.co"], First_Name=["Ada", None])
    file = tmp_path / "people.parquet"
    file.write_bytes(gzip.compress(data) if name == "gzip" else data)
    source, stdin = ("-", data) if name == "standard input" else (file, b"")
    done = run("transform", source, "--config", CONFIG, "--as", "identify", stdin=stdin)
    assert [(each["number"], each["place"], each["requests"][0]["body"]) for each in lines(done.stdout)] == [
        (1, "row 1", {"Email": "a@b.co", "FirstName": "Ada", "Name": "Ada"}),
        (2, "row 2", {"Email": "b@b.co"}),
    ]


def test_a_parquet_table_that_is_damaged_is_told(tmp_path: Path) -> None:
    need("pyarrow")
    assert refusal(b"PAR1 junk").startswith("standard input: the Parquet table cannot be read: ")
    data = bytearray(parquet(email=[f"{number}@b.co" for number in range(5_000)]))
    data[100:20_000] = b"\0" * 19_900
    file = tmp_path / "people.parquet"
    file.write_bytes(data)
    done = run("explain", file, "--config", CONFIG, "--as", "identify")
    assert done.returncode == 1
    assert "the table cannot be read from here on" in done.stderr.decode()


def test_a_parquet_table_needs_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gainsight_dest.files.tables.find_spec", lambda _: None)
    assert refusal(b"PAR1") == "standard input: a Parquet table needs pyarrow: pip install 'gainsight-dest[tables]'"


# --- delivery ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def deliver() -> Any:
    need("deliver", "sandbox")
    from gainsight_dest.sandbox import Sandbox  # noqa: PLC0415 - of an extra
    from gainsight_dest.sandbox.server import Server  # noqa: PLC0415 - the same
    from tests.examples import CONFIG as DESTINATION  # noqa: PLC0415 - the same

    sandbox = Sandbox(DESTINATION, calls_per_minute=None)
    with Server(sandbox) as server:

        def delivered(file: object, *options: object) -> tuple[int, dict[str, int]]:
            where = ["--base-url", server.url, "--quiet", "--calls-per-minute", "0"]
            done = run("deliver", file, "--config", CONFIG, *where, "--format", "json", *options)
            return done.returncode, json.loads(done.stdout)["total"]

        delivered.sandbox = sandbox  # type: ignore[attr-defined] # for the test to look at
        yield delivered


def test_the_example_tables_are_companies_and_people_linked(deliver: Any) -> None:
    for file in (ACCOUNTS, CONTACTS):
        status, counts = deliver(file, *COLUMNS_OF[file])
        assert (status, counts["failed"], counts["delivered"]) == (0, 0, counts["events"])
    companies = {company["Gsid"]: company for company in deliver.sandbox.companies}
    assert {(each["Name"], each.get("Arr")) for each in companies.values()} >= {("Oakline Foods, Inc.", 152000.5)}
    people = {person["Email"]: person for person in deliver.sandbox.people}
    links = {
        email: [companies[link["Company_ID"]]["Name"] for link in each["companies"]] for email, each in people.items()
    }
    assert len(people) == 7
    assert links["luis.ferreira@example.com"] == ["Blue Harbor Logistics"]
    assert (links["kenji.mori@example.com"], people["kenji.mori@example.com"]["EmailOptOut"]) == ([], False)


def test_a_journal_resumes_a_table_and_a_row_that_is_not_complete_waits_for_the_next_run(
    deliver: Any, tmp_path: Path
) -> None:
    file, journal = tmp_path / "people.csv", tmp_path / "journal"
    file.write_text("email,plan\na@b.co,gold\nb@b.co")
    options = ["--as", "identify", "--journal", journal]
    status, counts = deliver(file, *options)
    assert (status, counts["delivered"], counts["not tried"]) == (1, 1, 1)
    file.write_text("email,plan\na@b.co,gold\nb@b.co,free\n")
    status, counts = deliver(file, *options)
    assert (status, counts["delivered"], counts["calls"]) == (0, 2, 1)
    assert [person["Email"] for person in deliver.sandbox.people] == ["a@b.co", "b@b.co"]
