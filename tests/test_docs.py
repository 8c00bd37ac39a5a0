"""The documentation agrees with the code: derived pages, the README's output, links, the changelog's version."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gainsight_dest import DestinationConfig, __version__, destinations_of
from gainsight_dest.fields import OBJECTS
from gainsight_dest.sandbox import Sandbox
from tests.needs import need
from tests.public import PACKAGE, public_names
from tests.test_package import CORE

UTF_8 = {**os.environ, "PYTHONIOENCODING": "utf-8"}
ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
GENERATED = runpy.run_path(str(ROOT / "docs/generate.py"))


#: Shows the fault matrix, which takes a while.
FAULTS_PAGE = "reference/faults.md"


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long) if name == FAULTS_PAGE else name for name in GENERATED["PAGES"]],
)
def test_a_page_derived_from_the_tables_says_what_they_say(name: str) -> None:
    page = GENERATED["NOTE"] + GENERATED["PAGES"][name]().rstrip() + "\n"
    assert (ROOT / "docs" / name).read_text("utf8") == page, "run: python docs/generate.py"


def test_the_page_of_the_fields_has_a_part_for_each_object() -> None:
    page = (ROOT / "docs/reference/fields.md").read_text("utf8")
    assert [of.name for of in OBJECTS if f"\n## {of.name}, from {of.event_type}\n" not in page] == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text("utf8")):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_every_page_of_the_docs_is_linked_from_their_index() -> None:
    index = (ROOT / "docs/README.md").read_text("utf8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_the_page_of_the_design_names_what_the_package_holds_and_nothing_else() -> None:
    held = {path.stem for path in PACKAGE.glob("[a-z]*") if path.suffix == ".py" or (path / "__init__.py").exists()}
    page = (ROOT / "docs/explanation/design.md").read_text("utf8")
    section = page.partition("## Where things are\n")[2].partition("\n## ")[0]
    picture = section.split("```")[1]
    rows = [
        (re.findall(r"`(\w+)`", names), re.findall(r"`(\w+)`", text))
        for names, text in re.findall(r"^\| (`.*?`) \| (.*) \|$", section, re.MULTILINE)
    ]
    assert {name for names, _ in rows for name in names} == held
    assert held <= set(re.findall(r"\w+", picture))
    assert [
        module for names, modules in rows for module in modules if not (PACKAGE / names[0] / f"{module}.py").exists()
    ] == []


def test_every_name_that_the_reference_documents_is_in_the_all_of_its_module() -> None:
    pages = [page.read_text("utf8") for page in (ROOT / "docs/reference/api").glob("*.md")]
    documented = {name for text in pages for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)}
    modules = {name for name in documented if public_names(name)}
    named = {tuple(name.rsplit(".", 1)) for name in documented - modules}
    assert {f"{module}.{name}" for module, name in named if name not in public_names(module)} == set()
    assert len(named) > 80


def test_every_name_that_a_page_imports_is_in_the_all_of_its_module() -> None:
    imported = {
        (module, name)
        for page in PAGES
        for module, names in re.findall(
            r"^ *from (gainsight_dest[\w.]*) import (\([^)]*\)|.*)$", page.read_text("utf8"), re.MULTILINE
        )
        for name in re.findall(r"\w+", re.sub("#.*", "", names))
    }
    assert {f"{module}.{name}" for module, name in imported if name not in public_names(module)} == set()
    assert len(imported) > 40


#: Words that readers with English as a second language may not know, and plain ones in their place.
_PLAIN = {
    r"mend(?:s|ed|ing)?": "fix",
    r"com(?:e|es|ing) out as": "is, ends as",
    r"(?:is|are|was|were|be) told": "is shown, says",
    r"told apart": "counted apart",
    r"becom(?:e|es) of|became of": "the outcome of",
    r"in earnest": "for the real one",
    r"but for": "except",
    r"whoever|whomever": "anyone who",
    r"heeds?": "look at",
    r"be it": "whether",
    r"as becomes": "as it should",
    r"ere|lest|thereof|whence|yonder": "",
}


@pytest.mark.parametrize(
    "page", sorted({*PAGES} - {ROOT / "CHANGELOG.md"}), ids=lambda page: str(page.relative_to(ROOT))
)
def test_a_page_uses_words_that_second_language_readers_know(page: Path) -> None:
    text = page.read_text("utf8")
    found = {word: plain for word, plain in _PLAIN.items() if re.search(rf"\b(?:{word})\b", text, re.IGNORECASE)}
    assert found == {}


#: How the names of hosts end that anyone could have.
_TAKEN = "ai|app|biz|cloud|co|com|de|dev|edu|eu|fr|gov|info|io|jp|net|org|uk|us"
_NAME = r"([\w-]+(?:\.[\w-]+)+)"
_HOSTS = (
    re.compile(rf"(?<![@\w.*-])((?:[\w-]+\.)+(?:{_TAKEN}))(?!\.?[\w-])", re.IGNORECASE),
    re.compile(rf"\w://(?:[^\s/'\"@]*@)?{_NAME}"),
    re.compile(rf"\bdomain(?:=|['\"]\s*:\s*)['\"]\s*{_NAME}"),
    re.compile(rf"\bdomain:\s+{_NAME}"),
)
#: Names that nobody can have (RFC 2606), and this machine.
_REACHES_NOBODY = re.compile(
    r"(.*\.)?(invalid|example|test|example\.(com|net|org)|localhost)|127\.0\.0\.1", re.IGNORECASE
)
#: What a block may say all the same, since it does not call it.
_JUST_SAID = {
    ("docs/how-to/check-a-config.md", "acme.gainsightcloud.com"),  # lint looks at what the host is called
    ("docs/how-to/check-a-file.md", "acme.gainsightcloud.com"),  # an error's own words
    ("docs/reference/schema.md", "json-schema.org"),  # the name of a dialect
}


def hosts_in(text: str) -> set[str]:
    """The hosts that it names and somebody could have. Addresses of e-mail are none."""
    named = {host for pattern in _HOSTS for host in pattern.findall(text)}
    return {host for host in named if not _REACHES_NOBODY.fullmatch(host)}


def blocks_of(page: Path) -> str:
    """All that a reader could paste, and what is hidden from readers."""
    fences = re.findall(r"^( *)```[^\n]*\n(.*?)^\1```", page.read_text("utf8"), re.MULTILINE | re.DOTALL)
    hidden = re.findall(r"<!---.*?-->", page.read_text("utf8"), re.DOTALL)
    return "\n".join([*(block for _, block in fences), *hidden])


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ('domain="acme.gainsightcloud.com", access_key="k"', {"acme.gainsightcloud.com"}),
        ('domain: tenant.corp, {"domain": "tenant.lan"}', {"tenant.corp", "tenant.lan"}),
        ("curl https://u:p@Real.Example.ORG.co:8080/x", {"Real.Example.ORG.co"}),
        ("https://203.0.113.7/v1.0", {"203.0.113.7"}),
        ("https://evil.example.com/@acme.gainsightcloud.com", set()),
        ("acme.example.invalid, http://127.0.0.1:8080, http://localhost, ada@gmail.com", set()),
        ("beam.io.ReadFromText, domain=config.domain, https://$HOST, *.gainsightcloud.com", set()),
    ],
)
def test_hosts_are_found_in_a_text(text: str, hosts: set[str]) -> None:
    assert hosts_in(text) == hosts


def test_what_is_pasted_from_a_page_or_taken_from_an_example_reaches_nobody() -> None:
    texts = {page: blocks_of(page) for page in PAGES} | {
        file: file.read_text("utf8") for file in (ROOT / "examples").rglob("*") if file.is_file()
    }
    found = {(file.relative_to(ROOT).as_posix(), host) for file, text in texts.items() for host in hosts_in(text)}
    assert found == _JUST_SAID


def test_a_wheel_that_a_page_names_is_of_this_version() -> None:
    named = {name for page in PAGES for name in re.findall(r"gainsight_dest-\S+?\.whl", page.read_text("utf8"))}
    assert named == {f"gainsight_dest-{__version__}-py3-none-any.whl"}


def test_the_changelog_has_a_section_for_this_version() -> None:
    assert re.search(rf"^## \[{re.escape(__version__)}\] - ", (ROOT / "CHANGELOG.md").read_text("utf8"), re.MULTILINE)


def test_the_readme_shows_what_its_main_command_prints() -> None:
    readme = (ROOT / "README.md").read_text("utf8")
    (command,) = re.findall(r"^python3 -m venv .* && gainsight-dest (.*)$", readme, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", "gainsight_dest", *command.split()], cwd=ROOT, capture_output=True, check=True, env=UTF_8
    )
    printed = [re.sub("─+", "─", line.rstrip()) for line in done.stdout.decode().splitlines()]
    shown = re.search(r"```text\n(type .*?)\n```", readme, re.DOTALL)
    assert shown is not None
    lines = [re.sub("─+", "─", line) for line in shown[1].splitlines() if line and "…" not in line]
    assert [line for line in lines if line not in printed] == []
    assert len(lines) > 8


def test_the_readmes_commands_that_name_the_examples_run_as_they_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("cli", "report")
    from tests.cli.process import run  # noqa: PLC0415 - it wants the command line

    readme = (ROOT / "README.md").read_text("utf8")
    blocks = re.findall(r"^```sh\n(.*?)\n```", readme, re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if " examples/" in line]
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    done = [run(*shlex.split(command)[1:]) for command in commands]
    assert [(each.returncode, b"Traceback" in each.stderr) for each in done] == [(1, False), (1, False)]
    assert (tmp_path / "report.html").exists()


def test_contributing_names_all_modules_in_the_order_in_which_they_may_import() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf8")
    named = re.search(r"imports only what stands before it:\s+(.*?)\.\n", contributing, re.DOTALL)
    assert named is not None
    assert re.split(r",\s+", named[1]) == [*dict.fromkeys(module.partition(".")[0] for module in CORE)]


def test_the_way_from_a_workspace_export_to_the_sandbox_goes_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("cli", "deliver", "sandbox")
    from gainsight_dest.sandbox.server import Server  # noqa: PLC0415 - it wants what not everybody has
    from tests.cli.process import run  # noqa: PLC0415

    page = (ROOT / "docs/how-to/deliver.md").read_text("utf8")
    section = page.partition("### You have a workspace export\n")[2].partition("\n### ")[0]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    export, events = (text for kind, text in blocks if kind == "json")
    (shown,) = (text for kind, text in blocks if kind == "text")
    (tmp_path / "workspace.json").write_text(export, "utf8")
    (tmp_path / "events.ndjson").write_text(events, "utf8")
    commands = [line for kind, text in blocks if kind == "sh" for line in text.splitlines()]
    ((name, _, key),) = {command[7:].partition("=") for command in commands if command.startswith("export ")}
    monkeypatch.setenv(name, key)
    monkeypatch.chdir(tmp_path)
    sandbox = Sandbox(DestinationConfig.from_rudderstack(destinations_of(json.loads(export))[0], os.environ))
    with Server(sandbox) as server:
        done = [
            run(*shlex.split(command.replace("http://127.0.0.1:8080", server.url))[1:])
            for command in commands
            if command.startswith("gainsight-dest ") and " sandbox " not in command
        ]
    assert [each.returncode for each in done] == [0, 0, 0], done
    assert "gainsight-dest sandbox --config workspace.json" in commands
    assert [line.rstrip() for line in done[-1].stdout.decode().splitlines()[1:6]] == shown.splitlines()
    assert [person["Plan__gc"] for person in sandbox.people] == ["gold"]
