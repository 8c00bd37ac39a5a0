"""`gainsight-dest check`."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest import Response
from gainsight_dest.cli import check as module
from gainsight_dest.cli.ask import unknown_host
from gainsight_dest.deliver.send import Sender
from tests.cli.hosts import Host, envelope, gainsight, serving
from tests.cli.process import ROOT, Done, ended, run, started, wrong_use
from tests.needs import need
from tests.some import SECRETS, SETTINGS
from tests.tenant_of_60_fields import CONFIG

_MAPS = {"personMap": CONFIG.person_map, "companyMap": CONFIG.company_map}
_ROWS = {name: [{"from": trait, "to": field} for trait, field in rows.items()] for name, rows in _MAPS.items()}
WELL: dict[str, Any] = {**SETTINGS, **_ROWS}
FORBIDDEN = envelope(403, errorDesc="no access")
CALLS = ["/v1/users/services/list", "/v1/data/objects/query/Person", "/v1/data/objects/query/Company"]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A destination that fits the tenant of 60 fields."""
    return written(tmp_path / "destination.json", WELL)


def written(file: Path, config: Any) -> Path:
    file.write_text(json.dumps(config), "utf8")
    return file


@attrs.frozen
class Checked:
    """What a check printed as JSON, and how it ended."""

    done: Done
    report: dict[str, Any]

    @property
    def marks(self) -> dict[str, str]:
        """The worst mark of each step."""
        order = ["ok", "not tried", "warning", "fault"]
        worst: dict[str, str] = {}
        for result in self.report["results"]:
            step = result["step"]
            worst[step] = max(worst.get(step, "ok"), result["mark"], key=order.index)
        return worst

    def of(self, step: str, mark: str = "fault") -> list[tuple[str, str, str]]:
        """The subjects, findings and remedies of a step with a mark."""
        results = [each for each in self.report["results"] if (each["step"], each["mark"]) == (step, mark)]
        return [(each["subject"], each["found"], each["remedy"]) for each in results]


def checked(*arguments: object) -> Checked:
    done = run("check", "--format", "json", *arguments)
    assert done.stderr == b""
    assert not any(secret.encode() in done.stdout for secret in SECRETS)
    return Checked(done, json.loads(done.stdout))


def test_a_destination_that_fits_is_well_and_costs_five_calls(config: Path) -> None:
    with serving(gainsight()) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert found.done.returncode == 0
    assert found.marks == {
        **dict.fromkeys(("config", "host", "connection", "Gainsight", "key", "rights"), "ok"),
        "fields": "warning",  # IndustryNew is not there, DynamicResolutionKey is read-only
        "track": "not tried",
    }
    assert [subject for subject, *_ in found.of("fields", "warning")] == [
        "Person.DynamicResolutionKey",
        "Company.IndustryNew",
    ]
    assert (found.report["calls"], len(host.asked)) == (5, 5)
    assert host.asked[0] == CALLS[0]
    assert {path for path in host.asked if "describe" not in path} == {*CALLS}


def test_each_mapped_field_is_shown_with_its_type(config: Path) -> None:
    with serving(gainsight()) as host:
        found = checked("--config", config, "--base-url", host.url)
    types = {subject: words for subject, words, _ in found.of("fields", "ok")}
    assert types["Person.Plan__gc"] == "PICKLIST, 3 options"
    assert types["Person.Code__gc"] == "STRING, up to 5 characters"
    assert types["Person.Manager__gc"].endswith("looks up Person")
    assert types["Company.ExternalId__gc"] == "STRING, up to 500 characters, only in new records"
    assert types["Person"] == "13 standard fields can be written"
    assert len(types) == len(CONFIG.person_map) + len(CONFIG.company_map) + 2


def test_as_text_it_is_a_table_and_a_line_of_counts(config: Path) -> None:
    with serving(gainsight(read_Company=FORBIDDEN)) as host:
        done = run("check", "--config", config, "--base-url", host.url)
    lines = [line.rstrip() for line in done.stdout.decode().splitlines()]
    assert (done.returncode, done.stderr) == (1, b"")
    assert re.fullmatch(r" +step +of what +found +what to do", lines[1])
    assert re.fullmatch(r"✓   key +accepted", next(line for line in lines if " key " in line))
    assert any(line.startswith("✗                Company") and "lacks the right (HTTP 403" in line for line in lines)
    assert lines[-1] == f"{config}: 1 fault, 2 warnings, 1 not tried; 5 calls"
    assert not any(secret in done.stdout.decode() for secret in SECRETS)


# --- mappings and rights ----------------------------------------------------------------------------------------------


def test_what_is_wrong_in_the_mappings_is_a_fault_with_what_to_do(tmp_path: Path) -> None:
    rows = {
        "personMap": [{"from": "score", "to": "Scores__gc"}, {"from": "health", "to": "Health__gc"}],
        "companyMap": [{"from": "x", "to": "Nothing__gc"}],
    }
    with serving(gainsight()) as host:
        found = checked("--config", written(tmp_path / "c.json", {**SETTINGS, **rows}), "--base-url", host.url)
    assert found.done.returncode == 1
    assert [*found.of("fields")] == [
        ("Person.Scores__gc", "the tenant's Person has no such field", "Did you mean Score__gc?"),
        (
            "Person.Health__gc",
            "it is a formula, which cannot be written",
            "Map the trait health to another field, or remove its row of personMap.",
        ),
        (
            "Company.Nothing__gc",
            "the tenant's Company has no such field",
            "Map the trait x to another field, or remove its row of companyMap.",
        ),
        (
            "Company.Region__gc",
            found.of("fields")[-1][1],
            "Map a trait to it in companyMap: a new Company without it will be refused.",
        ),
    ]


def test_errors_of_lint_are_faults_and_its_warnings_warnings(tmp_path: Path) -> None:
    config = {**WELL, "domain": "cs.example.org", "personMap": [{"from": "plan", "to": "Plan"}]}
    with serving(gainsight()) as host:
        found = checked("--config", written(tmp_path / "c.json", config), "--base-url", host.url)
    assert found.done.returncode == 1
    assert [place for place, *_ in found.of("config")] == ["personMap[0].to"]
    assert found.of("config", "warning")[0][0] == "domain"


@pytest.mark.parametrize("asked", ["read_Company", "describe_Company"])
def test_a_key_without_rights_to_one_object_is_a_fault_of_that_alone(asked: str, config: Path) -> None:
    with serving(gainsight(**{asked: FORBIDDEN})) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert found.done.returncode == 1
    ((subject, words, remedy),) = found.of("rights")
    assert subject == "Company"
    assert words.endswith("the access key lacks the right (HTTP 403, request id 6a1f0c1e-0000)")
    assert remedy.startswith("Give the user of the key the right to read Company")
    assert (found.marks["key"], len(host.asked)) == ("ok", 5)
    untried = [subject for subject, *_ in found.of("fields", "not tried")]
    assert untried == (["Company"] if asked == "describe_Company" else [])


def test_with_a_file_of_the_tenant_the_fields_are_its_own(config: Path, tmp_path: Path) -> None:
    tenant = tmp_path / "tenant.json"
    with serving(gainsight()) as host:
        assert run("describe", "--config", config, "--base-url", host.url, "--out", tenant).returncode == 0
    with serving(gainsight(describe_Person=FORBIDDEN, describe_Company=FORBIDDEN)) as host:
        found = checked("--config", config, "--base-url", host.url, "--tenant", tenant)
    assert (found.done.returncode, found.report["calls"]) == (0, 3)
    assert len(found.of("fields", "ok")) > 20


def test_with_a_file_that_has_not_both_objects_it_says_so(config: Path, tmp_path: Path) -> None:
    tenant = tmp_path / "tenant.json"
    with serving(gainsight()) as host:
        run("describe", "--config", config, "--base-url", host.url, "--out", tenant, "--object", "Person")
        found = checked("--config", config, "--base-url", host.url, "--tenant", tenant)
    assert found.done.returncode == 1
    assert [each[:2] for each in found.of("fields")] == [("Company", "the tenant's file has no Company")]


def test_a_tenant_without_an_object_and_an_answer_that_cannot_be_read_are_faults(config: Path) -> None:
    answers = {"describe_Company": envelope(data=[]), "describe_Person": envelope(data=7)}
    with serving(gainsight(**answers)) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert found.done.returncode == 2
    assert {subject for subject, *_ in found.of("fields") + found.of("rights")} == {"Person", "Company"}


# --- the way to Gainsight ---------------------------------------------------------------------------------------------

AFTER_THE_HOST = ("connection", "Gainsight", "key", "rights", "fields")


def is_told_as_not_tried(found: Checked, *steps: str) -> bool:
    return {found.marks[step] for step in steps} == {"not tried"}


def test_a_host_that_is_not_there_is_told_without_a_call(tmp_path: Path) -> None:
    found = checked("--config", written(tmp_path / "c.json", {**WELL, "domain": "no-such-host.invalid"}))
    ((subject, words, _),) = found.of("host")
    assert (found.done.returncode, found.report["calls"]) == (2, 0)
    assert (subject, words) == ("no-such-host.invalid", "no host of that name is found (gaierror)")
    assert is_told_as_not_tried(found, *AFTER_THE_HOST)
    assert [rule for rule, *_ in found.of("config", "warning")] == ["domain"]


def test_a_closed_port_is_a_fault_of_the_connection(config: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    found = checked("--config", config, "--base-url", f"http://127.0.0.1:{port}")
    ((subject, words, _),) = found.of("connection")
    assert (found.done.returncode, found.report["calls"]) == (2, 1)
    assert (subject, words) == (f"127.0.0.1:{port}", "the connection failed (ConnectionRefusedError)")
    assert is_told_as_not_tried(found, *AFTER_THE_HOST[1:])


@contextmanager
def with_tls(name: str, bundle: Path) -> Iterator[Host]:
    """The small Gainsight with a certificate for a name; that of its authority goes into a file."""
    need("trustme")
    import trustme  # noqa: PLC0415 - after the check above

    authority = trustme.CA()
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    with serving(gainsight(), context) as host:
        yield host


@pytest.mark.parametrize(
    ("name", "is_known", "is_trusted"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("other.example", True, False)],
)
def test_a_certificate_is_trusted_that_is_for_the_host_and_of_a_known_authority(
    name: str, is_known: bool, is_trusted: bool, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with with_tls(name, tmp_path / "ca.pem") as host:
        if is_known:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        found = checked("--config", config, "--base-url", host.url)
    if is_trusted:
        assert found.of("connection", "ok")[0][1] == "secure, and the certificate is trusted"
        return
    assert (found.done.returncode, host.asked) == (2, [])
    assert "the host's certificate is not trusted" in found.of("connection")[0][1]
    assert is_told_as_not_tried(found, *AFTER_THE_HOST[1:])


def test_a_redirect_is_not_followed(config: Path) -> None:
    with serving(gainsight()) as other:
        away = Response(302, b"", {"Location": f"{other.url}/v1/users/services/list"})
        with serving(lambda *_: away) as host:
            found = checked("--config", config, "--base-url", host.url)
    ((_, words, remedy),) = found.of("Gainsight")
    assert (found.done.returncode, len(host.asked), other.asked) == (2, 1, [])
    assert words.startswith("a redirect, not followed")
    assert "host of the tenant itself" in remedy
    assert is_told_as_not_tried(found, *AFTER_THE_HOST[2:])


@pytest.mark.parametrize("status", [200, 404, 503])
def test_a_page_is_not_gainsight(status: int, config: Path) -> None:
    page = Response(status, b"<html><title>Log in</title></html>", {"Content-Type": "text/html"})
    with serving(lambda *_: page) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert (found.done.returncode, len(host.asked)) == (2, 2 if status == 404 else 1)
    assert f"(HTTP {status})" in found.of("Gainsight")[0][1]
    assert is_told_as_not_tried(found, *AFTER_THE_HOST[2:])


def test_json_that_is_no_envelope_is_not_gainsight(config: Path) -> None:
    with serving(lambda *_: Response(200, b"{}")) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert found.of("Gainsight")[0][1] == "the answer is not Gainsight's (HTTP 200)"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (envelope(401, errorCode="GS_APIG_2401"), "the access key is not authorized (HTTP 401, GS_APIG_2401"),
        (envelope(400, errorCode="GSOBJ_1024"), "the authentication headers are wrong (HTTP 400, GSOBJ_1024"),
        (envelope(403, errorCode="GS_APIG_2402"), "this IP address is not allowed (HTTP 403, GS_APIG_2402"),
    ],
)
def test_a_wrong_key_ends_the_check_after_one_call(answer: Response, words: str, config: Path) -> None:
    with serving(lambda *_: answer) as host:
        found = checked("--config", config, "--base-url", host.url)
    ((_, said, remedy),) = found.of("key")
    assert (found.done.returncode, len(host.asked)) == (2, 1)
    assert said.startswith(words)
    assert ("allowed addresses" if "IP" in words else "Make a new access key") in remedy
    assert is_told_as_not_tried(found, "rights", "fields")


def test_a_key_that_may_not_list_users_is_tried_with_what_it_needs(config: Path) -> None:
    for refused in (FORBIDDEN, envelope(404, errorCode="GS_APIG_1000"), envelope(400, errorCode="GU_1")):
        with serving(gainsight(users=refused)) as host:
            found = checked("--config", config, "--base-url", host.url)
        assert (found.marks["key"], found.marks["rights"], found.done.returncode) == ("ok", "ok", 0)
        assert len(host.asked) == 5, "the query is not made twice"


def test_a_gateway_without_the_route_of_users_is_gainsight_all_the_same(config: Path) -> None:
    with serving(gainsight(users=Response(404, b"<html>"))) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert (found.done.returncode, found.marks["Gainsight"], found.marks["key"], len(host.asked)) == (0, "ok", "ok", 5)


def test_a_key_that_may_do_nothing_is_a_fault(config: Path) -> None:
    with serving(lambda *_: FORBIDDEN) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert found.done.returncode == 2
    assert found.of("key")[0][1].startswith("the access key lacks the right")
    assert host.asked == [CALLS[0], CALLS[2], CALLS[1]]


def test_too_many_calls_end_it(config: Path) -> None:
    with serving(lambda *_: envelope(429, errorCode="GU_2400")) as host:
        found = checked("--config", config, "--base-url", host.url)
    ((_, words, remedy),) = found.of("key")
    assert (found.done.returncode, len(host.asked)) == (2, 1)
    assert words.startswith("too many calls (HTTP 429, GU_2400")
    assert "in a minute" in remedy
    assert is_told_as_not_tried(found, "rights", "fields")


def test_too_many_calls_half_way_leave_what_was_seen(config: Path) -> None:
    with serving(gainsight(read_Company=envelope(429, errorCode="GU_2400"))) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert (found.done.returncode, len(host.asked)) == (2, 4)
    assert len([each for each in found.of("fields", "ok") if each[0].startswith("Person")]) > 10
    assert [subject for subject, *_ in found.of("fields", "not tried")] == ["Company"]


def test_a_temporary_error_of_one_call_does_not_end_the_others(config: Path) -> None:
    with serving(gainsight(read_Person=envelope(500))) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert (found.done.returncode, len(host.asked)) == (2, 5)
    assert [subject for subject, *_ in found.of("rights")] == ["Person"]


@contextmanager
def hanging() -> Iterator[tuple[socket.socket, str]]:
    """A host that lets others connect and never answers, and its address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as host:
        yield host, f"http://127.0.0.1:{host.getsockname()[1]}"


def test_a_host_that_hangs_is_given_its_time(config: Path) -> None:
    with hanging() as (_, url):
        found = checked("--config", config, "--base-url", url, "--timeout", 1)
    assert (found.done.returncode, found.report["calls"]) == (2, 1)
    assert re.match(r"no (whole )?answer", found.of("connection")[0][1])
    assert is_told_as_not_tried(found, *AFTER_THE_HOST[1:])


def test_a_proxy_looks_the_host_up(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    found = checked("--config", config)
    ((subject, words, _),) = found.of("host", "not tried")
    assert (subject, words) == ("acme.gainsightcloud.com", "calls go through a proxy (HTTPS_PROXY), which looks it up")
    assert found.done.returncode == 2


def test_ctrl_c_shows_what_was_found_so_far(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    send = Sender.__call__

    def call(sender: Sender, request: Any) -> Response:
        calls.append(request)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return send(sender, request)

    monkeypatch.setattr(Sender, "__call__", call)
    with serving(gainsight()) as host:
        done = run("check", "--config", config, "--base-url", host.url)
    assert done.returncode == 130
    assert "✓   key " in done.stdout.decode()
    assert done.stdout.decode().splitlines()[-1].endswith("3 calls; ended before the steps that are left")


@pytest.mark.process
def test_ctrl_c_ends_it_while_it_waits(config: Path) -> None:
    with (
        hanging() as (host, url),
        started("check", "--config", config, "--base-url", url) as process,
        closing(host.accept()[0]) as connection,
    ):
        assert connection.recv(1 << 16).startswith(b"POST /v1/users/services/list ")
        done = ended(process, signal.SIGINT)
    assert done.returncode == 130
    assert "✓   host " in done.stdout.decode()
    assert b"Traceback" not in done.stderr


# --- track ------------------------------------------------------------------------------------------------------------


def test_what_of_track_cannot_be_tried_is_named(config: Path) -> None:
    with serving(gainsight()) as host:
        found = checked("--config", config, "--base-url", host.url)
    ((_, words, remedy),) = found.of("track", "not tried")
    assert words == "sharedSecret, tenantId, topicName and 1 event of the maps cannot be tried without sending an event"
    assert "--send-test-event" in remedy
    assert not any("event" in path for path in host.asked)


def test_a_test_event_is_sent_once_and_without_properties(config: Path) -> None:
    bodies: list[tuple[str, Any]] = []
    answer = gainsight()

    def noted(path: str, body: Any) -> Response:
        bodies.append((path, body))
        return answer(path, body)

    with serving(noted) as host:
        found = checked("--config", config, "--base-url", host.url, "--send-test-event", "Ticket Closure")
    assert found.done.returncode == 0
    assert found.of("track", "ok") == [("Ticket Closure", "an event was sent as closed, version 1.0.0", "")]
    assert [body for path, body in bodies if path.endswith("/event")] == [{}]


@pytest.mark.parametrize(
    ("answer", "remedy", "status"),
    [
        (envelope(400, errorCode="GSEVENT_1"), "Compare sharedSecret", 1),
        (envelope(429), "The tenant's calls are used up", 2),
    ],
)
def test_a_test_event_that_is_refused_is_something_to_fix(
    answer: Response, remedy: str, status: int, config: Path
) -> None:
    with serving(gainsight(event=answer)) as host:
        found = checked("--config", config, "--base-url", host.url, "--send-test-event", "Ticket Closure")
    assert found.done.returncode == status
    assert found.of("track")[0][2].startswith(remedy)


def test_a_test_event_must_be_in_both_maps(config: Path, tmp_path: Path) -> None:
    words = wrong_use_of("check", "--config", config, "--send-test-event", "Ticket closure")
    assert 'no event "Ticket closure" is in both maps; these can be sent: "Ticket Closure"' in words
    many = [{"from": f"e{number}", "to": "closed"} for number in range(30)]
    maps = {"eventNameMap": many, "eventVersionMap": [{**row, "to": "1"} for row in many]}
    words = wrong_use_of("check", "--config", written(tmp_path / "c.json", {**WELL, **maps}), "--send-test-event", "x")
    assert words.endswith(" and 10 more")
    bare = written(tmp_path / "c.json", {"domain": "acme.gainsightcloud.com", "accessKey": "7d0c9a52"})
    assert "the config has none" in wrong_use_of("check", "--config", bare, "--send-test-event", "x")


def wrong_use_of(*arguments: object) -> str:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    return done.stderr.decode().strip()


def test_without_an_access_key_only_track_can_be_tried(tmp_path: Path) -> None:
    config = {name: value for name, value in SETTINGS.items() if name != "accessKey"}
    with serving(gainsight()) as host:
        found = checked(
            *("--config", written(tmp_path / "c.json", config), "--base-url", host.url),
            *("--send-test-event", "Ticket Closure"),
        )
    assert is_told_as_not_tried(found, "connection", "Gainsight", "key", "rights")
    assert (found.of("track", "ok")[0][0], len(host.asked), found.done.returncode) == ("Ticket Closure", 1, 0)


def test_without_events_it_says_that_none_is_sent(tmp_path: Path) -> None:
    config = written(tmp_path / "c.json", {"domain": "acme.gainsightcloud.com", "accessKey": "7d0c9a52-6d1e"})
    with serving(gainsight()) as host:
        found = checked("--config", config, "--base-url", host.url)
    assert found.of("track", "not tried")[0][1].startswith("no track event can be sent")


# --- wrong use --------------------------------------------------------------------------------------------------------


def test_a_config_that_cannot_be_used_is_wrong_use(tmp_path: Path) -> None:
    done = run("check", "--config", written(tmp_path / "c.json", {"accessKey": "k"}))
    assert done.returncode == 2
    assert "is not a destination config" in done.stderr.decode()


@pytest.mark.parametrize("url", ["http://example.com", "127.0.0.1", "https://h/path"])
def test_an_address_that_would_show_the_key_is_refused(url: str, config: Path) -> None:
    assert wrong_use(run("check", "--config", config, "--base-url", url)).startswith("--base-url: must be ")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost:8080", "[::1]:80", "[::1]"])
def test_a_host_is_known_with_its_port(name: str) -> None:
    assert unknown_host(name) is None


@pytest.mark.parametrize("name", ["no-such-host.invalid:443", "a" * 64 + ".example", "x..y"])
def test_a_name_that_no_host_has_is_told(name: str) -> None:
    assert str(unknown_host(name)).startswith("no host of that name is found")


def test_a_key_in_a_name_is_not_shown(tmp_path: Path) -> None:
    key = SETTINGS["accessKey"]
    settings = {**SETTINGS, "personMap": [{"from": "x", "to": f"{key}__gc"}]}
    with serving(gainsight()) as host:
        found = checked("--config", written(tmp_path / "c.json", settings), "--base-url", host.url)
    assert found.of("fields")[0][0] == "Person.***__gc"


def test_the_page_shows_what_it_prints(tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/check-before-the-first-event.md").read_text("utf8")
    maps = {
        "personMap": [{"from": "plan", "to": "Plan__gc"}, {"from": "score", "to": "Scores__gc"}],
        "companyMap": [{"from": "region", "to": "Region__gc"}, {"from": "days", "to": "DaysToRenewal__gc"}],
    }
    file = written(tmp_path / "destination.json", {**SETTINGS, **maps})
    with serving(gainsight()) as host:
        done = run("check", "--config", file, "--base-url", host.url)
    printed = done.stdout.decode().replace(str(file), file.name).replace(host.url.rpartition(":")[2], "8080")
    (shown,) = re.findall(r"^```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert laid_out_anew(shown) == laid_out_anew(printed)[1:]


def laid_out_anew(text: str) -> list[str]:
    """The lines of a table without what the width of a column depends on."""
    return [re.sub(r" {2,}|─+", "  ", line.strip()) for line in text.splitlines()]


def test_the_marks_of_the_page_are_those_of_the_command() -> None:
    page = (ROOT / "docs/how-to/check-before-the-first-event.md").read_text("utf8")
    assert re.findall(r"^\| (\S) \|", page, re.MULTILINE) == [sign for sign, _ in module.SIGNS.values()]
