"""End to end: a stand-in for rudder-server's router, the service, and a sandbox that fails."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from tests.cli.process import LONGEST, serving, serving_sandbox
from tests.rudderstack.rudder import Data, check_proxied, check_routed, destination
from tests.some import SETTINGS, group, identify, track

pytestmark = pytest.mark.process

#: As many as CI has time for.
JOBS = 1000 if "CI" in os.environ else 700
COMPANIES = JOBS // 33
PEOPLE = 5 * COMPANIES
BATCH = 100
#: Each of a company's people writes a field of its own: rudder-server keeps order for a user, not for a company.
COMPANY_FIELDS = (
    ("industry", "Industry"),
    ("summary", "Summary"),
    ("tickerSymbol", "TickerSymbol"),
    ("billingAddress", "BillingAddress"),
    ("sfdcAccountId", "SfdcAccountId"),
)
PERSON_FIELDS = (("firstName", "FirstName"), ("location", "Location"), ("comments", "Comments"))
#: An event is never written without the caller's being told so: nothing could then tell it from one that was not.
FAULTS = [
    {"kind": "429", "share": 0.03, "seed": 1},
    {"kind": "500", "share": 0.02, "seed": 2},
    {"kind": "dropped-before", "share": 0.02, "seed": 3},
    *(
        {"kind": kind, "action": action, "share": 0.03, "seed": seed}
        for seed, kind in enumerate(("500-after", "dropped-after", "truncated"), 4)
        for action in ("upsert person", "link person", "create company", "update company")
        if kind != "truncated" or "company" in action  # who delivers by himself looks at the status alone
    ),
    {"kind": "throttled-200", "action": "find company", "share": 0.1, "seed": 7},
]
WRONG: list[Data] = [{"type": "page"}, {"type": "identify", "traits": {}}, track("Unmapped"), {}]


def planned() -> Iterator[tuple[str, Data]]:
    """The jobs: whose each is, and its event."""
    chance = random.Random(11)  # noqa: S311 - a plan
    for job in range(1, JOBS + 1):
        person = chance.randrange(PEOPLE)
        email, kind = f"p{person}@example.com", chance.choices(("identify", "group", "track", "wrong"), (8, 6, 6, 1))[0]
        if kind == "identify":
            fields = chance.sample(PERSON_FIELDS, 2)
            event = identify(email, name=f"N{job}", **{trait: f"{trait} {job}" for trait, _ in fields})
        elif kind == "group":
            trait = COMPANY_FIELDS[person // COMPANIES][0]
            event = group(f"Company {person % COMPANIES}", email, **{trait: f"{trait} {job}"})
        else:
            event = track(job=job) if kind == "track" else chance.choice(WRONG)
        yield email, event


def expected(jobs: Sequence[tuple[str, Data]]) -> tuple[dict[str, Data], dict[str, Data], Counter[int], set[int]]:
    """What Gainsight should hold in the end, companies and people by name, and which jobs should be given up."""
    companies: dict[str, Data] = {}
    people: dict[str, Data] = {}
    sent: Counter[int] = Counter()
    wrong: set[int] = set()
    for job, (email, event) in enumerate(jobs, 1):
        if any(event is each for each in WRONG):
            wrong.add(job)
            continue
        traits = event.get("traits", {})
        if event["type"] == "track":
            sent[job] += 1
        elif event["type"] == "identify":
            person = people.setdefault(email, {"Email": email, "companies": set()})
            person["Name"] = traits["name"]
            person.update({field: traits[trait] for trait, field in PERSON_FIELDS if trait in traits})
        else:
            person = people.setdefault(email, {"Email": email, "companies": set()})
            person["companies"].add(traits["name"])
            company = companies.setdefault(traits["name"], {"Name": traits["name"]})
            company.update({field: traits[trait] for trait, field in COMPANY_FIELDS if trait in traits})
    return companies, people, sent, wrong


class Router:
    """What rudder-server's router does with its jobs, as far as that can be seen from outside."""

    def __init__(self, service: str, tenant: str, jobs: Sequence[tuple[str, Data]]) -> None:
        self.service, self.tenant = service, tenant
        self.jobs = dict(enumerate(jobs, 1))
        self.waiting = [*self.jobs]
        self.delivered: set[int] = set()
        self.aborted: set[int] = set()
        self.ways: Counter[str] = Counter()
        self.again: Counter[int] = Counter()
        self.session = requests.Session()

    def go(self) -> None:
        for _ in range(JOBS):
            if not self.waiting:
                return
            self.round(self.waiting[:BATCH])
        raise AssertionError("it comes to no end")

    def round(self, batch: Sequence[int]) -> None:
        to = destination()
        given = [{"message": self.jobs[job][1], "metadata": self.metadata(job), "destination": to} for job in batch]
        answer = self.session.post(
            f"{self.service}/routerTransform", json={"input": given, "destType": "gainsight"}, timeout=LONGEST
        )
        assert (answer.status_code, answer.headers["apiVersion"]) == (200, "2")
        output = answer.json()["output"]
        assert sorted(one["jobId"] for each in output for one in each["metadata"]) == sorted(batch)
        held: set[str] = set()  # whose jobs wait for an earlier one
        for each in output:
            check_routed(each)
            assert each["destination"]["Config"] == SETTINGS
            jobs = [one["jobId"] for one in each["metadata"]]
            (user,) = {self.jobs[job][0] for job in jobs}
            if user in held:
                continue
            status = each["statusCode"]
            if status == 200:
                status = self.deliver(each)
            if status in {408, 429} or status >= 500:
                held.add(user)
                self.again[status] += 1
                continue
            (self.delivered if 200 <= status <= 299 else self.aborted).update(jobs)
        self.waiting = [job for job in self.waiting if job not in self.delivered | self.aborted]

    def metadata(self, job: int) -> Data:
        return {"jobId": job, "userId": self.jobs[job][0], "destinationId": "d-1", "workspaceId": "w-1"}

    def deliver(self, item: Data) -> int:
        """The status of the delivery: by itself, or through the proxy, by turns."""
        way = ("itself", "v0", "itself", "v1")[self.ways.total() % 4]
        self.ways[way] += 1
        request, metadata = item["batchedRequest"], item["metadata"]
        if way == "itself":
            url = request["endpoint"].replace(f"https://{SETTINGS['domain']}", self.tenant)
            how = {"params": request["params"], "headers": request["headers"], "json": request["body"]["JSON"] or None}
            try:
                return self.session.request(request["method"], url, timeout=LONGEST, **how).status_code
            except requests.ConnectionError:
                return 500
        proxied = {**request, "metadata": metadata if way == "v1" else metadata[0], "destinationConfig": SETTINGS}
        url = f"{self.service}/{way}/destinations/gainsight/proxy"
        answer = self.session.post(url, json=proxied, timeout=LONGEST)
        assert answer.headers["apiVersion"] == "2"
        told = answer.json()
        check_proxied(told, way)
        status: int = told["output"]["status"]
        assert answer.status_code == (200 if way == "v1" else status)
        if way == "v1":
            assert [each["metadata"] for each in told["output"]["response"]] == metadata
        return status


@pytest.mark.long
@pytest.mark.parametrize(
    "options",
    [pytest.param((), id="merged"), pytest.param(("--no-batch",), id="one item a job")],
)
def test_every_job_is_delivered_or_given_up_and_gainsight_holds_what_was_written_last(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps(FAULTS))
    jobs = [*planned()]
    companies, people, sent, wrong = expected(jobs)
    assert (len(companies), len(wrong) > 20) == (COMPANIES, True)
    with (
        serving_sandbox("--faults", faults, "--calls-per-minute", 0, "--calls-per-day", 0, forever=True) as (_, tenant),
        serving("--base-url", tenant, "--quiet", *options, forever=True) as (_, service),
    ):
        router = Router(service, tenant, jobs)
        router.go()
        content = requests.get(f"{tenant}/content.json", timeout=LONGEST).json()
        router.session.close()
    assert router.aborted == wrong
    assert router.delivered == {*router.jobs} - wrong
    assert min(router.ways.values()) > JOBS / 20
    assert {429, 500} <= {*router.again}
    assert Counter(event["properties"]["job"] for event in content["events"]) == sent
    names = {company.pop("Gsid"): company["Name"] for company in content["companies"]}
    assert len(names) == len(companies)
    assert {company["Name"]: company for company in content["companies"]} == companies
    for person in content["people"]:
        person["companies"] = {names[link["Company_ID"]] for link in person["companies"]}
    assert {person["Email"]: person for person in content["people"]} == people
