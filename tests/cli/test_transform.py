"""`gainsight-dest transform`: files, pipes, a terminal, Ctrl-C."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from gainsight_dest import __version__, cli
from tests.cli import process
from tests.cli.process import CONFIG, EVENTS
from tests.cli.terminal import SHOW_CURSOR, on_a_terminal, plain, run_on_a_terminal
from tests.some import identify

ADA = identify() | {"messageId": "m-1"}


def transformed(*arguments: object, stdin: bytes = b"") -> process.Done:
    return process.run("transform", *arguments, stdin=stdin)


def test_every_event_of_the_examples_gives_one_line_in_order() -> None:
    done = transformed(EVENTS, "--config", CONFIG)
    found = process.lines(done.stdout)
    assert done.returncode == 1
    assert [line["number"] for line in found] == list(range(1, len(EVENTS.read_bytes().splitlines()) + 1))
    assert all(sum(key in line for key in ("requests", "error", "skipped")) == 1 for line in found)
    assert found[0]["requests"][0]["body"] == {
        "Email": "user@email.com",
        "FirstName": "John",
        "LastName": "Doe",
        "Name": "John Doe",
        "Comments": "example identify call",
    }


def test_the_closing_table_counts_by_type_and_by_kind_of_error() -> None:
    done = transformed(EVENTS, "--config", CONFIG)
    found = process.lines(done.stdout)
    table = done.stderr.decode()
    kinds = [sum(key in line for line in found) for key in ("skipped", "error")]
    calls = sum(3 if line["type"].strip().lower() == "group" else 1 for line in found if "requests" in line)
    assert re.search(rf"^all +{len(found)} +{calls} +{kinds[0]} +{kinds[1]}$", table, re.MULTILINE)
    first = next(line for line in found if line.get("error", {}).get("path") == "traits.email")
    row = rf"^ +1 +{first['number']} +EventError +{re.escape(first['error']['message'])} *$"
    assert re.search(row, table, re.MULTILINE)


@pytest.mark.parametrize("form", ["array", "gzipped array", "gzipped lines"])
def test_any_form_of_the_same_events_gives_the_same_requests(form: str, tmp_path: Path) -> None:
    good = [line for line in EVENTS.read_bytes().splitlines() if line.startswith(b"{") and line.endswith(b"}")]
    array = json.dumps([json.loads(line) for line in good], indent=1).encode()
    data = {
        "array": array,
        "gzipped array": gzip.compress(array, mtime=0),
        "gzipped lines": gzip.compress(b"\n".join(good), mtime=0),
    }
    file = tmp_path / "events"
    file.write_bytes(data[form])
    assert process.lines(transformed(file, "--config", CONFIG).stdout) == process.lines(
        transformed("-", "--config", CONFIG, stdin=b"\n".join(good)).stdout
    )


def test_all_well_ends_with_0() -> None:
    done = transformed("-", "--config", CONFIG, stdin=process.ndjson(ADA))
    assert done.returncode == 0
    assert len(process.lines(done.stdout)) == 1


def test_an_empty_input_is_all_well() -> None:
    done = transformed("-", "--config", CONFIG)
    assert (done.returncode, done.stdout) == (0, b"")


def test_no_secret_shows_unless_asked_for() -> None:
    settings = json.loads(CONFIG.read_text("utf8"))["Config"]
    secrets = {settings["accessKey"].encode(), settings["sharedSecret"].encode()}
    hidden, shown = (
        transformed(EVENTS, "--config", CONFIG),
        transformed(EVENTS, "--config", CONFIG, "--show-secrets"),
    )
    assert not any(secret in hidden.stdout + hidden.stderr for secret in secrets)
    assert all(secret in shown.stdout for secret in secrets)
    assert not any(secret in shown.stderr for secret in secrets)


def test_events_at_fault_can_be_mended_and_run_again(tmp_path: Path) -> None:
    errors, again = tmp_path / "errors.ndjson", tmp_path / "again.ndjson"
    first = process.lines(transformed(EVENTS, "--config", CONFIG, "--errors", errors).stdout)
    at_fault = [line for line in first if "error" in line]
    kept = process.lines(errors.read_bytes())
    assert [(line["number"], line["error"]) for line in kept] == [(line["number"], line["error"]) for line in at_fault]

    assert len(process.lines(transformed(errors, "--config", CONFIG, "--errors", again).stdout)) == len(at_fault)
    assert len(process.lines(again.read_bytes())) == len(at_fault)

    (fixed,) = (
        line for line in kept if line["error"]["path"] == "traits.email" and line["error"]["message"][-4:] == "null"
    )
    fixed["message"].setdefault("traits", {})["email"] = "fixed@example.com"
    done = transformed("-", "--config", CONFIG, stdin=json.dumps(fixed).encode())
    assert done.returncode == 0
    assert process.lines(done.stdout)[0]["requests"][0]["body"]["Email"] == "fixed@example.com"


def test_without_a_config_each_event_needs_a_destination_of_its_own() -> None:
    nested = {"message": ADA, "destination": {"Config": {"domain": "own.example.org", "accessKey": "k"}}}
    done = transformed("-", stdin=json.dumps(nested).encode())
    assert done.returncode == 0
    assert process.lines(done.stdout)[0]["requests"][0]["url"] == "https://own.example.org/v1.0/api/people"
    done = transformed("-", stdin=process.ndjson(ADA))
    assert done.returncode == 2
    assert done.stderr == b"Error: event 1 carries no destination of its own: name one with --config FILE\n"


def test_a_config_at_fault_ends_with_2_and_lists_every_problem(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text('{"domain": "localhost", "accessKey": 5}')
    done = transformed(EVENTS, "--config", file)
    assert (done.returncode, done.stdout) == (2, b"")
    head, *problems = done.stderr.decode().splitlines()
    assert head == f"Error: {file} is not a destination config:"
    assert [problem.split(":")[0].strip() for problem in problems] == ["domain", "accessKey"]

    file.write_text('{\n"domain": }')
    assert (
        transformed(EVENTS, "--config", file).stderr.decode()
        == f"Error: {file}: not JSON at line 2, column 11: Expecting value\n"
    )


@pytest.mark.parametrize("arguments", [[], ["no-such-file"], [EVENTS, "--config", "no-such-file"], [EVENTS, "--what"]])
def test_wrong_use_ends_with_2_and_says_how_it_goes(arguments: list[object]) -> None:
    done = transformed(*arguments)
    assert done.returncode == 2
    assert b"Usage: gainsight-dest transform [OPTIONS] EVENTS" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_file_that_is_read_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(process.ndjson(ADA))
    for option in ("--errors", "--output"):
        done = transformed(file, "--config", CONFIG, option, tmp_path / "." / "events.ndjson")
        assert done.returncode == 2
        assert b"is the file that the events come from" in done.stderr
    assert json.loads(file.read_bytes()) == ADA


def test_a_place_that_cannot_be_written_to_ends_with_2(tmp_path: Path) -> None:
    done = transformed(EVENTS, "--config", CONFIG, "--output", tmp_path / "none" / "out")
    assert done.returncode == 2
    assert done.stderr.decode().endswith("cannot be written: No such file or directory\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
@pytest.mark.parametrize("option", ["--output", "--errors"])
def test_a_full_disk_ends_with_2_and_a_plain_word(option: str) -> None:
    done = transformed(EVENTS, "--config", CONFIG, option, "/dev/full")
    assert done.returncode == 2
    assert done.stderr == b"Error: /dev/full cannot be written: No space left on device\n"


def test_events_that_a_broken_file_holds_no_more_are_not_among_those_to_mend(tmp_path: Path) -> None:
    errors = tmp_path / "errors.ndjson"
    done = transformed("-", "--config", CONFIG, "--errors", errors, stdin=b'[{"type": "identify"}, {"type"')
    assert done.returncode == 1
    assert [line["error"]["kind"] for line in process.lines(done.stdout)] == ["EventError", "NotJSON"]
    assert [line["number"] for line in process.lines(errors.read_bytes())] == [1]


def test_output_goes_to_a_file_if_one_is_named(tmp_path: Path) -> None:
    done = transformed(EVENTS, "--config", CONFIG, "--output", tmp_path / "out.ndjson")
    assert done.stdout == b""
    assert (tmp_path / "out.ndjson").read_bytes() == transformed(EVENTS, "--config", CONFIG, "--output", "-").stdout


@pytest.mark.process
def test_a_closed_pipe_ends_quietly() -> None:
    shell = f"{' '.join(process.PROGRAM)} transform - --config {CONFIG} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = process.run_process(program=["bash", "-c", shell], stdin=process.ndjson(ADA) * 20_000)
    assert len(process.lines(done.stdout)) == 1
    assert done.stderr == b""
    assert done.returncode == 141


def test_a_reader_that_has_gone_ends_it_quietly() -> None:
    theirs, ours = os.pipe()
    os.close(theirs)
    with os.fdopen(ours, "wb") as stdout:
        done = process.run("transform", EVENTS, "--config", CONFIG, stdout=stdout)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.process
def test_ctrl_c_ends_quietly_and_keeps_the_errors_so_far(tmp_path: Path) -> None:
    errors = tmp_path / "errors.ndjson"
    with process.started("transform", "-", "--config", CONFIG, "--errors", errors) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(b'{"type": "identify"}\n' + process.ndjson(ADA) * 600)
        program.stdin.flush()
        program.stdout.readline()
        program.stdout.readline()  # the second is out, so the first is done with
        program.send_signal(signal.SIGINT)
        _, stderr = program.communicate(timeout=process.LONGEST)
    assert program.returncode == 130
    assert stderr.strip() == b""
    assert len(process.lines(errors.read_bytes())) == 1


@pytest.mark.process
def test_a_terminal_shows_a_bar_with_a_rate_and_a_pipe_does_not(tmp_path: Path) -> None:
    arguments = ["transform", EVENTS, "--config", CONFIG]
    assert b"events/s" in on_a_terminal(*arguments, "--output", tmp_path / "out", at=("stderr",)).stdout
    assert b"events/s" not in on_a_terminal(*arguments, at=("stderr",)).stdout
    assert b"events/s" not in process.run(*arguments).stderr


def test_on_a_terminal_the_bar_stays_below_the_lines_and_goes_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_bytes(process.ndjson(ADA) * 25)
    done = run_on_a_terminal("transform", file, "--config", CONFIG)
    assert done.returncode == 0
    shown, tables = (plain(part) for part in done.stdout.decode().rsplit(SHOW_CURSOR, 1))
    printed = [line for line in re.split(r"[\r\n]+", shown) if line]
    records = [json.loads(line[line.index("{") :]) for line in printed if "{" in line]  # rich 13.3: after a bar
    assert [record["number"] for record in records] == list(range(1, 26))
    assert re.search(r" 25 events [\d,]+ events/s", printed[-1])
    assert re.search(r"^all +25 +25 +0 +0 *$", tables, re.MULTILINE)
    assert "events/s" not in tables


@pytest.mark.long
@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak memory from Linux's /proc")
def test_memory_stays_flat_over_many_events(tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    file.write_bytes(EVENTS.read_bytes() * 200)
    program = (
        "from gainsight_dest.cli.app import cli\n"
        f"arguments = ['transform', {str(file)!r}, '--config', {str(CONFIG)!r}, '--output', '/dev/null']\n"
        "cli.main(arguments, standalone_mode=False)\n"
        "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = process.run_process(program=[sys.executable, "-c", program])
    assert done.returncode == 0
    assert file.stat().st_size > 10_000_000
    assert int(done.stdout) < 80_000  # KiB; the interpreter with what it imports takes most of it


@pytest.mark.process
def test_help_and_version_are_there() -> None:
    assert b"transform" in process.run_process("-h").stdout
    assert process.run("--version").stdout.decode() == f"gainsight-dest, version {__version__}\n"
    assert b"Exit status: 0 all well" in transformed("--help").stdout


WITHOUT_RICH = "The command line needs rich: pip install 'gainsight-dest[cli]'\n"


@pytest.mark.process
def test_without_its_extra_the_command_line_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['rich'] = None; import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name: None if name == 'rich' else find(name)\n"
        "from gainsight_dest.cli import main; main()"
    )
    done = process.run_process(program=[sys.executable, "-c", program])
    assert (done.returncode, done.stderr.decode()) == (2, WITHOUT_RICH)


def test_without_its_extra_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "rich" else find_spec(name))
    done = transformed(EVENTS, "--config", CONFIG)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", WITHOUT_RICH)
