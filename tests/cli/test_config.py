"""The destination that a command is given: any export of RudderStack's, JSON or YAML, and keys of the environment."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest

from gainsight_dest.cli.app import COMMANDS, cli
from gainsight_dest.cli.config import fixed_config
from gainsight_dest.cli.files import WrongInputError
from tests.cli.process import Done, ndjson, run
from tests.some import ADA, SETTINGS, identify, track

YAML = pytest.mark.skipif(find_spec("ruamel") is None, reason="YAML needs ruamel.yaml")
EVENTS = ndjson(track(contract="k9"))
DEFINITION = {"destinationDefinition": {"name": "GAINSIGHT"}}


def file(folder: Path, content: Any, name: str = "config.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), "utf8")
    return path


def workspace(*names: str) -> dict[str, Any]:
    made = [
        {"id": f"id-{name}", "name": name, "config": {**SETTINGS, "topicName": name}, **DEFINITION} for name in names
    ]
    return {"sources": [{"destinations": made}, {"destinations": made[:1]}]}


def headers(*arguments: object, events: bytes = EVENTS, secrets: bool = True) -> dict[str, str]:
    """Those of the only request."""
    done = run("transform", "-", *arguments, *(["--show-secrets"] if secrets else []), stdin=events)
    assert done.returncode == 0, done.stderr
    sent: dict[str, str] = json.loads(done.stdout)["requests"][0]["headers"]
    return sent


def refused(*arguments: object) -> str:
    done = run("transform", "-", *arguments, stdin=EVENTS)
    assert (done.returncode, done.stdout) == (2, b"")
    return done.stderr.decode()


# --- exports ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", [lambda raw: raw, lambda raw: {"Config": raw}, lambda raw: {"type": "x", "config": raw}]
)
def test_a_config_alone_and_a_destination_are_taken(form: Any, tmp_path: Path) -> None:
    assert headers("--config", file(tmp_path, form(SETTINGS)))["topicName"] == "Tickets"


def test_the_one_gainsight_destination_of_a_workspace_is_taken(tmp_path: Path) -> None:
    assert headers("--config", file(tmp_path, workspace("one")))["topicName"] == "one"


def test_one_of_several_is_chosen_by_its_name_or_its_id(tmp_path: Path) -> None:
    given = file(tmp_path, workspace("one", "two"))
    for name in ("two", "id-two"):
        assert headers("--config", given, "--destination", name)["topicName"] == "two"


def test_with_several_and_no_choice_they_are_listed(tmp_path: Path) -> None:
    given = file(tmp_path, workspace("one", "t\nwo"))
    listed = ['  "one", id "id-one"', '  "t\\nwo", id "id-t\\nwo"', ""]
    text = refused("--config", given).split("\n")
    assert text[0].endswith("config.json holds several destinations: choose one with --destination NAME|ID:")
    assert text[1:] == listed
    assert 'no destination of the name or id "three"' in refused("--config", given, "--destination", "three")
    same = workspace("same", "same")
    for number, each in enumerate(same["sources"][0]["destinations"]):
        each["id"] = f"{number}"
    assert 'several destinations of the name or id "same"' in refused(
        "--config", file(tmp_path, same), "--destination", "same"
    )


def test_a_name_that_the_only_destination_does_not_have_is_refused(tmp_path: Path) -> None:
    given = file(tmp_path, {"Config": SETTINGS})
    assert refused("--config", given, "--destination", "x").endswith("NAME|ID:\n  (no name)\n")


@pytest.mark.parametrize("given", [{"sources": []}, {"destinations": [{"name": "other"}]}])
def test_a_workspace_without_any_is_refused(given: Any, tmp_path: Path) -> None:
    assert "holds no Gainsight destination: give an export that does" in refused("--config", file(tmp_path, given))


@pytest.mark.parametrize("given", ["[]", "5", "null", '"x"'])
def test_what_is_no_object_is_refused(given: str, tmp_path: Path) -> None:
    assert "destination config: must be an object" in refused("--config", file(tmp_path, given))


def test_lint_reads_a_workspace_and_finds_the_line(tmp_path: Path) -> None:
    given = workspace("one", "two")
    given["sources"][0]["destinations"][1]["config"]["personMap"] = [{"from": "a", "to": "Plan"}]
    path = file(tmp_path, given)
    done = run("lint", "--config", path, "--destination", "two", "--format", "json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["place"] == "personMap[0].to"
    assert path.read_text("utf8").splitlines()[finding["line"] - 1].strip() == '"to": "Plan"'


def test_lint_advises_to_remove_nothing_that_rudderstack_wrote(tmp_path: Path) -> None:
    whole = {
        "id": "d",
        "name": "gs",
        "enabled": True,
        "secretConfig": {},
        "transformations": [],
        "revisionId": "r",
        "config": {**SETTINGS, "connectionMode": {"web": "cloud"}, "consentManagement": {}, "syncNow": False, "a": 1},
    }
    done = run("lint", "--config", file(tmp_path, whole), "--format", "json")
    assert "Remove" not in done.stdout.decode()


# --- keys -------------------------------------------------------------------------------------------------------------


def test_what_the_config_has_in_the_environment_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = file(tmp_path, {**SETTINGS, "sharedSecret": "env.SOME_SECRET", "topicName": "env.SOME_TOPIC"})
    assert "environment variable SOME_SECRET, which is not set" in refused("--config", given)
    monkeypatch.setenv("SOME_SECRET", "from-the-environment")
    monkeypatch.setenv("SOME_TOPIC", "Bugs")
    sent = headers("--config", given)
    assert (sent["sharedSecret"], sent["topicName"]) == ("from-the-environment", "Bugs")
    assert headers("--config", given, secrets=False)["sharedSecret"] == "***"


def test_what_comes_with_an_event_asks_for_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "MARKED-from-the-environment")
    monkeypatch.setenv("GAINSIGHT_SHARED_SECRET", "MARKED-too")
    nested = ndjson({"message": track(), "destination": {"Config": {**SETTINGS, "topicName": "env.SOME_SECRET"}}})
    done = run("transform", "-", "--show-secrets", stdin=nested)
    assert done.returncode == 1
    assert b"from-the-environment" not in done.stdout + done.stderr
    assert b"MARKED-too" not in done.stdout


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_keys_of_the_environment_and_of_files_go_before_those_of_the_config(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_bytes(f"key-of-a-file{end}".encode())
    monkeypatch.setenv("GAINSIGHT_ACCESS_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("GAINSIGHT_SHARED_SECRET", "secret-of-the-environment")
    monkeypatch.setenv("GAINSIGHT_ACCESS_KEY", "")
    sent = headers("--config", file(tmp_path, {**SETTINGS, "accessKey": "{{ KEY }}"}))
    assert (sent["Accesskey"], sent["sharedSecret"]) == ("key-of-a-file", "secret-of-the-environment")


def test_only_the_last_end_of_a_line_is_taken_off_a_file_of_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_bytes(b"key\n\n")
    monkeypatch.setenv("GAINSIGHT_ACCESS_KEY_FILE", str(tmp_path / "key"))
    text = refused("--config", file(tmp_path, SETTINGS))
    assert "accessKey (of the variable GAINSIGHT_ACCESS_KEY_FILE): holds a control character" in text


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read: No such file or directory"), (b"\n", "holds no key"), (b"\xff", "is not UTF-8")],
)
def test_a_file_of_a_key_that_cannot_be_used_is_named(
    content: bytes | None, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("GAINSIGHT_SHARED_SECRET_FILE", str(path))
    text = refused("--config", file(tmp_path, SETTINGS))
    assert text == f"Error: GAINSIGHT_SHARED_SECRET_FILE: {path} {problem}\n"


def test_a_key_that_is_wrong_is_named_by_the_variable_that_it_came_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAINSIGHT_ACCESS_KEY", "${KEY}")
    text = refused("--config", file(tmp_path, {**SETTINGS, "sharedSecret": "<secret>"}))
    assert "\n  accessKey (of the variable GAINSIGHT_ACCESS_KEY): holds a placeholder" in text
    assert "\n  sharedSecret: holds a placeholder" in text


def test_a_key_that_is_set_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAINSIGHT_ACCESS_KEY", "MARKED-key")
    monkeypatch.setenv("GAINSIGHT_ACCESS_KEY_FILE", "somewhere")
    text = refused("--config", file(tmp_path, SETTINGS))
    assert "GAINSIGHT_ACCESS_KEY and GAINSIGHT_ACCESS_KEY_FILE are both set" in text
    assert "MARKED" not in text


def test_lint_takes_a_key_of_the_environment_for_one_and_needs_none_for_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(settings: dict[str, Any]) -> Any:
        return json.loads(run("lint", "--config", file(tmp_path, settings), "--format", "json").stdout)["findings"]

    assert found({**SETTINGS, "accessKey": "env.NOT_SET"}) == []
    without = {name: value for name, value in SETTINGS.items() if name != "sharedSecret"}
    assert [each["rule"] for each in found(without)] == ["missing-track-setting"]
    monkeypatch.setenv("GAINSIGHT_SHARED_SECRET", "secret-of-the-environment")
    assert found(without) == []


# --- templates --------------------------------------------------------------------------------------------------------


def test_events_fill_in_what_the_config_leaves_to_them(tmp_path: Path) -> None:
    given = {**SETTINGS, "contractId": '{{ event.properties.contract || "c0" }}'}
    assert headers("--config", file(tmp_path, given))["contractId"] == "k9"
    assert headers("--config", file(tmp_path, given), events=ndjson(track()))["contractId"] == "c0"
    told = run("explain", "-", "--config", file(tmp_path, given), stdin=EVENTS).stdout.decode()
    assert '"k9"' in told
    nested = ndjson({"message": track(contract="k7"), "destination": {"Config": given}})
    assert headers(events=nested)["contractId"] == "k7"
    assert run("plan", "-", "--config", file(tmp_path, given), stdin=EVENTS).returncode == 0
    assert run("lint", "--config", file(tmp_path, given)).returncode == 0


# --- YAML -------------------------------------------------------------------------------------------------------------

IN_YAML = """\
# as one writes it
Config:
  domain: acme.gainsightcloud.com
  accessKey: 0123
  sharedSecret: "secret"
  tenantId: NO
  topicName: 2026-01-01
  personMap: &map
    - {from: "on", to: Plan__gc}
  companyMap: *map
  eventNameMap: {Ticket Closure: closed}
  eventVersionMap:
    - from: Ticket Closure
      to: 007
"""


@YAML
@pytest.mark.parametrize("name", ["config.yaml", "CONFIG.YML"])
def test_yaml_is_read_without_surprises(name: str, tmp_path: Path) -> None:
    sent = headers("--config", file(tmp_path, IN_YAML, name))
    assert (sent["Accesskey"], sent["tenantId"], sent["topicName"]) == ("0123", "NO", "2026-01-01")
    assert (sent["eventName"], sent["eventVersion"]) == ("closed", "007")


@YAML
@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("to: 1.0", "eventVersionMap[0].to: must be a string, not a number: put it in quotes"),
        ("to: true", "eventVersionMap[0].to: must be a string, not a boolean: put it in quotes"),
        ("to: [1]", "eventVersionMap[0].to: must be a string, not a list: put it in quotes"),
        ("to: {{ a || b }}", "has a key that is not text"),
        ("to: 'x", "is not YAML"),
        ("to: 1\n      to: 2", "has the key to twice"),
    ],
)
def test_what_is_wrong_with_yaml_is_told(written: str, problem: str, tmp_path: Path) -> None:
    assert problem in refused("--config", file(tmp_path, IN_YAML.replace("to: 007", written), "c.yaml"))


@YAML
def test_yaml_that_is_empty_or_no_utf8_is_refused(tmp_path: Path) -> None:
    assert "must be an object, not null" in refused("--config", file(tmp_path, "# nothing\n", "c.yaml"))
    path = tmp_path / "d.yaml"
    path.write_bytes(b"domain: \xff")
    assert "not UTF-8 at byte 9" in refused("--config", path)


@YAML
def test_lint_names_the_line_in_yaml(tmp_path: Path) -> None:
    text = IN_YAML.replace("Plan__gc", "Plan")
    done = run("lint", "--config", file(tmp_path, text, "c.yaml"), "--format", "json")
    found = {(each["place"], each["line"]) for each in json.loads(done.stdout)["findings"]}
    assert ("personMap[0].to", 9) in found
    deep = "domain: x\nother: " + "[" * 30 + "]" * 30
    assert run("lint", "--config", file(tmp_path, deep, "d.yaml")).returncode == 1
    assert run("lint", "--config", file(tmp_path, "", "e.yaml")).returncode == 1


# --- options by variables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_can_be_set_by_a_variable_of_its_name(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for option in command.params:
        if isinstance(option, click.Option):
            (long, *_) = (each for each in option.opts if each.startswith("--"))
            variable = f"GAINSIGHT_DEST_{name}_{long[2:]}".upper().replace("-", "_")
            assert isinstance(option.envvar, list)
            assert option.envvar[0] == variable


def test_a_variable_sets_an_option_and_the_command_line_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def done(*arguments: object) -> Done:
        return run("explain", "-", *arguments, stdin=ndjson(identify(plan="gold")))

    monkeypatch.setenv("GAINSIGHT_DEST_CONFIG", str(file(tmp_path, SETTINGS)))
    assert done().stdout.startswith(b"1. identify")
    monkeypatch.setenv("GAINSIGHT_DEST_EXPLAIN_FORMAT", "json")
    monkeypatch.setenv("GAINSIGHT_DEST_EXPLAIN_MASK", "1")
    assert json.loads(done().stdout)["type"] == "identify"
    assert ADA not in done().stdout.decode()
    assert done("--format", "text").stdout.startswith(b"1. ")
    monkeypatch.setenv("GAINSIGHT_DEST_EXPLAIN_FORMAT", "xml")
    assert b"Invalid value for '--format'" in done().stderr


def test_what_kubernetes_sets_for_a_service_of_that_name_sets_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAINSIGHT_DEST_PORT", "tcp://10.0.0.1:9090")
    assert run("serve", "--help").returncode == 0
    command = cli.get_command(click.Context(cli), "serve")
    assert command is not None
    assert command.make_context("serve", [], auto_envvar_prefix="GAINSIGHT_DEST_SERVE").params["port"] == 9090


def test_the_help_tells_of_the_variables() -> None:
    text = " ".join(run("--help").stdout.decode().split())
    for name in (
        "GAINSIGHT_DEST_DELIVER_WORKERS",
        "GAINSIGHT_DEST_CONFIG",
        "GAINSIGHT_ACCESS_KEY",
        "GAINSIGHT_SHARED_SECRET_FILE",
    ):
        assert name in text


@pytest.mark.parametrize("value", ["{{ properties.x || localhost }}", "{{ properties.x || }}"])
def test_a_sandbox_needs_a_config_that_can_be_used_without_an_event(value: str, tmp_path: Path) -> None:
    assert fixed_config(str(file(tmp_path, {**SETTINGS, "contractId": "{{ a || b }}"})), {}).contract_id == "b"
    with pytest.raises(WrongInputError, match="without an event that fills it in: domain: "):
        fixed_config(str(file(tmp_path, {**SETTINGS, "domain": value})), {})
