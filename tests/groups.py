"""How the tests are run: which go to one process, which are long and left to CI, which coverage looks at.

Groups are for pytest-xdist, which spreads them over all cores.

A file is a group, but for those that are together in GROUPS. The marks of pytest-xdist would say the same, but with
pytest 9.2 they say nothing: https://github.com/pytest-dev/pytest-xdist/issues/1386
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest

#: The groups by how their files' names begin, in the order in which they are begun: what begins last ends last.
GROUPS: dict[str, tuple[str, ...]] = {
    "spark": ("tests/engines/test_spark", "docs/how-to/run-in-spark.md"),
    "beam": ("tests/engines/test_beam", "tests/engines/test_scenario", "docs/how-to/run-in-beam.md"),
    "kill and load": ("tests/cli/test_kill", "tests/cli/test_loop", "tests/cli/test_fuzz"),
    "service": ("tests/cli/test_serve.py",),
    "fault matrix": ("tests/deliver/test_faults.py", "tests/test_docs.py"),  # which it makes once for both
    "site and browser": ("tests/test_site", "tests/report/test_browser", "tests/sandbox/test_browser"),
}
#: Of what processes of these do coverage is told: the service, and how a command ends. Elsewhere they only take time.
WATCHED: tuple[str, ...] = ("tests/cli/test_serve.py", "tests/cli/test_transform.py", "tests/cli/test_plan.py")
#: How the names of files, or tests, begin that do the same again and again: coverage learns nothing from them.
MUCH: tuple[str, ...] = (
    "tests/deliver/test_faults.py",
    "tests/deliver/test_secrets.py",
    "tests/probing/test_faults.py::test_three",
    "tests/test_growth.py",
)
#: The marks of tests that are left to CI, and how that is told. Coverage looks at the second kind.
LEFT_TO_CI: dict[str, str] = {"long": "It is long", "again": "It is much like another"}


def group_of(nodeid: str) -> str:
    """The group of a test."""
    file = nodeid.partition("::")[0]
    for name, starts in GROUPS.items():
        if file.startswith(starts):
            return name
    return file


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Each worker imports the files of the tests from another place on, and so loads what the others have compiled.

    In a fresh clone each would compile all of them otherwise. What is wrong with a file its collection says.
    """
    worker, count = os.environ.get("PYTEST_XDIST_WORKER"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if not worker:
        return
    root = session.config.rootpath
    folders = [root / arg for arg in session.config.args if (root / arg).is_dir()]
    files = sorted(file for folder in folders for file in folder.rglob("test_*.py"))
    first = len(files) * int(worker.removeprefix("gw")) // count
    for file in files[first:] + files[:first]:
        with suppress(Exception, pytest.skip.Exception, pytest.fail.Exception):
            import_module(".".join(file.relative_to(root).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long groups first."""
    order = {name: place for place, name in enumerate(GROUPS)}
    items.sort(key=lambda item: order.get(group_of(item.nodeid), len(order)))


def pytest_collection_finish() -> None:
    """Twelve thousand tests stay to the end: the garbage collector need not look at them again and again."""
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is left to CI is run by it, and by who asks for it."""
    for mark, told in LEFT_TO_CI.items():
        is_meant = item.get_closest_marker(mark) and not (mark == "again" and _is_first_case(item))
        if is_meant and "CI" not in os.environ and mark not in item.config.option.markexpr:
            pytest.skip(f"{told}, and run by CI. To run it: pytest -m {mark}")


def _is_first_case(item: pytest.Item) -> bool:
    case = getattr(item, "callspec", None)
    return case is not None and not any(case.indices.values())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Coverage looks neither at what is much, which takes twice as long then, nor at most processes."""
    coverage = sys.modules.get("coverage")
    looking = coverage and coverage.Coverage.current()
    is_much = _is_much(item)
    with pytest.MonkeyPatch.context() as patch:
        if is_much or not item.nodeid.startswith(WATCHED):
            patch.delenv("COVERAGE_PROCESS_START", raising=False)
        if looking and is_much:
            looking.stop()
        yield
        if looking and is_much:
            looking.start()


def _is_much(item: pytest.Item) -> bool:
    """Whether it is long, or a law, a page, one of MUCH."""
    is_law, is_page = hasattr(getattr(item, "obj", None), "hypothesis"), item.path.suffix == ".md"
    return is_law or is_page or item.nodeid.startswith(MUCH) or item.get_closest_marker("long") is not None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """What is told of a test is told with halves of letters escaped: xdist could not pass them on, and would end."""
    report = (yield).get_result()  # type: ignore[attr-defined]  # as pluggy sends it
    report.sections = [(name, _whole(text)) for name, text in report.sections]
    if report.failed and _whole(told := str(report.longrepr)) != told:
        report.longrepr = _whole(told)


def _whole(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: what is waited for, such as a process that ends, takes no core."""
    return 1 + (len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Hands out whole groups."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - where it is absent, nobody asks for it

    class Groups(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log) if config.getoption("dist") == "loadscope" else None
