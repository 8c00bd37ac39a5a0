"""`gainsight-dest describe`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given

from gainsight_dest import Response
from gainsight_dest.checking.changes import KINDS
from gainsight_dest.cli.describe import text_of
from gainsight_dest.tenant import Option, Tenant, TenantField, TenantObject
from gainsight_dest.testing.strategies import tenants
from tests.cli.hosts import Answer, envelope, gainsight, serving
from tests.cli.process import ROOT, Done, run, wrong_use
from tests.some import SECRETS, SETTINGS
from tests.tenant_of_60_fields import ANSWER, response_of

WHOLE = Tenant.from_describe(ANSWER)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "destination.json"
    file.write_text(json.dumps(SETTINGS), "utf8")
    return file


@pytest.fixture
def tenant_file(tmp_path: Path) -> Path:
    file = tmp_path / "tenant.json"
    file.write_text(text_of(WHOLE), "utf8")
    return file


def describe(config: Path, *arguments: object, answer: Answer | None = None) -> Done:
    with serving(answer or gainsight()) as host:
        done = run("describe", "--config", config, "--base-url", host.url, *arguments)
    assert not any(secret.encode() in done.stdout + done.stderr for secret in SECRETS)
    return done


# --- the file ---------------------------------------------------------------------------------------------------------


def test_it_writes_the_tenant_and_nothing_else(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "tenant.json"
    out.parent.mkdir()
    done = describe(config, "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert Tenant.from_data(json.loads(out.read_bytes())) == WHOLE
    assert [path.name for path in out.parent.iterdir()] == ["tenant.json"]


def test_the_same_tenant_gives_the_same_bytes_in_whatever_order_it_is_told(config: Path, tmp_path: Path) -> None:
    def backwards(_: str, body: Any) -> Response:
        answer = json.loads(response_of(*body["objectNames"]).body)
        for each in answer["data"]:
            each["fields"].reverse()
            for field in each["fields"]:
                field["options"] = field["options"] and field["options"][::-1]
        answer["data"].reverse()
        return envelope(data=answer["data"])

    texts = []
    for number, answer in enumerate((gainsight(), backwards)):
        out = tmp_path / f"{number}.json"
        assert describe(config, "--out", out, answer=answer).returncode == 0
        texts.append(out.read_bytes())
    assert texts[0] == texts[1]


def test_without_out_it_prints_what_it_would_write(config: Path, tenant_file: Path) -> None:
    for options in ((), ("--out", "-")):
        done = describe(config, *options)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == tenant_file.read_bytes()


def test_a_field_is_a_line_and_so_is_an_option() -> None:
    field = TenantField("Plan__gc", "Plan", "PICKLIST", options=(Option("Gold", "1I001"), Option("日本", "1I002")))
    text = text_of(Tenant([TenantObject("Company", fields=[field, TenantField("Arr", "ARR", "CURRENCY", decimals=2)])]))
    assert json.loads(text)["objects"]["Company"]["fields"]["Plan__gc"]["options"][1]["label"] == "日本"
    lines = text.splitlines()
    assert sum('"ARR"' in line and '"CURRENCY"' in line for line in lines) == 1
    assert sum('"日本"' in line and '"1I002"' in line for line in lines) == 1
    assert text.endswith("\n}\n")


@given(tenants())
def test_the_file_of_any_tenant_is_read_as_that_tenant(tenant: Tenant) -> None:
    text = text_of(tenant)
    assert Tenant.from_data(json.loads(text)) == tenant
    assert text == text_of(Tenant.from_data(json.loads(text)))


def test_letters_that_steer_a_terminal_and_halves_of_pairs_are_escaped_and_read_again() -> None:
    label = "a\u202eb\x1b[31m\ud800"
    text = text_of(Tenant([TenantObject("Company", fields=[TenantField("X__gc", label, "STRING")])]))
    assert text.isascii()
    assert json.loads(text)["objects"]["Company"]["fields"]["X__gc"]["label"] == label


def test_other_objects_can_be_named(config: Path) -> None:
    asked: list[Any] = []

    def answer(_: str, body: Any) -> Response:
        asked.append(body["objectNames"])
        return response_of("Company")

    done = describe(config, "--object", "Company", "--object", "Company", answer=answer)
    assert asked == [["Company"]]
    assert [*json.loads(done.stdout)["objects"]] == ["Company"]


def test_an_object_that_is_not_described_leaves_the_old_file(config: Path, tenant_file: Path) -> None:
    before = tenant_file.read_bytes()
    done = describe(config, "--out", tenant_file, answer=lambda *_: response_of("Person"))
    assert wrong_use(done) == 'Gainsight describes no "Company" to this key. Nothing was written'
    assert tenant_file.read_bytes() == before


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (envelope(401, errorCode="GS_APIG_2401"), "the access key is not authorized"),
        (envelope(429), "too many calls"),
        (envelope(500), "failed"),
        (Response(200, b"<html>"), "not a JSON object"),
        (Response(302, b"", {"Location": "https://example.com"}), "a redirect, not followed"),
        (envelope(data=[{"objectName": "Person", "fields": 7}]), "fields"),
    ],
)
def test_what_is_no_description_leaves_the_old_file(
    answer: Response, words: str, config: Path, tenant_file: Path
) -> None:
    before = tenant_file.read_bytes()
    for options in (("--out", tenant_file), ("--check", tenant_file), ()):
        assert words in wrong_use(describe(config, *options, answer=lambda *_: answer))
    assert tenant_file.read_bytes() == before


def test_a_host_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps({**SETTINGS, "domain": "no-such-host.invalid"}), "utf8")
    assert "no host of that name is found" in wrong_use(run("describe", "--config", file))


def test_a_disk_that_is_full_leaves_the_old_file(
    config: Path, tenant_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    before = tenant_file.read_bytes()
    words = wrong_use(describe(config, "--out", tenant_file))
    assert words == f"{tenant_file} cannot be written: No space left on device"
    assert tenant_file.read_bytes() == before
    assert {path.name for path in tenant_file.parent.iterdir()} == {"destination.json", "tenant.json"}


# --- what has changed -------------------------------------------------------------------------------------------------


def changed(file: Path, change: str) -> None:
    """Write the file with what a change of the tenant's makes of it, as if it had been so before."""
    data = json.loads(file.read_bytes())
    fields = data["objects"]["Person"]["fields"]
    if change == "gone":
        fields["Gone__gc"] = fields["Bio__gc"]
    elif change == "new":
        del fields["Bio__gc"]
    elif change == "type":
        fields["Score__gc"] = {"type": "STRING"}
    else:
        fields["Plan__gc"]["options"].append({"label": "Old", "id": "1I009"})
    file.write_text(json.dumps(data), "utf8")


def test_what_has_not_changed_is_status_0(config: Path, tenant_file: Path) -> None:
    done = describe(config, "--check", tenant_file)
    assert (done.returncode, done.stdout.decode()) == (0, f"{tenant_file}: nothing has changed\n")


@pytest.mark.parametrize(
    ("change", "kind", "status"),
    [("gone", "field-gone", 1), ("type", "type", 1), ("option", "option-gone", 1), ("new", "field-new", 0)],
)
def test_what_can_make_gainsight_refuse_events_is_status_1(
    change: str, kind: str, status: int, config: Path, tenant_file: Path
) -> None:
    changed(tenant_file, change)
    before = tenant_file.read_bytes()
    done = describe(config, "--check", tenant_file, "--format", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (status, b"")
    assert kind in [each["kind"] for each in report["changes"]]
    assert report["counts"] == {
        "changes": len(report["changes"]),
        "can_refuse": sum(each["can_refuse"] for each in report["changes"]),
    }
    assert tenant_file.read_bytes() == before


def test_as_text_it_is_a_table_with_what_can_refuse_events_first(config: Path, tenant_file: Path) -> None:
    for change in ("gone", "new", "option"):
        changed(tenant_file, change)
    done = describe(config, "--check", tenant_file)
    lines = [re.sub(r" {2,}", "  ", line.strip()) for line in done.stdout.decode().splitlines()]
    assert lines[1] == "field  change  before  now"
    assert lines[3:] == [
        "✗  Person.Gone__gc  the field is gone",
        "✗  Person.Plan__gc  the option is gone  Old",
        "Person.Bio__gc  the field is new  RICHTEXTAREA",
        "",
        f"{tenant_file}: 3 changes, 2 of which can make Gainsight refuse events",
    ]


def test_it_asks_for_the_objects_of_the_file(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(text_of(attrs.evolve(WHOLE, objects=[WHOLE.objects["Company"]])), "utf8")
    asked: list[Any] = []

    def answer(path: str, body: Any) -> Response:
        asked.append(body["objectNames"])
        return gainsight()(path, body)

    done = describe(config, "--check", file, answer=answer)
    assert (done.returncode, asked) == (0, [["Company"]])


def test_of_a_file_with_more_objects_the_others_are_passed_over(config: Path, tenant_file: Path) -> None:
    done = describe(config, "--check", tenant_file, "--object", "Person")
    assert (done.returncode, done.stdout.decode()) == (0, f"{tenant_file}: nothing has changed\n")


def test_an_object_that_is_gone_is_found_though_gainsight_refuses_the_whole_question(
    config: Path, tenant_file: Path
) -> None:
    not_found = Response(404, json.dumps({"result": False, "title": "OBJECT_NOT_FOUND", "requestId": "x"}).encode())

    def answer(_: str, body: Any) -> Response:
        return not_found if "Company" in body["objectNames"] else response_of(*body["objectNames"])

    done = describe(config, "--check", tenant_file, "--format", "json", answer=answer)
    (change,) = json.loads(done.stdout)["changes"]
    assert (done.returncode, change["object"], change["kind"]) == (1, "Company", "object-gone")
    assert 'describes no "Company"' in wrong_use(describe(config, answer=answer))
    assert "describe" in wrong_use(describe(config, "--object", "Company", answer=answer))


# --- wrong use --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "not JSON"), ("[]", "is not a tenant as `describe --out` writes it"), ('{"version": 99}', "version")],
)
def test_a_file_that_is_no_tenant_is_told_before_a_call(content: str, words: str, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content, "utf8")
    for command in ("describe --check", "check --tenant"):
        words_of_it = wrong_use(run(*command.split(), file, "--config", config))
        assert words_of_it.startswith(str(file))
        assert words in words_of_it


def test_a_file_that_is_not_there_is_told(config: Path, tmp_path: Path) -> None:
    words = wrong_use(run("check", "--config", config, "--tenant", tmp_path / "none.json"))
    assert words == f"{tmp_path / 'none.json'} cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--out x.json --check y.json", "--check and --out contradict each other"),
        ("--format json", "--format needs --check"),
        ("--out no/such/folder.json", "there is no such folder"),
        ("--out {config}", "is the config: name another file"),
        ("--object ''", "objects"),
        ("--timeout 0", "--timeout"),
    ],
)
def test_what_contradicts_itself_is_wrong_use(
    options: str, words: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [option.strip("'") for option in options.format(config=config).split()]
    done = run("describe", "--config", config, *given)
    assert (done.returncode, done.stdout) == (2, b"")
    assert words in done.stderr.decode()
    assert [path.name for path in tmp_path.iterdir()] == ["destination.json"]


def test_the_page_shows_what_it_prints(config: Path, tenant_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/how-to/keep-the-tenant-in-git.md").read_text("utf8")
    data = json.loads(tenant_file.read_bytes())
    person, company = (data["objects"][name]["fields"] for name in ("Person", "Company"))
    person["Plan__gc"]["options"].append({"label": "Silver", "id": "1I009"})
    person["Code__gc"]["length"] = 20
    person["Nickname__gc"] = {"type": "STRING"}
    company["Audited__gc"]["type"] = "DATE"
    del company["Discount__gc"]
    tenant_file.write_text(json.dumps(data), "utf8")
    monkeypatch.chdir(tenant_file.parent)
    done = describe(config, "--check", tenant_file.name)
    (shown,) = re.findall(r"^```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert shown.splitlines() == [line.rstrip() for line in done.stdout.decode().splitlines()][1:]


def test_the_page_lists_all_kinds_of_changes() -> None:
    page = (ROOT / "docs/how-to/keep-the-tenant-in-git.md").read_text("utf8")
    rows = re.findall(r"^\| (.*) \| (yes|no) \|$", page, re.MULTILINE)
    assert rows == [(kind.about, "yes" if kind.can_refuse else "no") for kind in KINDS.values()]
