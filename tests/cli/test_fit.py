"""`--tenant FILE --fit MODE`: values are made to fit, in what is printed, explained and delivered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import tenant_of_60_fields as sixty
from tests.cli import process
from tests.some import SETTINGS, identify
from tests.tenant.some import TENANT


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A config, its tenant, and two events: one that can be made to fit, and one that cannot."""
    contents = {
        "config": {**SETTINGS, "personMap": sixty.CONFIG.person_map},
        "tenant": TENANT.as_data(),
        "events": [identify(plan="gold", score="7"), identify("b@b.co", plan="silver", score=8)],
        "dynamic": {
            **SETTINGS,
            "personMap": dict(sixty.CONFIG.person_map),
            "topicName": "{{ event.topic || Tickets }}",
        },
    }
    paths = {name: tmp_path / f"{name}.json" for name in contents}
    for name, content in contents.items():
        paths[name].write_text(json.dumps(content, default=dict))
    return paths


def bodies(done: process.Done) -> list[Any]:
    """The body of each event, or its error."""
    lines = process.lines(done.stdout)
    return [line["requests"][0]["body"] if "requests" in line else line["error"]["message"] for line in lines]


GOLD = {"Email": "ada@example.com", "Plan__gc": "Gold", "Score__gc": 7}
REFUSED = "Person.Plan__gc: cannot be made to fit the tenant: has no such option"


@pytest.mark.parametrize("config", ["config", "dynamic"])
def test_transform_prints_what_fits(files: dict[str, Path], config: str) -> None:
    command = ("transform", files["events"], "--config", files[config], "--tenant", files["tenant"], "--fit")
    refusing = process.run(*command, "refuse")
    assert bodies(refusing) == [GOLD, REFUSED]
    assert refusing.returncode == 1
    dropping = process.run(*command, "drop")
    assert bodies(dropping) == [GOLD, {"Email": "b@b.co", "Score__gc": 8}]
    assert dropping.returncode == 0


def test_deliver_does_the_same_in_a_dry_run(files: dict[str, Path]) -> None:
    command = ("deliver", files["events"], "--config", files["config"], "--tenant", files["tenant"], "--dry-run")
    assert bodies(process.run(*command, "--fit", "refuse")) == [GOLD, REFUSED]


def test_explain_shows_what_was_made_to_fit(files: dict[str, Path]) -> None:
    command = ("explain", files["events"], "--config", files["config"], "--tenant", files["tenant"])
    assert "fit: the option as Gainsight spells it" in process.run(*command, "--fit", "drop").stdout.decode()
    assert "fit: " not in process.run(*command).stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("transform", "events", "--config", "config", "--fit", "drop"), "--fit needs --tenant: alone it does nothing"),
        (("transform", "events", "--config", "config", "--tenant", "tenant"), "--tenant needs --fit"),
        (("transform", "events", "--tenant", "tenant", "--fit", "drop"), "--fit needs --config"),
        (("deliver", "events", "--config", "config", "--fit", "drop"), "--fit needs --tenant"),
        (("deliver", "events", "--config", "config", "--tenant", "tenant"), "--tenant needs --fit"),
        (("explain", "events", "--config", "config", "--fit", "drop"), "--fit needs --tenant"),
        (("explain", "events", "--tenant", "tenant", "--fit", "drop"), "--fit needs --config"),
        (
            ("transform", "events", "--config", "config", "--tenant", "tenant", "--fit", "guess"),
            "'guess' is not one of",
        ),
        (("transform", "events", "--config", "config", "--tenant", "config", "--fit", "drop"), "is not a tenant"),
    ],
)
def test_an_option_too_few_or_a_wrong_one_is_wrong_use(
    files: dict[str, Path], arguments: tuple[str, ...], problem: str
) -> None:
    result = process.run(*(files.get(each, each) if index else each for index, each in enumerate(arguments)))
    assert problem in " ".join(result.stderr.decode().split())
    assert result.returncode == 2
