"""The commands without the libraries that they need."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from gainsight_dest.cli import files
from tests.cli.process import CONFIG, EVENTS, Done, run, run_process, wrong_use

SERVE = ("falcon", "httptools", "isal", "prometheus_client", "uvicorn")
EXTRAS = ("requests", "pyrate_limiter", "cheroot", "jinja2", *SERVE)


def run_without(*modules: str, arguments: list[object]) -> Done:
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name.split('.')[0] in {modules!r}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import importlib.util as util; find = util.find_spec\n"
        f"util.find_spec = lambda name, *_: None if name in {modules!r} else find(name)\n"
        "from gainsight_dest.cli import main; main()"
    )
    return run_process(*arguments, program=[sys.executable, "-c", program])


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["deliver", EVENTS, "--config", CONFIG],
            "deliver needs requests, pyrate-limiter: pip install 'gainsight-dest[cli,deliver]'",
        ),
        (
            ["deliver", "--report", EVENTS],
            "deliver needs requests, pyrate-limiter: pip install 'gainsight-dest[cli,deliver]'",
        ),
        (["check", "--config", CONFIG], "check needs requests: pip install 'gainsight-dest[cli,deliver]'"),
        (["describe", "--config", CONFIG], "describe needs requests: pip install 'gainsight-dest[cli,deliver]'"),
        (["sandbox"], "sandbox needs cheroot, jinja2: pip install 'gainsight-dest[cli,sandbox]'"),
        (
            ["demo"],
            "demo needs requests, pyrate-limiter, cheroot, jinja2: pip install 'gainsight-dest[cli,deliver,sandbox]'",
        ),
        (
            ["serve", "--port", 0],
            "serve needs falcon, httptools, isal, prometheus-client, requests, uvicorn: "
            "pip install 'gainsight-dest[cli,serve]'",
        ),
    ],
    ids=["deliver", "deliver --report", "check", "describe", "sandbox", "demo", "serve"],
)
def test_a_command_without_its_extra_says_what_to_install(arguments: list[object], message: str) -> None:
    assert wrong_use(run_without(*EXTRAS, arguments=arguments)) == message


def test_only_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "find_spec", lambda name: None if name == "pyrate_limiter" else find_spec("json"))
    problem = wrong_use(run("deliver", EVENTS, "--config", CONFIG))
    assert problem == "deliver needs pyrate-limiter: pip install 'gainsight-dest[cli,deliver]'"


@pytest.mark.again
@pytest.mark.process
@pytest.mark.parametrize("command", [["transform"], ["deliver", "--dry-run"]])
def test_what_sends_nothing_needs_no_extra(command: list[object]) -> None:
    done = run_without(*EXTRAS, arguments=[*command, EVENTS, "--config", CONFIG])
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == len(EVENTS.read_bytes().splitlines())
