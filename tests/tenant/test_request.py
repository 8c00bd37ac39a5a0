"""The request for the schema is one like any other."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import gainsight_dest
from gainsight_dest import ConfigError, CredentialsError, DestinationConfig, RejectedError, RetryableError, tenant
from gainsight_dest.tenant import DescribeObjects, Tenant, describe
from tests import tenant_of_60_fields as sixty
from tests.some import ACCESS_KEY, CONFIG, SECRETS
from tests.tenant.some import TENANT, response


def test_it_is_the_documented_call() -> None:
    assert describe(CONFIG).as_dict() == {
        "method": "POST",
        "url": "https://acme.gainsightcloud.com/v1/meta/services/objects/describe",
        "headers": {"Accesskey": ACCESS_KEY, "Content-Type": "application/json"},
        "body": {
            "objectNames": ["Person", "Company"],
            "includeChilds": "true",
            "childLevels": "0",
            "populatePickListOptions": "true",
            "removeHidden": "false",
            "host": "MDA",
        },
    }


def test_its_answer_is_what_a_tenant_is_read_from() -> None:
    request = describe(CONFIG)
    answer = sixty.response_of("Person", "Company")
    assert request.next(answer) is None
    assert Tenant.from_describe(answer) == TENANT


def test_it_compares_pickles_and_shows_no_key() -> None:
    request = describe(CONFIG, ["Relationship", "Company"])
    assert request == DescribeObjects(CONFIG, ("Relationship", "Company"))
    assert pickle.loads(pickle.dumps(request)) == request
    assert request.objects == ("Relationship", "Company")
    assert request != describe(CONFIG)
    assert repr(request).endswith("/v1/meta/services/objects/describe {Relationship, Company}>")
    assert not any(secret in repr(request) + repr(request.headers) for secret in SECRETS)
    assert (request.calls, request.records, request.branches(), request.again) == (1, frozenset(), (), request)
    assert request.at("http://127.0.0.1:8080").url == "http://127.0.0.1:8080/v1/meta/services/objects/describe"


def test_one_name_is_one_object() -> None:
    assert describe(CONFIG, "Company").objects == ("Company",)


@pytest.mark.parametrize(
    ("body", "status", "error", "code"),
    [
        ({"result": False, "title": "OBJECT_NOT_FOUND", "requestId": "6a1f"}, 404, RejectedError, "OBJECT_NOT_FOUND"),
        ({"result": False, "errorCode": "GS_APIG_2401"}, 401, CredentialsError, "GS_APIG_2401"),
        (b"<html>", 200, RetryableError, None),
        (b"", 503, RetryableError, None),
    ],
)
def test_an_answer_that_is_no_success_raises_what_it_does_anywhere(
    body: Any, status: int, error: type[Exception], code: str | None
) -> None:
    with pytest.raises(error, match="describe objects: ") as caught:
        describe(CONFIG).next(response(body, status))
    assert getattr(caught.value, "code", None) == code


@pytest.mark.parametrize("objects", [(), "", [" "], [7], [None]])
def test_it_needs_names_of_objects(objects: Any) -> None:
    with pytest.raises(ConfigError, match="objects: must be names"):
        describe(CONFIG, objects)


def test_it_needs_the_access_key() -> None:
    with pytest.raises(ConfigError, match="accessKey: is needed for describe"):
        describe(DestinationConfig(domain="acme.gainsightcloud.com"))


def test_the_package_and_its_room_give_the_names() -> None:
    assert gainsight_dest.describe is describe
    assert gainsight_dest.Tenant is Tenant
    assert {*tenant.__all__} <= {*dir(tenant)}
    with pytest.raises(AttributeError, match=r"module 'gainsight_dest.tenant' has no attribute 'desribe'"):
        getattr(tenant, "desribe")  # noqa: B009 - a type checker knows that it is not there
