"""Standard streams as a shell may leave them: closed, of another encoding, with a reader that goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gainsight_dest.cli import streams
from tests.cli.process import CONFIG, EVENTS, LONGEST, PROGRAM, called, lines, piped, run

#: Each of them prints letters that few encodings have, in tables and in JSON.
COMMANDS: dict[str, tuple[object, ...]] = {
    "explain --summary": ("explain", EVENTS, "--config", CONFIG, "--summary"),
    "explain": ("explain", EVENTS, "--config", CONFIG),
    "explain as json": ("explain", EVENTS, "--config", CONFIG, "--format", "json"),
    "lint as json": ("lint", "--config", CONFIG, "--events", EVENTS, "--format", "json"),
    "lint": ("lint", "--config", CONFIG, "--events", EVENTS),
    "transform": ("transform", EVENTS, "--config", CONFIG),
    "plan": ("plan", EVENTS, "--config", CONFIG),
    "schema": ("schema",),
}


@pytest.mark.again
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf8", "utf-16"])
@pytest.mark.parametrize("name", COMMANDS)
def test_what_an_encoding_has_no_letter_for_is_escaped(name: str, encoding: str) -> None:
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        with (
            piped(b"") as source,
            os.fdopen(os.dup(printed.fileno()), "w", encoding=encoding) as out,
            os.fdopen(os.dup(errors.fileno()), "w", encoding=encoding) as err,
        ):
            status = called(COMMANDS[name], stdin=source, stdout=out, stderr=err)
        printed.seek(0)
        text = printed.read()
    assert status in {0, 1}
    if name in {"explain as json", "transform"}:
        assert len(lines(text)) == 78
    elif name == "lint as json":
        assert json.loads(text.decode(encoding))["findings"]


def test_half_an_emoji_is_escaped(tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.write_bytes(b'{"type": "\\ud83d", "messageId": "\\ud83d"}\n')
    for command in ("transform", "explain", "plan"):
        done = run(command, events, "--config", CONFIG)
        assert done.returncode in {0, 1}
        assert rb"\ud83d" in done.stdout


def shell(command: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """A command of a shell, in which $G is gainsight-dest, $E and $C are the example's events and config."""
    names = {"G": " ".join(PROGRAM), "E": str(EVENTS), "C": str(CONFIG)}
    return subprocess.run(
        ["/bin/bash", "-c", command],
        env={**os.environ, **names, **more},
        capture_output=True,
        timeout=LONGEST,
        check=False,
    )


MORE_STREAMS = [
    ("$G transform $E --config $C >&-", 1),
    ("$G transform $E --config $C 2>&-", 1),
    ("$G transform - --config $C <&-", 0),
    ("$G plan nothing --config $C 2>&-", 2),
    ("$G explain $E --config $C --summary | true; exit ${PIPESTATUS[0]}", 141),
    ("$G lint --config $C --events $E | true; exit ${PIPESTATUS[0]}", 141),
    ("[ ! -e /dev/full ] && exit 2; echo '{}' | $G lint --config /dev/stdin --format json >/dev/full", 2),
    ("echo '{}' | $G lint --config /dev/stdin --format json | true; exit ${PIPESTATUS[1]}", 141),
    ("$G explain $E --config $C 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}", 141),
    ("PYTHONIOENCODING=cp1252:strict $G explain $E --config $C --summary", 1),
    ("TERM=dumb NO_COLOR=1 COLUMNS=1 $G plan $E --config $C", 0),
]


@pytest.mark.again
@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such shell")
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("$G explain $E --config $C --summary >&- 2>&- <&-", 1),
        ("$G explain $E --config $C | true; exit ${PIPESTATUS[0]}", 141),
        ("$G lint --config $C --format json | true; exit ${PIPESTATUS[0]}", 141),
        ("[ ! -e /dev/full ] && exit 2; $G transform $E --config $C >/dev/full", 2),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 $G explain $E --config $C --summary", 1),
        *(pytest.param(*each, marks=pytest.mark.long) for each in MORE_STREAMS),
    ],
)
def test_streams_may_be_closed_or_go_away(command: str, status: int) -> None:
    done = shell(f"set -o pipefail; {command}")
    assert done.returncode == status, done
    assert b"Traceback" not in done.stderr, done.stderr
    assert b"Exception" not in done.stderr, done.stderr


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such shell")
def test_a_closed_stream_is_no_file_that_is_written(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    done = shell("$G explain $E --config $C --summary --html $F >&- 2>&-", F=str(errors))
    assert done.returncode == 1
    assert errors.read_bytes().startswith(b"<!doctype html>")
    assert b"identify   traits" not in errors.read_bytes()


def test_a_config_with_many_problems_is_told_some_of_them(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(json.dumps({"domain": "a.example", "personMap": [1] * 5000}), "utf8")
    done = run("transform", EVENTS, "--config", config)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-1] == "  and 4,900 more"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe{", "not UTF-8 at byte"),
        (b"\xff", "not UTF-8 at byte 1"),
        (b"", "not JSON at column 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"domain": ' + b"9" * 5000 + b"}", "a number is too long"),
        (None, "irectory"),
        (b" " * 2000, "is longer than 1,000 bytes"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_config_may_be_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, told: str
) -> None:
    if content == b" " * 2000:
        monkeypatch.setattr("gainsight_dest.cli.files.LONGEST_FILE", 1000)
    config = tmp_path / "config"
    if content is None:
        config.mkdir()
    else:
        config.write_bytes(content)
    for command in ("transform", "explain", "plan", "lint"):
        done = run(command, *([] if command == "lint" else [EVENTS]), "--config", config)
        assert done.returncode == 2, done
        assert b"Traceback" not in done.stderr
        assert told in done.stderr.decode()


def test_a_stream_that_is_closed_is_opened_to_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "dup2", lambda given, number: opened.append((given, number)))
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(sys, name, None)
    streams.open_streams()
    assert [number for _, number in opened] == [0, 1]
    assert all(os.path.samestat(os.fstat(given), Path(os.devnull).stat()) for given, _ in opened)
    assert (sys.stdin.mode, sys.stdin.fileno(), sys.stdout.mode, sys.stdout.fileno()) == ("r", 0, "w", 1)
    assert "€\ud83d".encode(sys.stdout.encoding, str(sys.stdout.errors)) == "€\\ud83d".encode()
    for given, _ in opened:
        os.close(given)
