"""Describe answers, in the shapes that they come in, and a tenant."""

from __future__ import annotations

import json
from typing import Any

from gainsight_dest import Response
from gainsight_dest.tenant import Tenant
from tests import tenant_of_60_fields as sixty

Json = dict[str, Any]

TENANT = Tenant.from_describe(sixty.ANSWER)
PERSON = TENANT.objects["Person"]
COMPANY = TENANT.objects["Company"]


def field(name: str = "Seats__gc", label: str = "Seats", type: str = "NUMBER", **meta: Any) -> Json:  # noqa: A002 - as there
    """A field as Gainsight documents it."""
    return {"fieldName": name, "label": label, "dataType": type, "options": None, "meta": meta}


def company(*fields: Any) -> Json:
    """A Company of these fields."""
    return {"objectName": "Company", "label": "Company", "fields": [*fields]}


def answer(*objects: Any, **envelope: Any) -> Json:
    """The envelope of a success."""
    return {"result": True, "errorCode": None, "requestId": "6a1f", "data": [*objects], **envelope}


def response(body: Any, status: int = 200) -> Response:
    """The same as it comes over HTTP."""
    return Response(status, body if isinstance(body, bytes) else json.dumps(body).encode())


def only(body: Any) -> Any:
    """The one field of the Company that the answer tells of."""
    (made,) = Tenant.from_describe(body).objects["Company"].fields.values()
    return made
