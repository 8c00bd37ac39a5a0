"""The pytest plugin: fixtures, a guard against the network, and mapping tests as YAML. Extra `testing`.

pytest loads it in every session where the library is installed, so it loads little itself; `-p no:gainsight` leaves it
out.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gainsight_dest.config import DestinationConfig
from gainsight_dest.testing.builders import SETTINGS
from gainsight_dest.testing.network import NetworkUse, guarded

if TYPE_CHECKING:
    from gainsight_dest.sandbox import Sandbox
    from gainsight_dest.testing.collect import MappingFile

#: What the name of a file with mapping tests ends in.
SUFFIXES = (".gainsight.yaml", ".gainsight.yml")

_MARKER = "no_network"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two options, one of them also for the ini file."""
    group = parser.getgroup("gainsight", "Gainsight")
    group.addoption("--gainsight-no-network", action="store_true", help="fail every test that uses the network")
    group.addoption(
        "--gainsight-update",
        action="store_true",
        help="write what came out into the mapping tests that expect something else, for review",
    )
    parser.addini("gainsight_no_network", "fail every test that uses the network", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known. Raises UsageError where several processes would write one file."""
    config.addinivalue_line("markers", f"{_MARKER}: fail the test if it opens a socket or looks up a host")
    if config.getoption("gainsight_update") and config.getoption("dist", "no") != "no":
        raise pytest.UsageError("--gainsight-update writes files: run it in one process, without -n")


# --- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def gainsight_config() -> DestinationConfig:
    """A whole destination config, with made-up keys. Yours replaces it: a fixture of this name in conftest.py."""
    return DestinationConfig(
        domain="acme.example.invalid",
        person_map={"plan": "Plan__gc"},
        company_map={"plan": "Plan__gc"},
        event_name_map={"Ticket Closure": "ticket_closed"},
        event_version_map={"Ticket Closure": "1.0.0"},
        **SETTINGS,
    )


@pytest.fixture
def gainsight(gainsight_config: DestinationConfig) -> Sandbox:
    """A Gainsight in memory, empty and without limits, that takes the keys and fields of `gainsight_config`."""
    from gainsight_dest.sandbox import Sandbox  # noqa: PLC0415 - few sessions need it

    return Sandbox(gainsight_config, calls_per_minute=None, calls_per_day=None)


@pytest.fixture(scope="session")
def no_network() -> None:
    """The test fails if it opens a socket or looks up a host. Fixtures may."""


# --- the guard --------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test under guard that used the network, whatever else came of it."""
    if not _is_guarded(item):
        return (yield)
    result = None
    with guarded() as uses:
        try:
            result = yield
        except (pytest.skip.Exception, pytest.xfail.Exception):
            if not uses:
                raise
        except BaseException:
            if uses:
                item.add_report_section("call", "network", _report(uses))
            raise
    if uses:
        pytest.fail(_report(uses), pytrace=False)
    return result


def _is_guarded(item: pytest.Item) -> bool:
    return (
        _MARKER in getattr(item, "fixturenames", ())
        or item.get_closest_marker(_MARKER) is not None
        or bool(item.config.getoption("gainsight_no_network") or item.config.getini("gainsight_no_network"))
    )


def _report(uses: list[NetworkUse]) -> str:
    return "the test used the network: it tried to " + ",\n  to ".join(map(str, uses))


# --- mapping tests ----------------------------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> MappingFile | None:
    """A file of mapping tests, by its name."""
    if not file_path.name.endswith(SUFFIXES):
        return None
    from gainsight_dest.testing.collect import MappingFile  # noqa: PLC0415 - few sessions have such files

    return MappingFile.from_parent(parent, path=file_path)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what `--gainsight-update` is to write."""
    if session.config.getoption("gainsight_update"):
        from gainsight_dest.testing.collect import write  # noqa: PLC0415 - few sessions write

        write(session.config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what `--gainsight-update` wrote."""
    if config.getoption("gainsight_update"):
        from gainsight_dest.testing.collect import written  # noqa: PLC0415 - few sessions write

        terminalreporter.section("mapping tests")
        for line in written(config):
            terminalreporter.line(line)
