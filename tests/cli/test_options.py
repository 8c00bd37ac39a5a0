"""Options that contradict each other."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gainsight_dest.batching.defaults import BATCH, CALLS_PER_DAY, CALLS_PER_MINUTE, LINGER, WORKERS
from gainsight_dest.cli.app import cli
from gainsight_dest.cli.options import refuse_contradictions
from gainsight_dest.plan import Limits
from tests.cli.process import CONFIG, EVENTS, run
from tests.needs import need


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("--batch 10 --no-batch", "--no-batch and --batch"),
        ("--batch 2000 --no-batch", "--no-batch and --batch"),
        ("--linger 1 --no-batch", "--no-batch and --linger"),
        ("--dry-run --journal run.db", "--dry-run and --journal"),
        ("--dry-run --retry-failed --journal run.db", "--dry-run and --journal"),
        ("--dry-run --keep-events", "--dry-run and --keep-events"),
        ("--dry-run --metrics-file m.prom", "--dry-run and --metrics-file"),
        ("--dry-run --format json", "--dry-run and --format"),
        ("--dry-run --report run.db", "--dry-run and --report"),
        ("--report run.db", "--report and EVENTS"),
        ("--quiet --verbose", "--quiet and --verbose"),
    ],
)
def test_options_that_contradict_each_other_are_refused(given: str, told: str) -> None:
    done = run("deliver", EVENTS, "--config", CONFIG, *given.split())
    assert done.returncode == 2
    assert f"{told} contradict each other: leave one of them out" in done.stderr.decode()
    assert done.stdout == b""


@pytest.mark.parametrize("option", ["--journal x", "--errors x", "--metrics-file x", "--log-format json", "--verbose"])
def test_a_report_goes_not_with_what_speaks_of_a_delivery(option: str) -> None:
    done = run("deliver", "--report", "run.db", *option.split())
    assert done.returncode == 2
    assert f"--report and {option.split(maxsplit=1)[0]} contradict each other" in done.stderr.decode()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("explain {events} --html x.html --format json", "--html and --format contradict each other"),
        ("explain {events} --html x.html --format text", "--html and --format contradict each other"),
        ("explain {events} --destination x", "--destination needs --config"),
        ("transform {events} --destination x", "--destination needs --config"),
        ("plan {events} --destination x", "--destination needs --config"),
        (
            "plan {events} --budget 50% --calls-per-minute 0 --calls-per-day 0",
            "--budget and --calls-per-minute contradict each other",
        ),
        ("sandbox --destination x", "--destination needs --config"),
        ("lint --config {config} --fail-empty", "--fail-empty needs --events"),
    ],
)
def test_other_commands_refuse_what_they_would_leave_out_in_silence(
    command: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*command.format(events=EVENTS, config=CONFIG).split())
    assert done.returncode == 2
    assert told in done.stderr.decode()
    assert done.stdout == b""
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "command",
    [
        "explain {events} --config {config} --summary --format json --lost --mask",
        "explain {events} --config {config} --destination x --event 1",
        "plan {events} --budget 50% --calls-per-minute 0",
    ],
)
def test_what_goes_together_is_not_refused(command: str) -> None:
    done = run(*command.format(events=EVENTS, config=CONFIG).split())
    assert b"Usage" not in done.stderr


def test_a_variable_for_several_commands_may_have_no_use_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAINSIGHT_DEST_DESTINATION", "x")
    assert run("plan", EVENTS).returncode in {0, 1}


@pytest.mark.parametrize(
    "files", [("--output x --errors x", "x is the file of --output: name another file for --errors")]
)
def test_what_transform_writes_is_not_written_over_another_file_of_the_run(
    files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options, problem = files
    done = run("transform", EVENTS, "--config", CONFIG, *options.split())
    assert (done.returncode, done.stderr.decode()) == (2, f"Error: {problem}\n")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("option", ["--output", "--errors"])
def test_what_transform_writes_is_not_written_over_the_config(option: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_bytes(CONFIG.read_bytes())
    done = run("transform", EVENTS, "--config", config, option, tmp_path / "." / "config.json")
    assert done.returncode == 2
    assert f"is the config: name another file for {option}" in done.stderr.decode()
    assert config.read_bytes() == CONFIG.read_bytes()


# --- with variables ---------------------------------------------------------------------------------------------------


@click.command()
@click.argument("file", required=False)
@click.option("--plain", is_flag=True, envvar=["T_PLAIN"])
@click.option("-s", "--size", type=int, default=3, envvar=["T_SIZE", "SIZE"])
def _command(**_: object) -> None:
    refuse_contradictions({"plain": ("size", "file", "no_such_option")})


@pytest.mark.parametrize(
    ("arguments", "env", "told"),
    [
        ([], {}, None),
        (["--plain"], {}, None),
        (["-s", "3"], {"T_PLAIN": "false"}, None),
        (["--plain", "-s", "3"], {}, "--plain and --size contradict"),
        (["--plain", "f"], {}, "--plain and FILE contradict"),
        (["--plain"], {"T_SIZE": "3"}, "--plain and --size (of the variable T_SIZE) contradict"),
        (["--size", "3"], {"T_PLAIN": "1"}, "--plain (of the variable T_PLAIN) and --size contradict"),
        (["--plain"], {"SIZE": "3"}, "--plain and --size (of the variable SIZE) contradict"),
    ],
)
def test_one_that_comes_by_a_variable_contradicts_too(
    arguments: list[str], env: dict[str, str], told: str | None
) -> None:
    done = CliRunner().invoke(_command, arguments, env=env)
    assert done.exit_code == (0 if told is None else 2), done.output
    assert (told or "") in done.output


def defaults(call: Callable[..., object]) -> dict[str, object]:
    """The defaults of its parameters, by their names."""
    return {name: each.default for name, each in inspect.signature(call).parameters.items()}


@pytest.mark.parametrize("command", ["deliver", "plan", "sandbox"])
def test_the_limits_of_a_tenant_are_the_same_on_the_command_line_and_in_the_library(command: str) -> None:
    need("deliver", "sandbox")
    from gainsight_dest.deliver import Deliverer  # noqa: PLC0415 - needs that extra
    from gainsight_dest.deliver.budget import Budget  # noqa: PLC0415 - the same
    from gainsight_dest.deliver.shards import Shards  # noqa: PLC0415 - the same
    from gainsight_dest.sandbox import Sandbox  # noqa: PLC0415 - the same

    limits = {"calls_per_minute": CALLS_PER_MINUTE, "calls_per_day": CALLS_PER_DAY}
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    assert {option.name: option.default for option in found.params if option.name in limits} == limits
    for call in (Deliverer, Budget, Shards, Sandbox, Limits):
        assert limits.items() <= defaults(call).items(), call


def test_what_a_sender_merges_and_how_many_calls_it_makes_at_once_stands_in_one_place() -> None:
    need("deliver")
    from gainsight_dest.deliver.shards import Shards  # noqa: PLC0415 - needs that extra

    found = cli.get_command(click.Context(cli), "deliver")
    assert found is not None
    options = {option.name: option.default for option in found.params}
    assert (options["workers"], options["batch"], options["linger"]) == (WORKERS, BATCH, LINGER)
    assert {"workers": WORKERS, "batch": BATCH}.items() <= defaults(Shards).items()
