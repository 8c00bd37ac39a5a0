"""What tests need beside the core, whether it is here, and how to have it: one line for each kind that is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import attrs
import pytest

#: Set where all of it has to be here, as in CI: then what is missing is an error.
ALL_IS_NEEDED = "GAINSIGHT_DEST_TESTS_NEED_ALL"


@attrs.frozen
class Need:
    """Modules that must be importable, programs and packages of Node of which all must be there, and how to have them.

    Packages of Node are looked for where Node itself does, in the folders that NODE_PATH names.
    """

    what: str
    how: str
    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    #: An environment variable that stands for the programs.
    variable: str = ""
    packages: tuple[str, ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether it is all here."""
        has_programs = self.variable in os.environ or all(map(shutil.which, self.programs))
        return has_programs and all(map(_is_there, self.modules)) and all(map(_is_in_node_path, self.packages))


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a.b, where there is no a
        return False


def _is_in_node_path(package: str) -> bool:
    folders = filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))
    return any(Path(folder, package).is_dir() for folder in folders)


def _extra(name: str, what: str, *modules: str) -> Need:
    return Need(f"{what} not installed", f'on any system: pip install -e ".[{name}]"', modules)


def _node(what: str, *packages: str) -> Need:
    return Need(
        f"{what} not among the packages of NODE_PATH",
        f"on any system: npm install --prefix ../node {' '.join(packages)}, and set NODE_PATH to the whole path of "
        "../node/node_modules",
        packages=packages,
    )


#: Terminals and signals are tested as Unix has them.
_WINDOWS = "Windows: in WSL, as on Debian"

#: By the names that tests use for them.
NEEDS = {
    "cli": _extra("dev", "the command line is", "click", "msgspec", "rich"),
    "deliver": _extra("dev", "delivery is", "msgspec", "requests", "pyrate_limiter"),
    "redis": _extra("dev", "the client of Redis is", "redis"),
    "redis-server": Need(
        "there is no server of Redis",
        f"Debian: apt-get install redis-server; macOS: brew install redis; {_WINDOWS}",
        programs=("redis-server",),
    ),
    "report": _extra("dev", "the report is", "jinja2"),
    "sandbox": _extra("dev", "the sandbox's server is", "cheroot", "jinja2"),
    "serve": _extra(
        "dev", "the service is", "falcon", "httptools", "isal", "msgspec", "prometheus_client", "requests", "uvicorn"
    ),
    "testing": _extra("dev", "the test kit is", "hypothesis", "ruamel.yaml"),
    "httpx": _extra("dev", "httpx is", "httpx"),
    "trustme": _extra("dev", "trustme, which makes certificates, is", "trustme"),
    "jsonschema": _extra("dev", "jsonschema is", "jsonschema"),
    "beam": _extra("dev-engines", "Apache Beam is", "apache_beam"),
    "spark": _extra("dev-engines", "Apache Spark is", "pyspark", "pyarrow", "pandas"),
    "dlt": _extra("dev-engines", "dlt is", "dlt"),
    "dask": _extra("dev-engines", "Dask is", "dask"),
    "duckdb": _extra("dev-engines", "DuckDB, which makes events of tables, is", "duckdb"),
    "pandas": _extra("dev-engines", "pandas is", "numpy", "pandas"),
    "polars": _extra("dev-engines", "polars is", "polars"),
    "pyarrow": _extra("dev-engines", "pyarrow, which reads Parquet, is", "pyarrow"),
    "java": Need(
        "there is no Java, which Apache Spark runs on",
        f"Debian: apt-get install openjdk-17-jre-headless; macOS: brew install --cask temurin@17; {_WINDOWS}",
        programs=("java",),
        variable="JAVA_HOME",
    ),
    "sdk-python": _extra("dev-sdks", "RudderStack's SDK for Python is", "rudderstack.analytics"),
    "otel": _extra(
        "dev-sdks",
        "OpenTelemetry with its instrumentations is",
        "opentelemetry.sdk",
        *(f"opentelemetry.instrumentation.{each}" for each in ("httpx", "requests", "threading")),
    ),
    "node": Need(
        "there is no Node",
        "Debian: apt-get install nodejs npm; macOS: brew install node; Windows: winget install OpenJS.NodeJS.LTS",
        programs=("node",),
    ),
    "sdk-node": _node("RudderStack's SDK for Node is", "@rudderstack/rudder-sdk-node"),
    "typescript": _node("TypeScript and the types of Koa are", "typescript", "@types/koa", "@types/node"),
    "axe": _node("axe-core, which looks whether all can read a page, is", "axe-core"),
    "site": _extra("dev-site", "MkDocs, which makes the site, is", "mkdocs", "material", "mkdocstrings"),
    "selenium": _extra("dev-site", "Selenium, which drives a browser, is", "selenium"),
    "browser": Need(
        "there is no Chromium with its driver",
        "Debian: apt-get install chromium chromium-driver; macOS: brew install --cask chromium chromedriver; "
        f"{_WINDOWS}",
        programs=("chromium", "chromedriver"),
    ),
}


def need(*names: str) -> None:
    """Skip the test, or the module that is being collected, if one of these is not here."""
    for name in names:
        if not NEEDS[name].is_met:
            _do_without(name)


def _do_without(name: str) -> NoReturn:
    text = f"{NEEDS[name].what}: its tests are left out. To have it, {NEEDS[name].how}"
    if ALL_IS_NEEDED in os.environ:
        pytest.fail(text, pytrace=False)
    pytest.skip(text, allow_module_level=True)


class LeftOut(pytest.Module):
    """A file of tests that cannot run here: it is not even imported, and says why."""

    names: tuple[str, ...] = ()

    def collect(self) -> Iterator[Any]:
        """Nothing."""
        need(*self.names)
        return iter(())


def left_out(path: Path, parent: pytest.Collector, names: tuple[str, ...]) -> LeftOut | None:
    """What stands for the file if something that it needs is not here."""
    if all(NEEDS[name].is_met for name in names):
        return None
    file: LeftOut = LeftOut.from_parent(parent, path=path)
    file.names = names
    return file


def needing(*folder: str, **files: tuple[str, ...]) -> Callable[[Path, pytest.Collector], LeftOut | None]:
    """For a conftest: what all files of its folder need, and, by their names, what some need beside that.

    pytest_pycollect_makemodule = needing("deliver", test_http=("sandbox",))
    """

    def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> LeftOut | None:
        return left_out(module_path, parent, (*folder, *files.get(module_path.stem, ())))

    return pytest_pycollect_makemodule
