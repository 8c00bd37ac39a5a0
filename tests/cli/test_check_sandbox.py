"""`gainsight-dest describe` and `check` over HTTP against the sandbox, with a tenant of 60 fields and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from gainsight_dest import DestinationConfig
from gainsight_dest.sandbox import PlannedFault, Sandbox
from gainsight_dest.sandbox.server import Server
from gainsight_dest.tenant import Tenant, TenantObject
from tests.cli.process import Done, run
from tests.some import SECRETS
from tests.tenant_of_60_fields import ANSWER, CONFIG

TENANT = Tenant.from_describe(ANSWER)
DESTINATION = {
    name: [{"from": trait, "to": to} for trait, to in value.items()] if isinstance(value, dict) else value
    for name, value in {
        "domain": CONFIG.domain,
        "accessKey": SECRETS[0],
        "sharedSecret": SECRETS[1],
        "tenantId": CONFIG.tenant_id,
        "topicName": CONFIG.topic_name,
        "personMap": dict(CONFIG.person_map),
        "companyMap": dict(CONFIG.company_map),
        "eventNameMap": dict(CONFIG.event_name_map),
        "eventVersionMap": dict(CONFIG.event_version_map),
    }.items()
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "destination.json"
    file.write_text(json.dumps(DESTINATION), "utf8")
    return file


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(CONFIG, tenant=TENANT)


@pytest.fixture
def url(sandbox: Sandbox) -> Iterator[str]:
    with Server(sandbox) as server:
        yield server.url


def faults(done: Done) -> dict[str, str]:
    """What was found, by step and subject."""
    assert not any(secret.encode() in done.stdout + done.stderr for secret in SECRETS)
    results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return {f"{each['step']} {each['subject']}": each["found"] for each in results if each["mark"] == "fault"}


def test_what_describe_writes_is_the_tenant_and_check_finds_it_well(config: Path, url: str, tmp_path: Path) -> None:
    out = tmp_path / "tenant.json"
    assert run("describe", "--config", config, "--base-url", url, "--out", out).returncode == 0
    assert Tenant.from_data(json.loads(out.read_bytes())) == TENANT
    assert run("describe", "--config", config, "--base-url", url, "--check", out).returncode == 0
    for options in ((), ("--tenant", out)):
        done = run("check", "--config", config, "--base-url", url, "--format", "json", *options)
        assert (done.returncode, faults(done)) == (0, {})


def test_check_writes_nothing_but_the_event_that_it_is_asked_for(config: Path, sandbox: Sandbox, url: str) -> None:
    run("check", "--config", config, "--base-url", url)
    assert (sandbox.people, sandbox.companies, sandbox.events) == ([], [], [])
    done = run("check", "--config", config, "--base-url", url, "--send-test-event", "Ticket Closure")
    assert done.returncode == 0
    ((event),) = sandbox.events
    assert (event["name"], event["version"]) == ("closed", "1.0.0")


def test_a_wrong_key_is_told_without_the_right_one(config: Path, url: str) -> None:
    config.write_text(json.dumps({**DESTINATION, "accessKey": "0c9a52-7d0c"}), "utf8")
    done = run("check", "--config", config, "--base-url", url, "--format", "json")
    assert done.returncode == 2
    assert [*faults(done)] == ["key "]


def test_a_wrong_shared_secret_is_found_by_a_test_event(config: Path, url: str) -> None:
    config.write_text(json.dumps({**DESTINATION, "sharedSecret": "0c9a52-7d0c"}), "utf8")
    assert run("check", "--config", config, "--base-url", url).returncode == 0
    done = run(
        *("check", "--config", config, "--base-url", url, "--format", "json"),
        *("--send-test-event", "Ticket Closure"),
    )
    assert (done.returncode, [*faults(done)]) == (1, ["track Ticket Closure"])


def test_a_sandbox_that_lacks_fields_is_found_out(config: Path) -> None:
    lacking = {"Plan__gc", "Score__gc", "FirstName"}
    objects = [
        TenantObject(of.name, fields=[field for field in of.fields.values() if field.name not in lacking])
        for of in TENANT.objects.values()
    ]
    with Server(Sandbox(CONFIG, tenant=Tenant(objects))) as server:
        done = run("check", "--config", config, "--base-url", server.url, "--format", "json")
    assert done.returncode == 1
    assert [*faults(done)] == ["fields Person.Plan__gc", "fields Person.Score__gc"]


def test_without_a_tenant_the_sandbox_has_what_the_config_maps(config: Path) -> None:
    with Server(Sandbox(DestinationConfig.from_rudderstack(DESTINATION))) as server:
        done = run("check", "--config", config, "--base-url", server.url, "--format", "json")
    assert (done.returncode, faults(done)) == (0, {})


@pytest.mark.parametrize(
    ("kind", "step"), [("429", "key "), ("500", "key "), ("html", "Gainsight "), ("dropped-before", "connection ")]
)
def test_a_fault_of_the_first_call_is_told_where_it_belongs(kind: str, step: str, config: Path) -> None:
    with Server(Sandbox(CONFIG, tenant=TENANT, faults=[PlannedFault(kind, calls=(1,))])) as server:
        done = run("check", "--config", config, "--base-url", server.url, "--format", "json")
        assert done.returncode == 2
        ((place, _),) = faults(done).items()
        assert place.startswith(step)
        assert json.loads(done.stdout)["calls"] == 1
        assert run("check", "--config", config, "--base-url", server.url).returncode == 0


def test_an_option_that_is_gone_from_the_tenant_is_a_change(config: Path, tmp_path: Path, url: str) -> None:
    out = tmp_path / "tenant.json"
    run("describe", "--config", config, "--base-url", url, "--out", out)
    company = TENANT.objects["Company"]
    stage = attrs.evolve(company.fields["Stage"], options=company.fields["Stage"].options[1:])
    fewer = TenantObject("Company", fields={**company.fields, "Stage": stage})
    with Server(Sandbox(CONFIG, tenant=Tenant([TENANT.objects["Person"], fewer]))) as server:
        done = run("describe", "--config", config, "--base-url", server.url, "--check", out, "--format", "json")
    ((change),) = json.loads(done.stdout)["changes"]
    assert (done.returncode, change["field"], change["kind"]) == (1, "Stage", "option-gone")
