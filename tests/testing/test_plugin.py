"""The pytest plugin: what it brings, what it loads, mapping tests run by pytest, and written by it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import gainsight_dest.testing
from gainsight_dest.testing import collect, plugin
from tests.needs import need

if find_spec("ruamel") is not None:  # pytest in pytest unloads what it loads, and ruamel.yaml does not bear that
    import_module("gainsight_dest.testing.mapping")

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-Werror", "--strict-markers", "-p", "no:cacheprovider", *arguments)


# --- what it loads ----------------------------------------------------------------------------------------------------


def loaded(program: str, *modules: str) -> list[str]:
    """Those of the modules that are loaded after the program ran."""
    program = f"import sys\n{program}\nprint(*[name for name in {modules!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


PARTS = ("gainsight_dest.sandbox", "gainsight_dest.rudderstack", "gainsight_dest.deliver")


def test_importing_it_loads_nothing_that_only_some_sessions_need() -> None:
    heavy = ("hypothesis", "ruamel.yaml", "requests", "gainsight_dest.testing.collect", *PARTS)
    assert loaded("import gainsight_dest.testing.plugin", *heavy) == []


def test_importing_the_kit_loads_nothing_and_each_name_what_it_needs() -> None:
    assert loaded("import gainsight_dest.testing", "pytest", "hypothesis", "ruamel.yaml", *PARTS) == []
    assert loaded("from gainsight_dest.testing import identify_event", "pytest", "hypothesis", *PARTS) == []


def test_all_names_are_sorted_and_there() -> None:
    need("testing")
    names = gainsight_dest.testing.__all__
    assert names == sorted(names)
    assert all(hasattr(gainsight_dest.testing, name) for name in names)
    with pytest.raises(AttributeError, match=r"module 'gainsight_dest\.testing' has no attribute 'identfy'"):
        getattr(gainsight_dest.testing, "identfy")  # noqa: B009 - a type checker knows that it is not there


# --- fixtures ---------------------------------------------------------------------------------------------------------


def test_there_is_a_sandbox_with_a_config_new_for_each_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from gainsight_dest import transform
        from gainsight_dest.testing import group_event, identify_event, track_event

        @pytest.mark.parametrize("event", [identify_event(plan="gold"), group_event(plan="gold"), track_event()] * 40)
        def test_it(gainsight, gainsight_config, event):
            assert gainsight.as_data() == {"people": [], "companies": [], "events": []}
            request = transform(event, gainsight_config)
            while request is not None:
                request = request.next(gainsight.handle(request))
            assert gainsight.people or gainsight.events

        def test_limits(gainsight, gainsight_config):
            request = transform(identify_event(), gainsight_config)
            for _ in range(200):
                request.next(gainsight.handle(request))
    """)
    run(pytester).assert_outcomes(passed=121)


def test_a_config_of_ones_own_takes_its_place(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest
        from gainsight_dest import DestinationConfig

        @pytest.fixture
        def gainsight_config():
            return DestinationConfig(domain="own.example.com", access_key="own")
    """)
    pytester.makepyfile("""
        from gainsight_dest import transform
        from gainsight_dest.testing import identify_event

        def test_it(gainsight, gainsight_config):
            assert gainsight_config.domain == "own.example.com"
            assert gainsight.handle(transform(identify_event(), gainsight_config)).status == 200
    """)
    run(pytester).assert_outcomes(passed=1)


def test_the_marker_is_known(pytester: pytest.Pytester) -> None:
    run(pytester, "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.no_network: fail the test if it opens a socket or looks up a host"]
    )


# --- mapping tests ----------------------------------------------------------------------------------------------------

CONFIG = "config: {domain: acme.gainsightcloud.com, accessKey: MARKED-key, personMap: [{from: plan, to: Plan__gc}]}\n"
HEAD = f"name: Plans\n{CONFIG}rows:\n"
HOLDS = """\
  - name: the plan reaches Gainsight
    given: {type: identify, traits: {email: ada@example.com, plan: gold}}
    expect: {body: {Email: ada@example.com, Plan__gc: gold}}
"""
DIFFERS = """\
  - name: the tier does not
    given: {type: identify, traits: {email: ada@example.com, tier: gold}}
    expect:
      body: # all of it
        Email: ada@example.com
        Tier__gc: gold
"""


@pytest.fixture
def mapping(pytester: pytest.Pytester) -> Path:
    need("testing")
    import_module("gainsight_dest.testing.mapping")  # here, that pytester does not load it anew
    file = pytester.path / "plans.gainsight.yaml"
    file.write_text(HEAD + HOLDS + DIFFERS, "utf8")
    return file


def test_each_row_is_a_test_with_its_name(pytester: pytest.Pytester, mapping: Path) -> None:
    result = run(pytester, "-v", f"{mapping.name}::the plan reaches Gainsight")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["plans.gainsight.yaml::the plan reaches Gainsight PASSED*"])


def test_a_failure_says_where_and_why_and_no_more(pytester: pytest.Pytester, mapping: Path) -> None:
    folder = pytester.mkdir("tests")
    mapping.rename(folder / mapping.name)
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    shown = result.stdout.str()
    failure = (
        "tests/plans.gainsight.yaml:7: the tier does not (Plans)\n"
        '  body.Tier__gc: expected "gold", got nothing: traits.tier has no row in personMap\n'
        "=="
    )
    assert failure in shown.replace("\\", "/")
    assert "Traceback" not in shown


def test_rows_are_tests_like_all_others(pytester: pytest.Pytester, mapping: Path) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = run(
        pytester, "-k", "not tier", "--gainsight-no-network", mapping.name, "test_rows_are_tests_like_all_others.py"
    )
    result.assert_outcomes(passed=2, deselected=1)
    run(pytester, "-p", "no:gainsight").assert_outcomes(passed=1)


def test_a_file_without_a_name_has_none_in_its_failures(pytester: pytest.Pytester, mapping: Path) -> None:
    renamed = mapping.with_suffix(".yml")
    renamed.write_text(CONFIG + "rows:\n" + DIFFERS, "utf8")
    mapping.unlink()
    run(pytester).stdout.fnmatch_lines(["plans.gainsight.yml:3: the tier does not"])


def test_a_broken_file_is_an_error_of_collection(pytester: pytest.Pytester, mapping: Path) -> None:
    mapping.write_text(HEAD + HOLDS.replace("expect", "expct"), "utf8")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['plans.gainsight.yaml:6: a row has no key "expct". Did you mean expect?'])
    assert "Traceback" not in result.stdout.str()


def test_without_the_library_a_file_says_what_to_install(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pytester.path / "plans.gainsight.yaml").write_text("", "utf8")
    pytester.makepyfile("def test_it(gainsight_config): pass")
    monkeypatch.setattr(collect, "find_spec", lambda _: None)
    result = run(pytester, "--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["mapping tests need ruamel.yaml: pip install 'gainsight-dest?testing?'"])


def test_another_fault_is_shown_with_its_code(
    pytester: pytest.Pytester, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gainsight_dest.testing.mapping.explain", None)
    result = run(pytester, mapping.name)
    result.stdout.fnmatch_lines(["*TypeError: 'NoneType' object is not callable*"])


# --- written anew -----------------------------------------------------------------------------------------------------


def test_an_update_writes_what_differs_and_then_it_passes(pytester: pytest.Pytester, mapping: Path) -> None:
    new = "\n  # the next\n  - name: new\n    given: {type: page}\n"
    mapping.write_text(HEAD + HOLDS + DIFFERS + new, "utf8")
    result = run(pytester, "--gainsight-update")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        ["*= mapping tests =*", "plans.gainsight.yaml: 2 rows written: look at the changes before you keep them"]
    )
    problem = """'type: "page" is not supported: it must be identify, group or track'"""
    error = f"    expect:\n      error:\n        kind: UnsupportedTypeError\n        message: {problem}\n"
    assert mapping.read_text("utf8") == HEAD + HOLDS + DIFFERS.replace("        Tier__gc: gold\n", "") + new + error
    run(pytester).assert_outcomes(passed=3)
    result = run(pytester, "--gainsight-update")
    result.stdout.fnmatch_lines(["nothing to write"])


def test_an_update_of_some_rows_leaves_the_others(pytester: pytest.Pytester, mapping: Path) -> None:
    before = mapping.read_bytes()
    mapping.write_bytes(b"\xef\xbb\xbf" + before.replace(b"\n", b"\r\n"))
    run(pytester, "--gainsight-update", "-k", "reaches").assert_outcomes(passed=1, deselected=1)
    assert mapping.read_bytes() == b"\xef\xbb\xbf" + before.replace(b"\n", b"\r\n")
    result = run(pytester, "--gainsight-update")
    result.stdout.fnmatch_lines(["plans.gainsight.yaml: 1 row written: *"])
    after = before.replace(b"        Tier__gc: gold\n", b"")
    assert mapping.read_bytes() == b"\xef\xbb\xbf" + after.replace(b"\n", b"\r\n")


def test_an_update_writes_no_secret(pytester: pytest.Pytester, mapping: Path) -> None:
    row = "  - {name: a, given: {type: identify, traits: {email: a@b.co}}, expect: {headers: {}, request: []}}\n"
    mapping.write_text(HEAD + row, "utf8")
    run(pytester, "--gainsight-update").assert_outcomes(passed=1)
    written = mapping.read_text("utf8")
    assert written.count("MARKED-key") == 1  # in the config
    assert written.count("Accesskey: '***'") == 2
    run(pytester).assert_outcomes(passed=1)


def test_what_can_only_be_changed_by_hand_fails(pytester: pytest.Pytester, mapping: Path) -> None:
    row = "  - {name: another, given: {type: page}, expect: *shared}\n"
    before = HEAD + DIFFERS.replace("expect:", "expect: &shared") + row
    mapping.write_text(before, "utf8")
    result = run(pytester, "--gainsight-update")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "  not written: would not read back as it was written: change it by hand",
            "  not written: shares a part with another by an anchor: change it by hand",
        ]
    )
    assert mapping.read_text("utf8") == before


def test_a_file_that_changed_meanwhile_is_left_alone(pytester: pytest.Pytester, mapping: Path) -> None:
    pytester.makepyfile(f"def test_it():\n    with open({str(mapping)!r}, 'a') as file: file.write('# more\\n')")
    result = run(pytester, "--gainsight-update", mapping.name, "test_a_file_that_changed_meanwhile_is_left_alone.py")
    result.stdout.fnmatch_lines(["plans.gainsight.yaml: nothing written: it was changed while the tests ran"])
    assert mapping.read_text("utf8") == HEAD + HOLDS + DIFFERS + "# more\n"


def test_an_update_runs_in_one_process(pytester: pytest.Pytester) -> None:
    in_two = ["-n2"]
    if find_spec("xdist") is None:
        in_two = ["--dist=load"]
        pytester.makeconftest("""
            def pytest_addoption(parser):  # as pytest-xdist has it
                parser.addoption("--dist")
        """)
    result = run(pytester, "--gainsight-update", *in_two)
    result.stderr.fnmatch_lines(["ERROR: --gainsight-update writes files: run it in one process, without -n"])


def test_the_example_passes(pytester: pytest.Pytester) -> None:
    need("testing")
    for name in ("mappings.gainsight.yaml", "destination.json"):
        shutil.copy(EXAMPLES / name, pytester.path)
    result = run(pytester, "--gainsight-no-network", "--gainsight-update")
    assert result.parseoutcomes() == {
        "passed": (EXAMPLES / "mappings.gainsight.yaml").read_text("utf8").count("- name:")
    }
    result.stdout.fnmatch_lines(["nothing to write"])


def test_the_endings_of_names_are_those_of_yaml() -> None:
    assert plugin.SUFFIXES == (".gainsight.yaml", ".gainsight.yml")


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/write-mapping-tests.md"])
def test_the_first_test_of_a_page_fails_and_then_passes_as_it_says(
    page: str, pytester: pytest.Pytester, mapping: Path
) -> None:
    guide = (EXAMPLES.parent / page).read_text("utf8")
    found = re.search(r"^```yaml\n(.*?)^```.*?^```text\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    assert found is not None
    text, shown = found.groups()
    mapping.unlink()
    file = pytester.path / "plan.gainsight.yaml"
    file.write_text(text, "utf8")
    assert len(text.splitlines()) <= 12
    assert shown in run(pytester).stdout.str()
    file.write_text(text.replace("from: tier", "from: plan"), "utf8")
    run(pytester).assert_outcomes(passed=1)
