"""Files of mapping tests: what is read of them, what is wrong with them, what is written into them."""
# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

import json
import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from gainsight_dest.tenant import Tenant
from gainsight_dest.testing.document import DocumentError
from gainsight_dest.testing.mapping import MappingFileError, MappingTests, read_mapping_tests
from tests.tenant_of_60_fields import ANSWER, option_id

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
GOOD = """\
config: {domain: acme.gainsightcloud.com, accessKey: MARKED-key, personMap: [{from: plan, to: Plan__gc}]}
rows:
  - name: one
    given: {type: identify, traits: {email: ada@example.com, plan: gold}}
    expect: {body: {Email: ada@example.com, Plan__gc: gold}}
"""


def read(folder: Path, text: str) -> MappingTests:
    file = folder / "a.gainsight.yaml"
    file.write_bytes(text.encode())
    return read_mapping_tests(file)


def test_the_example_holds() -> None:
    tests = read_mapping_tests(EXAMPLES / "mappings.gainsight.yaml")
    assert tests.name == "The mapping of Acme Desk"
    assert [(row.name, row.problems()) for row in tests.rows if row.problems()] == []
    assert len(tests.rows) > 5


def test_a_row_knows_its_line_and_shows_no_value(tmp_path: Path) -> None:
    tests = read(tmp_path, GOOD + "  - name: two\n    given: {}\n")
    assert [(row.name, row.line) for row in tests.rows] == [("one", 3), ("two", 6)]
    assert "ada@example.com" not in repr(tests)
    assert "MARKED-key" not in repr(tests)
    assert tests.rows[1].problems() == (
        "it has no expect: write one, or let pytest --gainsight-update write what came",
    )


@pytest.mark.parametrize("name", ["destination.json", "destination.yaml", "with-bom.json"])
def test_a_config_may_be_a_file_beside_it_in_json_or_yaml(tmp_path: Path, name: str) -> None:
    shutil.copy(EXAMPLES / "destination.json", tmp_path)
    (tmp_path / "destination.yaml").write_text(
        "{domain: acme.gainsightcloud.com, accessKey: k, personMap: {plan: Plan__gc}}"
    )
    (tmp_path / "with-bom.json").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "destination.json").read_bytes())
    tests = read(tmp_path, "\n".join([f"config: {name}", *GOOD.splitlines()[1:]]))
    assert tests.rows[0].problems() == ()


@pytest.mark.parametrize("text", [GOOD, "\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), json.dumps({"config": {"domain": "acme.co", "accessKey": "k"}, "rows": [{"name": "x", "given": {}, "expect": {"error": "type"}}]})])  # fmt: skip
def test_a_file_may_come_from_any_editor_and_be_json(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).rows[0].problems() == ()


def test_what_holds_for_the_file_holds_for_a_row_that_says_nothing_else(tmp_path: Path) -> None:
    more = "  - &row\n    name: two\n    given: {}\n    subset: false\n  - {<<: *row, name: three, subset: true}\n"
    assert [row.subset for row in read(tmp_path, f"subset: true\n{GOOD}{more}").rows] == [True, False, True]


ROW = "config: {domain: acme.co}\nrows:\n  - name: one\n    given: {}\n"
EXPECT_KEYS = "body, headers, request, link, error, refusal, explain"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["1: is empty: it must hold config and rows"]),
        ("- a\n", ["1: the file must be an object, got a list"]),
        ("a: [\n", ["2: is not YAML: "]),
        ("name: x\n", ["1: the file has no config: add it", "1: the file has no rows: add it"]),
        ("config: {domain: acme.co}\nrows: []\n", ["2: rows is empty: write at least one"]),
        ("config: {domain: acme.co}\nrows: {}\n", ["2: rows must be a list, got an object"]),
        ("config: {domain: acme.co}\nrows: [x]\n", ["2: a row must be an object, got a string"]),
        ("config: [x]\nrows:\n  - {name: a, given: {}}\n", ["1: config must be a string or an object, got a list"]),
        ("config: {domian: acme.co}\nrows:\n  - {name: a, given: {}}\n", ["1: config: domain: is needed: the host name of the Gainsight tenant"]),
        ("config: {domain: a.co, accessKey: 12}\nrows:\n  - {name: a, given: {}}\n", ["1: config: accessKey: must be a string, not a number"]),
        ("config: nowhere.json\nrows:\n  - {name: a, given: {}}\n", ['1: config: "nowhere.json" cannot be read: No such file or directory']),
        ("config: bad.json\nrows:\n  - {name: a, given: {}}\n", ['1: config: "bad.json" is neither JSON nor YAML: line 1: is not YAML: ']),
        ("config: empty.json\nrows:\n  - {name: a, given: {}}\n", ["1: config: destination config: must be an object, not null"]),
        ("config: latin.json\nrows:\n  - {name: a, given: {}}\n", ['1: config: "latin.json" is neither JSON nor YAML: ']),
        (ROW + "  - name: one\n    given: {}\n", ['5: another row, in line 3, has the name "one": give each its own']),
        (ROW + "    expct: {}\n", ['5: a row has no key "expct". Did you mean expect?']),
        (ROW + "    zzz: {}\n", ['5: a row has no key "zzz": it may be name, given, subset, expect']),
        (ROW + "  - given: {}\n", ["5: a row has no name: add it"]),
        (ROW + "  - name: two\n", ["5: a row has no given: add it"]),
        (ROW + "  - name: 12\n    given: x\n", ["5: name must be a string, got a number", "6: given must be an object, got a string"]),
        (ROW + '  - name: " "\n    given: {}\n', ["5: name must be one line of text, and not blank"]),
        (ROW + '  - name: "a\\nb"\n    given: {}\n', ["5: name must be one line of text, and not blank"]),
        (ROW + "    subset: yes\n", ["5: subset must be true or false, got a string"]),
        (ROW + "    expect: x\n", ["5: expect must be an object, got a string"]),
        (ROW + "    expect: {}\n", [f"5: expect is empty: it must hold one of {EXPECT_KEYS}"]),
        (ROW + "    expect: {bdy: {}}\n", [f'5: expect has no key "bdy": it may be {EXPECT_KEYS}', f"5: expect is empty: it must hold one of {EXPECT_KEYS}"]),
        (ROW + "    expect:\n      error: x\n      body: {}\n", ["6: expect has error and body: an event at fault becomes no request"]),
        (ROW + "    expect:\n      error: {}\n", ["6: error is empty: it must hold kind, message or both"]),
        (ROW + "    expect:\n      error: {kind: EvntError}\n", ['6: no such kind of error: "EvntError". Did you mean EventError?']),
        (ROW + "    expect:\n      error: {kind: Foo}\n", ['6: no such kind of error: "Foo": it may be EventError, UnsupportedTypeError, ConfigError']),
        (ROW + "    expect:\n      error: 12\n", ["6: error must be a string or an object, got a number", f"6: expect is empty: it must hold one of {EXPECT_KEYS}"]),
        (ROW + "    expect:\n      request: {methd: PUT}\n", ['6: request has no key "methd". Did you mean method?']),
        (ROW + "    expect:\n      request: [{url: 1}, x]\n", ["6: request must be an object, got a string", "6: url must be a string, got a number"]),
        (ROW + "    expect:\n      explain:\n        - {source: a, sorce: b}\n", ['7: a row of explain has no key "sorce". Did you mean source?']),
        ("a: &x {nam: y}\n" + ROW + "  - {<<: *x, given: {}}\n", ['1: a row has no key "nam": it may be name, given, subset, expect', '1: the file has no key "a": it may be name, config, tenant, subset, rows', "6: a row has no name: add it"]),
        ("a: &x {nam: y}\n" + ROW + "  - {<<: [*x, *x], name: z, given: {}}\n", ['1: a row has no key "nam": it may be name, given, subset, expect'] * 2 + ['1: the file has no key "a": it may be name, config, tenant, subset, rows']),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_by_its_lines(tmp_path: Path, text: str, problems: list[str]) -> None:
    (tmp_path / "bad.json").write_text("{]")
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "latin.json").write_bytes(b'{"domain": "\xe9"}')
    with pytest.raises(MappingFileError) as caught:
        read(tmp_path, text)
    found = [line.removeprefix("a.gainsight.yaml:") for line in str(caught.value).splitlines()]
    assert len(found) == len(problems), found
    assert all(one.startswith(other) for one, other in zip(found, problems, strict=True)), found


def test_what_is_wrong_is_told_without_a_secret(tmp_path: Path) -> None:
    with pytest.raises(MappingFileError) as caught:
        read(tmp_path, GOOD.replace("acme.gainsightcloud.com", "MARKED-key").replace("from: plan", "from: 12"))
    assert "MARKED-key" not in str(caught.value)


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.gainsight.yaml"
    file.write_bytes(GOOD.replace("gold", "göld").encode("latin-1"))
    with pytest.raises(MappingFileError, match=r"a\.gainsight\.yaml:1: is not UTF-8: save it as such"):
        read_mapping_tests(file)
    with pytest.raises(OSError, match="nowhere"):
        read_mapping_tests(tmp_path / "nowhere")


# --- written anew -----------------------------------------------------------------------------------------------------


def updated(folder: Path, text: str) -> str:
    """The text with what came in every row that does not hold; which then does."""
    tests = read(folder, text)
    made = tests.with_expected({index: row.renewed() for index, row in enumerate(tests.rows) if row.problems()})
    assert [row.problems() for row in read(folder, made).rows] == [()] * len(tests.rows)
    return made


CONFIG = GOOD.splitlines()[0]


@pytest.mark.parametrize(
    ("expect", "made"),
    [
        ("    # no expect yet\n", "    expect:\n      body:\n        Email: ada@example.com\n        Plan__gc: gold\n    # no expect yet\n"),
        ("    expect: {body: {Plan__gc: silver}}  # why\n", "    expect: {body: {Email: ada@example.com, Plan__gc: gold}}  # why\n"),
        ("    expect:\n      # which\n      body:\n        Plan__gc: silver # the plan\n        # and\n        Gone: 1\n", "    expect:\n      # which\n      body:\n        Plan__gc: gold # the plan\n        # and\n        Email: ada@example.com\n"),
        ("    subset: true\n    expect: {body: {Plan__gc: silver, Gone: 1}}\n", "    subset: true\n    expect: {body: {Plan__gc: gold}}\n"),
        ("    expect:\n      error: x\n", "    expect:\n      body:\n        Email: ada@example.com\n        Plan__gc: gold\n"),
        ("    expect:\n      headers: {Accesskey: MARKED-old}\n", "    expect:\n      headers: {Accesskey: '***', Content-Type: application/json}\n"),
        ("    expect: {request: {method: POST}}\n", "    expect: {request: {method: PUT}}\n"),
        ("    subset: true\n    expect:\n      explain:\n        - source: traits.plan\n          reason: unknown\n", "    subset: true\n    expect:\n      explain:\n        - source: traits.plan\n          sent: gold\n"),
    ],
)  # fmt: skip
def test_what_came_is_written_where_it_differs(tmp_path: Path, expect: str, made: str) -> None:
    head = f"# ours\n{CONFIG} # theirs\nrows:\n  - name:   one\n    given: {{type: identify, traits: {{email: ada@example.com, plan: gold}}}}\n"
    tail = '\n  # the next\n  - {name: "two", given: {type: page}, expect: {error: page}}\n'
    assert updated(tmp_path, head + expect + tail) == head + made + tail


def test_a_row_in_braces_is_written_in_braces(tmp_path: Path) -> None:
    text = f"{CONFIG}\nrows: [{{name: one, given: {{type: page}}}}]\n"
    problem = """'type: "page" is not supported: it must be identify, group or track'"""
    error = f"{{kind: UnsupportedTypeError, message: {problem}}}"
    assert updated(tmp_path, text) == text.replace("page}", f"page}}, expect: {{error: {error}}}")


def test_a_part_that_is_shared_is_not_written(tmp_path: Path) -> None:
    rows = "rows:\n  - {name: one, given: {type: page}, expect: &x {error: y}}\n  - name: two\n    given: {}\n    expect: *x\n"
    tests = read(tmp_path, f"{CONFIG}\n{rows}")
    for index in range(2):
        with pytest.raises(DocumentError, match="by an anchor"):
            tests.with_expected({index: {"error": "z"}})


def test_what_would_not_read_back_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = read(tmp_path, dedent(GOOD))
    monkeypatch.setattr("gainsight_dest.testing.document._word", lambda _: "x")
    with pytest.raises(DocumentError, match="would not read back as it was written: change it by hand"):
        tests.with_expected({0: {"error": "z"}})


# --- with a tenant ----------------------------------------------------------------------------------------------------

TENANT = Tenant.from_describe(ANSWER).as_data()
OF_TENANT = f"tenant: {json.dumps(TENANT)}\n{GOOD}"


def test_a_row_that_the_tenant_refuses_fails_with_the_reason_until_it_is_fixed(tmp_path: Path) -> None:
    (row,) = read(tmp_path, OF_TENANT.replace("gold", "Silver")).rows
    assert row.problems() == ("the tenant refuses it: traits.plan: Plan__gc has no such option (Person.Plan__gc)",)
    (row,) = read(tmp_path, OF_TENANT.replace("gold", "Gold")).rows
    assert row.problems() == ()


def test_the_tenant_may_be_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "tenant.json").write_text(json.dumps(TENANT))
    (row,) = read(tmp_path, "tenant: tenant.json\n" + GOOD).rows
    assert [line.partition(":")[0] for line in row.problems()] == ["the tenant refuses it"]


def test_a_row_may_go_by_what_the_tenant_has_and_holds_then(tmp_path: Path) -> None:
    given = "given: {type: group, traits: {name: Acme}, context: {traits: {email: ada@example.com}}}"
    text = OF_TENANT.split("    given", maxsplit=1)[0] + f"    {given}\n    expect: {{body: {{Name: Acme}}}}\n"
    (row,) = read(tmp_path, text).rows
    assert row.problems() == ()
    (row,) = read(tmp_path, text.replace("expect: {", "expect: {refusal: required, ")).rows
    assert row.problems() == (
        'refusal: expected "required", got nothing: it goes by what the tenant has, or that is not known',
    )


@pytest.mark.parametrize(
    ("refusal", "plan", "problem"),
    [
        ("no such option", "Silver", None),
        ("too long", "Silver", 'refusal: expected "too long", got "traits.plan: Plan__gc has no such option'),
        ("no such option", "Gold", 'refusal: expected "no such option", got nothing: the tenant takes it'),
    ],
)
def test_a_refusal_may_be_expected(tmp_path: Path, refusal: str, plan: str, problem: str | None) -> None:
    text = OF_TENANT.replace("gold", plan).replace("expect: {", f"expect: {{refusal: {refusal}, ")
    (row,) = read(tmp_path, text).rows
    found = row.problems()
    assert len(found) == (problem is not None)
    assert all(line.startswith(str(problem)) for line in found)


def test_a_refusal_is_expected_in_vain_without_a_tenant(tmp_path: Path) -> None:
    (row,) = read(tmp_path, GOOD.replace("expect: {", "expect: {refusal: x, ")).rows
    assert row.problems() == ('refusal: expected "x", got nothing: the file names no tenant',)


def test_a_refusal_is_written_where_it_came_and_taken_away_where_it_did_not(tmp_path: Path) -> None:
    refused = OF_TENANT.replace("gold", "Silver")
    made = updated(tmp_path, refused)
    written = "'traits.plan: Plan__gc has no such option (Person.Plan__gc)'"
    assert made == refused.replace("Plan__gc: Silver}}", f"Plan__gc: Silver}}, refusal: {written}}}")
    assert updated(tmp_path, made.replace("Silver", "Gold")) == OF_TENANT.replace("gold", "Gold")


def test_explain_has_the_types_and_the_labels_of_the_tenant(tmp_path: Path) -> None:
    id_of_gold = option_id("Plans", "Gold")
    row = f"{{source: traits.plan, type: PICKLIST, sent: {id_of_gold}, label: Gold, refusal: null}}"
    text = OF_TENANT.split("    expect", maxsplit=1)[0].replace("gold", id_of_gold)
    (test,) = read(tmp_path, f"{text}    subset: true\n    expect: {{explain: [{row}]}}\n").rows
    assert test.problems() == ()


@pytest.mark.parametrize(
    ("tenant", "problem"),
    [
        ("nowhere.json", 'tenant: "nowhere.json" cannot be read: No such file or directory'),
        ("{objects: 5}", "tenant: "),
        ("[x]", "tenant must be a string or an object, got a list"),
    ],
)
def test_what_is_wrong_with_the_tenant_is_told(tmp_path: Path, tenant: str, problem: str) -> None:
    with pytest.raises(MappingFileError) as caught:
        read(tmp_path, f"tenant: {tenant}\n{GOOD}")
    assert str(caught.value).startswith(f"a.gainsight.yaml:1: {problem}")
