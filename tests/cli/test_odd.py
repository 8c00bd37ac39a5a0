"""Whatever is in events, configs and answers: no command fails at it, and none of it steers a terminal."""

from __future__ import annotations

import ast
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import gainsight_dest.cli
from gainsight_dest import DestinationConfig
from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.server import Server
from tests.cli.odd import CONFIG, STEERS, WORD, hostile_lines, odd_texts
from tests.cli.process import Done, run
from tests.cli.terminal import plain, run_on_a_terminal
from tests.some import FREE

#: Each command, with E for the file of events, C for that of the config, D for a folder, U for the address of a host.
READING: dict[str, list[str]] = {
    "transform": ["transform", "E", "--config", "C", "--errors", "D/errors"],
    "explain": ["explain", "E", "--config", "C"],
    "explain as json": ["explain", "E", "--config", "C", "--format", "json"],
    "explain masked": ["explain", "E", "--config", "C", "--mask"],
    "explain --summary": ["explain", "E", "--config", "C", "--summary", "--html", "D/page.html"],
    "explain --summary as json": ["explain", "E", "--config", "C", "--summary", "--format", "json"],
    "lint": ["lint", "--config", "C", "--events", "E"],
    "lint as json": ["lint", "--config", "C", "--events", "E", "--format", "json"],
    "lint for github": ["lint", "--config", "C", "--events", "E", "--format", "github"],
    "plan": ["plan", "E", "--config", "C"],
    "plan as json": ["plan", "E", "--config", "C", "--format", "json"],
    "deliver --dry-run": ["deliver", "E", "--config", "C", "--dry-run"],
}
_LIMITS = ["--calls-per-minute", "0", "--calls-per-day", "0"]
DELIVER = [
    "deliver",
    "E",
    "--config",
    "C",
    "--base-url",
    "U",
    *_LIMITS,
    "--errors",
    "D/letters",
    "--journal",
    "D/run.db",
]
VERBOSE = [*DELIVER, "--verbose", "--no-batch"]
REPORT = ["deliver", "--report", "D/run.db"]

#: Where the word is not told, or not as such.
SILENT = {"plan as json", "explain masked"}


def arguments(form: list[str], folder: Path, url: str = "") -> list[str]:
    names = {"E": str(folder / "events"), "C": str(folder / "config.json"), "U": url}
    return [names.get(each, each.replace("D/", f"{folder}/")) for each in form]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    (tmp_path / "events").write_bytes(hostile_lines())
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), "utf8")
    return tmp_path


class _Hostile(BaseHTTPRequestHandler):
    """Answers each call with the word, in all that is read of an answer."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {"result": False, "errorCode": WORD, "errorDesc": WORD, "requestId": WORD}
        told["data"] = {"message": WORD, "errors": [{"errors": [{"fieldName": WORD, "errorCode": WORD}]}]}
        body = json.dumps(told).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = _answer  # noqa: N815 - as the library wants them called

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def hostile_host() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Hostile) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def check_shown(text: str) -> None:
    """Nothing in it steers a terminal, or is not seen."""
    assert STEERS not in text
    odd = {letter for letter in plain(text) if not (letter.isprintable() or letter in "\n\r")}
    assert not odd


def check_printed(done: Done) -> None:
    assert done.returncode in {0, 1}, done
    text = (done.stdout + done.stderr).decode()
    assert "\x1b" not in text
    check_shown(text)


@pytest.mark.again
@pytest.mark.parametrize("name", READING)
def test_no_word_of_an_event_or_a_config_is_printed_raw(hostile: Path, name: str) -> None:
    given = arguments(READING[name], hostile)
    check_printed(done := run(*given))
    assert name in SILENT or b"7777m" in done.stdout + done.stderr
    if "json" in name:
        json.loads(done.stdout.splitlines()[0] if name == "explain as json" else done.stdout)
    shown = run_on_a_terminal(*given)
    assert shown.returncode == done.returncode
    check_shown(shown.stdout.decode())


def test_no_word_of_an_answer_is_either(hostile: Path, caplog: pytest.LogCaptureFixture) -> None:
    with hostile_host() as url:
        check_printed(done := run(*arguments(VERBOSE, hostile, url)))
        assert b"7777m" in done.stdout
        check_shown(caplog.text)
        again = [*DELIVER, "--retry-failed"]
        check_shown(run_on_a_terminal(*arguments(again, hostile, url)).stdout.decode())
    check_printed(run(*arguments(REPORT, hostile)))
    check_shown(run_on_a_terminal(*arguments(REPORT, hostile)).stdout.decode())
    check_shown((hostile / "letters").read_text("utf8"))


@pytest.mark.parametrize("form", ["{{}}", '{{"Config": {config}}}', "[{config}]", '"{{"'], ids=str)
def test_nor_is_a_word_of_a_config_at_fault(tmp_path: Path, form: str) -> None:
    odd = {**CONFIG, "domain": WORD, "accessKey": f"{WORD}", "personMap": {WORD: 1, f"x{WORD}": WORD}}
    (tmp_path / "events").write_bytes(b"{}\n")
    (tmp_path / "config.json").write_text(form.format(config=json.dumps(odd)), "utf8")
    for given in READING.values():
        done = run(*arguments(given, tmp_path))
        assert done.returncode in {1, 2}
        check_shown((done.stdout + done.stderr).decode())


def test_names_of_files_are_not_printed_raw(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"f\xff" + "\x1b[7777m\u202e\n".encode())
    folder.mkdir()
    (folder / "events").write_bytes(hostile_lines())
    (folder / "config.json").write_text(json.dumps(CONFIG), "utf8")
    for name, form in READING.items():
        done = run(*arguments(form, folder))
        assert done.returncode in {0, 1}, name
        check_printed(done)
    (folder / "config.json").write_bytes(b"{")
    for form in READING.values():
        done = run(*arguments(form, folder))
        assert done.returncode == 2
        check_shown(done.stderr.decode())


@pytest.mark.again
@pytest.mark.parametrize("in_an_array", [False, pytest.param(True, marks=pytest.mark.long)], ids=["lines", "array"])
def test_no_command_fails_at_odd_events(tmp_path: Path, in_an_array: bool) -> None:
    texts = list(odd_texts(300 if "CI" in os.environ else 100, broken=not in_an_array))
    (tmp_path / "events").write_bytes(b"[" + b",\n".join(texts) + b"]" if in_an_array else b"\n".join(texts))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), "utf8")
    for form in READING.values():
        check_printed(done := run(*arguments(form, tmp_path)))
        assert form[0] != "transform" or len(done.stdout.splitlines()) == len(texts)
    with Server(Sandbox(DestinationConfig.from_rudderstack(CONFIG), **FREE)) as server:
        check_printed(run(*arguments(DELIVER, tmp_path, server.url)))
    check_printed(run(*arguments(REPORT, tmp_path)))


def test_commands_print_by_what_escapes() -> None:
    """No `print`, no console but those of `show`: a new command cannot forget it."""
    folder = Path(gainsight_dest.cli.__file__).parent
    raw = {"print", "echo", "secho", "Console"}
    found = [
        (path.name, getattr(node.func, "attr", getattr(node.func, "id", "")))
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf8")))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) in raw or getattr(node.func, "attr", None) in raw - {"print"})
    ]
    assert sorted(set(found)) == [("__init__.py", "print"), ("schema.py", "echo"), ("serve.py", "echo")]
