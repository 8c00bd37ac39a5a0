"""Files that hold no events: what each command says of them, and that what it says to do cures them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest.files.formats import FileFormat, format_of, recoding
from tests.cli.process import CONFIG, Done, lines, ndjson, run
from tests.needs import need

ADA = {"type": "identify", "traits": {"email": "ada@example.com", "name": "Zoë Ada"}}
TEXT = json.dumps(ADA, ensure_ascii=False) + "\n" + json.dumps(ADA, ensure_ascii=False) + "\n"
#: Nothing is sent for it.
PAGE = {"type": "page", "name": "Zoë Ada"}

#: Each command with a file of events; what it takes beside.
COMMANDS: dict[str, Callable[[object], Done]] = {
    "transform": lambda file, *more: run("transform", file, "--config", CONFIG, *more),
    "explain": lambda file, *more: run("explain", file, "--config", CONFIG, *more),
    "plan": lambda file, *more: run("plan", file, "--config", CONFIG, *more),
    "lint": lambda file, *more: run("lint", "--events", file, "--config", CONFIG, *more),
    "deliver --dry-run": lambda file, *more: run("deliver", file, "--config", CONFIG, "--dry-run", *more),
}
if find_spec("requests") is not None:
    COMMANDS["deliver"] = lambda file, *more: run(
        "deliver", file, "--config", CONFIG, "--base-url", "http://127.0.0.1:1", "--quiet", *more
    )
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


def workbook(first: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr(first, "<x/>")
    return made.getvalue()


def table(separator: str = ",", mark: str = "", end: str = "\r\n") -> bytes:
    made = io.StringIO()
    writer = csv.writer(made, delimiter=separator, lineterminator=end)
    writer.writerows([["email", "First Name", ""], ["ada@example.com", f'Ada, "{separator}"', "1"]])
    return (mark + made.getvalue()).encode()


FORMS = {
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-16, the other way": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-16, the other way, without a mark": TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "UTF-32 without a mark": TEXT.encode("utf-32-le"),
    "UTF-32, the other way": b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"),
    "UTF-32, the other way, without a mark": TEXT.encode("utf-32-be"),
    "a table, CSV": table(),
    "a table, CSV, of Excel": table(";", "\ufeff"),
    "a table, CSV, by tabs": table("\t", end="\n"),
    "a table, CSV, by bars": table("|"),
    "a table, CSV, its head alone": b"email,name",
    "a table, CSV, with lines in a cell": b'email,name\n"ada@example.com","Ada\nLovelace"\n',
    "a table, CSV, of Windows-1252": "email,naïve\nada@example.com,Zoë\n".encode("cp1252"),
    "a Parquet table": b"PAR1\x15\x04",
    "an Excel workbook": workbook("[Content_Types].xml"),
    "a zip": workbook("events.ndjson"),
    "a zip with nothing in it": b"PK\x05\x06" + b"\0" * 18,
    "a workbook of an old Excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "an Avro file": b"Obj\x01\x04",
    "an ORC table": b"ORC\x08",
    "an Arrow file": b"ARROW1\0\0",
    "gzip in gzip": gzip.compress(gzip.compress(TEXT.encode())),
    "packed by bzip2": b"BZh91AY",
    "packed by xz": b"\xfd7zXZ\0\0",
    "packed by zstd": b"\x28\xb5\x2f\xfd\0",
    "a 7z archive": b"7z\xbc\xaf\x27\x1c\0",
    "a PDF": b"%PDF-1.7",
    "a page of HTML or XML": b"\n<!DOCTYPE html><title>Log in</title>",
}


@pytest.mark.parametrize("name", FORMS)
def test_what_a_file_is_is_told_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(FORMS[name])
    done = run("transform", file, "--config", CONFIG)
    first, *rest = done.stderr.decode().splitlines()
    told = first.removeprefix(f"Error: {file} is ").split(", not JSON")[0]
    assert (done.returncode, done.stdout) == (2, b"")
    assert name.startswith(told)
    assert not any("Ada" in line or "ada@" in line for line in rest)


def test_an_sqlite_database_is_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE x (y)")
    connection.close()
    form = format_of((tmp_path / "x.db").read_bytes()[:100])
    assert form is not None
    assert form.name == "an SQLite database"


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"hello",
        b"hello, world\n{}\n",
        b"a,b\n[1]\n",
        b"a,b\n1\n2\n",
        b"a,b\n1,2,3\n",
        b"1,2\n3,4\n",
        b",\n,\n",
        b'{"a":1}\n{"a":2}\n',
        b'"a": 1,\n"b": 2,\n',
        b"\0\0\0\0",
        b"a" + b"b" * 200_000 + b",c\n",
        b"[",
        b"PK",
        b"\xff{",
        b"hello\0world",
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_may_be_broken_json_is_left_to_be_read(start: bytes) -> None:
    assert format_of(start) is None


@each_command
def test_each_command_names_the_encoding_and_the_cure(command: Callable[..., Done], tmp_path: Path) -> None:
    file = tmp_path / "some events"
    file.write_bytes(TEXT.encode("utf-16"))
    done = command(file)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[:3] == [
        f"Error: {file} is UTF-16, not JSON in UTF-8. To make NDJSON of it:",
        f"  iconv -f UTF-16 -t UTF-8 '{file}' > events.ndjson",
        f"  Get-Content -Encoding Unicode '{file}' | Set-Content -Encoding utf8 events.ndjson  # in Windows PowerShell",
    ]


@each_command
def test_each_command_tells_once_of_windows_1252(command: Callable[..., Done], tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_bytes(ndjson(PAGE) + json.dumps(PAGE, ensure_ascii=False).encode("cp1252") + b"\n")
    done = command(file)
    told = done.stderr.decode()
    assert told.count("Warning: ") == 1
    assert f"Warning: {file} is not all UTF-8: event 2 is not. If it is Windows-1252:\n" in told
    assert f"  iconv -f WINDOWS-1252 -t UTF-8 {file} > events.ndjson\n" in told
    assert "Ada" not in told


@each_command
def test_a_file_without_events_warns_or_ends_with_2_if_that_is_asked_for(
    command: Callable[..., Done], tmp_path: Path
) -> None:
    file = tmp_path / "events"
    for content in (b"", b"\n \n", b"[]", gzip.compress(b""), b'{"batch": []}\n'):
        file.write_bytes(content)
        done = command(file)
        assert f"Warning: {file} holds no events\n" in done.stderr.decode()
        assert done.returncode in {0, 1}  # 1: lint may find errors, a plan may not fit
        failed = command(file, "--fail-empty")
        assert failed.returncode == 2
        assert failed.stderr.decode().endswith(f"Error: {file} holds no events\n")
    file.write_bytes(ndjson(PAGE))
    assert b"holds no events" not in command(file, "--fail-empty").stderr


def test_standard_input_is_told_of_as_such() -> None:
    assert b"Warning: standard input holds no events\n" in run("transform", "-", "--config", CONFIG).stderr
    told = run("transform", "-", "--config", CONFIG, stdin=TEXT.encode("utf-16")).stderr.decode()
    assert "\n  iconv -f UTF-16 -t UTF-8 FILE > events.ndjson\n" in told


@pytest.mark.skipif("deliver" not in COMMANDS, reason="requests is not there")
def test_in_a_log_of_json_a_warning_is_a_line_of_it(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.touch()
    done = run("deliver", file, "--config", CONFIG, "--base-url", "http://127.0.0.1:1", "--log-format", "json")
    assert f"{file} holds no events" in [line["message"] for line in lines(done.stderr)]


def test_what_is_within_gzip_is_to_be_unpacked_first(tmp_path: Path) -> None:
    file = tmp_path / "events.gz"
    file.write_bytes(gzip.compress(b"Obj\x01\x04"))
    told = run("transform", file, "--config", CONFIG).stderr.decode().splitlines()
    assert told[1] == f"  gzip -dc {file} > unpacked"
    assert "read_avro('unpacked')" in told[2]
    file.write_bytes(gzip.compress(table()))
    assert "unpacked" not in run("transform", file, "--config", CONFIG).stderr.decode()


def test_what_follows_gzip_data_is_told_of_and_ignored(tmp_path: Path) -> None:
    file = tmp_path / "events.gz"
    file.write_bytes(gzip.compress(TEXT.encode()) + b"junk")
    done = run("transform", file, "--config", CONFIG)
    assert (done.returncode, len(lines(done.stdout))) == (0, 2)
    assert f"Warning: {file}: what follows the gzip data is not gzip data, and was ignored" in done.stderr.decode()


# --- the cures --------------------------------------------------------------------------------------------------------


@pytest.mark.process
@pytest.mark.skipif(shutil.which("iconv") is None or sys.platform == "win32", reason="iconv is not there")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp1252"])
def test_the_command_makes_events_of_another_encoding(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(TEXT.encode(encoding))
    told = run("transform", file, "--config", CONFIG).stderr.decode()
    command = next(line for line in told.splitlines() if line.startswith("  iconv"))
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)  # noqa: S602 - as it is to be pasted
    done = run("transform", tmp_path / "events-utf8.ndjson", "--config", CONFIG)
    assert (done.returncode, len(lines(done.stdout))) == (0, 2)
    assert file.read_bytes() == TEXT.encode(encoding)


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["people", "people's"])
def test_the_statement_makes_events_of_a_table(
    form: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("duckdb")
    duckdb: Any = import_module("duckdb")
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_bytes(table())
    file = f"{name}.{form}"
    read = "read_csv({file}, header = true)" if form == "csv" else "read_parquet({file})"
    if form == "parquet":
        duckdb.execute("COPY (FROM read_csv('people.csv', header = true)) TO 'people.parquet'")
    shutil.copy(f"people.{form}", "copy")
    Path("copy").rename(file)
    told = FileFormat("a table", source=read).advice(file)
    command = next(line for line in told.splitlines() if line.startswith("  duckdb -c "))
    duckdb.execute(command.removeprefix('  duckdb -c "').removesuffix('"'))
    (event,) = lines(Path("events.ndjson").read_bytes())
    assert event["type"] == "identify"
    assert event["traits"]["email"] == "ada@example.com"
    assert run("transform", "events.ndjson", "--config", CONFIG).returncode == 0


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such shell")
@pytest.mark.parametrize("name", ["a b", "a'b", "a$(x)", "`x`", "-x", 'a"b', "a!b", "a\\b"])
def test_a_name_stays_a_name_in_a_command(name: str) -> None:
    def words(command: str) -> list[str]:
        """As a shell takes the command apart."""
        argv = ["/bin/sh", "-c", f"printf '%s\\0' {command}"]
        return subprocess.run(argv, check=True, capture_output=True).stdout.decode().split("\0")[:-1]

    iconv, powershell = recoding(name, "UTF-16", "Unicode")
    assert words(iconv.rpartition(" > ")[0])[-1] == name
    in_quotes = "'{}'".format(name.replace("'", "''"))
    assert f" {in_quotes} | " in powershell
    form = FileFormat("a table", source="read_parquet({file})")
    *_, statement = words(form.advice(name).splitlines()[1])
    assert f"read_parquet({in_quotes})" in statement
