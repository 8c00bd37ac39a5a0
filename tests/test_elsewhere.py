"""A request that is pointed at another host: itself, and all that come after it."""

from __future__ import annotations

import copy
import pickle

import pytest

from gainsight_dest import (
    ConfigError,
    FindCompany,
    Request,
    Response,
    RetryableError,
    UpsertPerson,
    preview,
    transform,
    transform_batch,
)
from gainsight_dest.batching.requests import CreateCompanies, FindCompanies
from gainsight_dest.sandbox import Sandbox
from tests.some import CONFIG, SECRETS, group, identify, track

HERE = "http://127.0.0.1:8080"
LOST = RetryableError("create company", "no answer")
NONE_FOUND = Response(200, b'{"result": true, "data": {"records": []}}')
REQUESTS: list[Request] = [
    *(transform(event, CONFIG) for event in (identify(), group(), track(n=1))),
    *transform_batch([group("A"), group("B")], CONFIG).requests,
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_only_its_url_is_another(request_: Request) -> None:
    pointed = request_.at(f"{HERE}/")
    assert pointed.url == request_.url.replace("https://acme.gainsightcloud.com", HERE)
    names = ("method", "headers", "body", "action", "records", "calls", "gsid")
    assert [getattr(pointed, name) for name in names] == [getattr(request_, name) for name in names]
    assert pointed.as_dict() == {**request_.as_dict(), "url": pointed.url}
    assert pointed.again is pointed
    assert pointed.after(LOST) is pointed


def test_all_that_comes_after_it_goes_there_too() -> None:
    find = transform(group(), CONFIG)
    create = find.at(HERE).next(NONE_FOUND)
    assert create is not None
    assert create == find.next(NONE_FOUND).at(HERE)  # type: ignore[union-attr]
    assert create.again == find.at(HERE)
    assert create.after(LOST) == find.next(NONE_FOUND).after(LOST).at(HERE)  # type: ignore[union-attr]
    assert [step.label for step in preview(find.at(HERE))] == [step.label for step in preview(find)]
    assert all(step.request.url.startswith(HERE) for step in preview(find.at(HERE)))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_it_reads_an_answer_as_the_request_itself_does(request_: Request) -> None:
    said = request_.read(NONE_FOUND)
    assert request_.at(HERE).read(NONE_FOUND) == (said.at(HERE) if isinstance(said, Request) else said)


def test_it_is_delivered_in_the_same_three_lines() -> None:
    sandbox = Sandbox(CONFIG)
    request: Request | None = transform(group(), CONFIG).at(HERE)
    while request is not None:
        assert request.url.startswith(HERE)
        request = request.next(sandbox.handle(request))
    assert len(sandbox.companies) == len(sandbox.people) == 1


def test_it_is_a_value_and_shows_no_secret() -> None:
    pointed = transform(group(), CONFIG).at(HERE)
    assert pointed == transform(group(), CONFIG).at(HERE) != transform(group(), CONFIG).at("https://b.example.com")
    assert pointed != transform(group(), CONFIG)
    assert pickle.loads(pickle.dumps(pointed)) == copy.deepcopy(pointed) == pointed
    assert repr(pointed) == f"<FindCompany POST {HERE}/v1/data/objects/query/Company {{Name}}>"
    assert not any(secret in repr(pointed) for secret in SECRETS)


def test_it_is_of_its_own_kind() -> None:
    pointed = transform(group(), CONFIG).at(HERE)
    assert isinstance(pointed, FindCompany)
    assert pointed.company == {"Name": "Acme"}


def test_its_config_points_all_that_is_made_with_it_there() -> None:
    there = transform(group(), CONFIG).at(HERE).config
    assert there != CONFIG
    assert (there.domain, there.base_url, CONFIG.base_url) == (CONFIG.domain, HERE, None)
    assert there == copy.copy(there) == CONFIG.at(HERE) != CONFIG.at("https://b.example.com")
    assert transform(identify(), there) == transform(identify(), CONFIG).at(HERE)
    batch = transform_batch([group("A"), identify()], there)
    assert all(each.url.startswith(HERE) for each in batch.requests)
    again = CreateCompanies(there, ({"Name": "A"},)).again
    assert again == FindCompanies(there, ("A",))


def test_pointed_again_it_goes_to_the_latest_place() -> None:
    request = transform(identify(), CONFIG)
    assert request.at(HERE).at("https://b.example.com") == request.at("https://b.example.com")


@pytest.mark.parametrize("url", ["http://example.com", "ftp://127.0.0.1", "https://me:mine@example.com", ""])
def test_a_host_that_would_see_the_keys_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        transform(identify(), CONFIG).at(url)


def test_a_link_has_the_gsid_of_its_company() -> None:
    link = UpsertPerson(CONFIG, {"Email": "a@b.co", "companies": [{"Company_ID": "1P02"}]})
    assert link.gsid == "1P02"
    assert link.at(HERE).gsid == "1P02"
    assert UpsertPerson(CONFIG, {"Email": "a@b.co"}).gsid is None
    assert transform(group(), CONFIG).gsid is None
