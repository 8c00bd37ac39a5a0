"""What an import gives, what it loads, and which module may know which."""

from __future__ import annotations

import ast
import os
import pickle
import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import version
from inspect import signature

import pytest

import gainsight_dest
from gainsight_dest.tenant import MODULES
from tests.public import PACKAGE

CORE = [
    *("errors", "secret", "spelling", "values", "gainsight", "reading"),
    *(f"tenant.{each}" for each in ("types", "data", "answers", "tenant", "fitting")),
    *("config", "fields", "descriptors", "tenant.request", "templates", "transform", "outcome"),
    *("rows.names", "rows.cells", "rows.columns", "rows.reader"),
    *(f"known.{each}" for each in ("told", "known", "recall")),
    *(
        f"batching.{each}"
        for each in ("defaults", "moments", "merge", "requests", "ledger", "chunking", "stages", "batch", "address")
    ),
    *(f"explaining.{each}" for each in ("trace", "stock", "alike", "told", "explain", "profile")),
    *(f"linting.{each}" for each in ("schema", "finding", "subject", "rule")),
    *(f"linting.{each}" for each in ("of_config", "of_events", "of_tenant", "rules", "lint")),
    *(f"checking.{each}" for each in ("changes", "requests", "result", "fields", "steps", "check")),
    *(f"plan.{each}" for each in ("durations", "limits", "repeats", "load", "days", "verdict")),
]
#: What is loaded when it is asked for, and is no part of the core.
LATER = {"known.known": {"known.redis", "known.sqlite"}, "rows.reader": {"rows.frames"}}
#: What the package gives when it is asked for, and the module that has it.
OF_TENANT = {f"tenant.{name}": f"tenant.{module}" for module, names in MODULES.items() for name in names}
NETWORK = ["requests", "urllib3", "http.client", "ssl", "socket", "asyncio"]


def printed(program: str) -> str:
    """What a new interpreter prints. It measures no coverage, for which it would load more."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def test_all_names_are_sorted_and_there() -> None:
    assert gainsight_dest.__all__ == sorted(gainsight_dest.__all__)
    assert all(hasattr(gainsight_dest, name) for name in gainsight_dest.__all__)


def test_a_name_that_is_not_there_is_told_as_any_module_tells_it() -> None:
    with pytest.raises(AttributeError, match="module 'gainsight_dest' has no attribute 'transfrom'"):
        getattr(gainsight_dest, "transfrom")  # noqa: B009 - a type checker knows that it is not there


@pytest.mark.parametrize("package", ["", ".deliver", ".rudderstack", ".tenant", ".testing"])
def test_dir_names_what_is_loaded_later_too(package: str) -> None:
    """In a new interpreter: here, all of them may have been asked for."""
    program = f"import gainsight_dest{package} as room; print(*{{*room.__all__}} - {{*dir(room)}})"
    assert printed(program).split() == []


def test_transform_is_the_module_of_that_name_and_is_called_as_its_function() -> None:
    module = import_module("gainsight_dest.transform")
    assert getattr(gainsight_dest, "transform") is module  # noqa: B009 - a type checker knows the function
    event, config = {"type": "identify", "traits": {"email": "a@b.co"}}, {"domain": "acme.co", "accessKey": "k"}
    assert gainsight_dest.transform(event, config) == module.identify(event, config)
    assert pickle.loads(pickle.dumps(gainsight_dest.transform)) is module
    assert [*signature(gainsight_dest.transform).parameters] == ["event", "destination_config"]


def test_what_only_a_batch_needs_is_loaded_when_it_is_asked_for() -> None:
    program = (
        "import sys, gainsight_dest as gd; before = 'gainsight_dest.batching.batch' in sys.modules; "
        "gd.transform_batch([], {'domain': 'acme.co'}); print(before, 'gainsight_dest.batching.batch' in sys.modules)"
    )
    assert printed(program).split() == ["False", "True"]


def test_the_version_is_the_distributions() -> None:
    assert gainsight_dest.__version__ == version("gainsight-dest")


def test_importing_and_using_the_core_loads_no_http_client_no_socket_and_no_optional_library() -> None:
    program = (
        "import sys, gainsight_dest as gd\n"
        "config = {'domain': 'acme.co', 'accessKey': 'k'}\n"
        "request = gd.transform({'type': 'identify', 'traits': {'email': 'a@b.co'}}, config)\n"
        "try: request.next(gd.Response(429, b'', {'Retry-After': 'Mon, 23 Nov 2026 08:00:30 GMT'}))\n"
        "except gd.ThrottledError: pass\n"
        f"print(*(name for name in {[*NETWORK, 'click', 'rich', 'msgspec', 'orjson']} if name in sys.modules))"
    )
    assert printed(program).split() == []


def test_the_sandbox_needs_no_http_client_and_no_optional_library_until_it_is_connected() -> None:
    optional = ["cheroot", "jinja2", "pyrate_limiter"]
    program = (
        "import sys, gainsight_dest as gd\n"
        "from gainsight_dest.sandbox import Sandbox\n"
        "config = {'domain': 'acme.co', 'accessKey': 'k'}\n"
        "request = gd.transform({'type': 'identify', 'traits': {'email': 'a@b.co'}}, config)\n"
        "assert request.next(Sandbox().handle(request)) is None\n"
        f"print(*(name for name in {[*NETWORK, *optional]} if name in sys.modules))"
    )
    assert printed(program).split() == []


@cache
def tree_of(module: str) -> ast.AST:
    return ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text("utf8"))


@pytest.mark.parametrize("module", CORE)
def test_a_core_module_imports_only_what_stands_before_it(module: str) -> None:
    tree = tree_of(module)
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gainsight_dest":
            within = (node.module or "").removeprefix("gainsight_dest").removeprefix(".")
            packages = {"", *(name.rpartition(".")[0] for name in CORE)}
            named = {f"{within}.{a.name}".strip(".") for a in node.names} if within in packages else {within}
            imported |= {OF_TENANT.get(name, name) for name in named}
        assert not (isinstance(node, ast.ImportFrom) and node.level), "imports are absolute"
    assert imported - LATER.get(module, set()) <= set(CORE[: CORE.index(module)])


@pytest.mark.parametrize("module", CORE)
def test_a_core_module_depends_on_attrs_and_cattrs_alone(module: str) -> None:
    tree = tree_of(module)
    tops = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert tops - set(sys.stdlib_module_names) <= {"attrs", "cattrs", "gainsight_dest", "attr"}


#: Class names that may stand in several modules, each with the reason.
ALLOWED: dict[str, str] = {}


def test_no_class_name_stands_in_two_modules() -> None:
    places: dict[str, list[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for name in re.findall(r"^ *class (\w+)[(:\[]", file.read_text("utf8"), re.MULTILINE):
            places.setdefault(name, []).append(str(file.relative_to(PACKAGE)))
    assert {name: files for name, files in places.items() if len(files) > 1 and name not in ALLOWED} == {}
    assert [name for name in ALLOWED if len(places.get(name, ())) < 2] == []


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
