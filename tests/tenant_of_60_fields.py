"""A tenant's schema of 60 fields, of every data type, as describe answers give it: for tests of all that reads one.

`ANSWER` is the answer about both objects, in the form that Gainsight documents; `answer_of("Company")` is that about
one. `CONFIG` maps a trait to each custom field that may be written: `plan` to `Plan__gc`, and so on.

What it has beside the types: an option that is no longer active (`Legacy` of Plan__gc), two labels that differ in case
alone (Region__gc), formulas (Health__gc, DaysToRenewal__gc), a field that is read-only (DynamicResolutionKey) and one
that may be written once (ExternalId__gc), a custom field that is required (Region__gc of Company), a short one
(Code__gc, 5 characters), and no IndustryNew, which events write otherwise.
"""

from __future__ import annotations

import json
from typing import Any

import attrs

from gainsight_dest import Response
from tests import some

Described = dict[str, Any]

#: The labels of each picklist's options, by its category; one in brackets is no longer active.
PICKLISTS: dict[str, tuple[str, ...]] = {
    "Time zones": ("UTC", "Europe/Rome", "Asia/Tokyo"),
    "Plans": ("Free", "Gold", "Enterprise", "(Legacy)"),
    "Interests": ("Billing", "Reports", "API & webhooks", "(Fax)"),
    "Company types": ("Customer", "Partner", "Prospect"),
    "Stages": ("New Customer", "Kicked Off", "Launched", "(Won)"),
    "Statuses": ("Active", "Inactive", "Churn"),
    "Regions": ("EMEA", "emea", "APAC", "日本"),
    "Segments": ("SMB", "Mid-Market", "Enterprise"),
}

_STANDARD_LENGTH, _CUSTOM_LENGTH, _RICH_LENGTH = 255, 500, 32_768
_LENGTHS = {
    "STRING": _STANDARD_LENGTH,
    "EMAIL": _STANDARD_LENGTH,
    "URL": _STANDARD_LENGTH,
    "RICHTEXTAREA": _RICH_LENGTH,
}
_GSID_LENGTH, _SFDC_LENGTH = 36, 18

#: Name, label, data type, and what else is told of the field.
PERSON: tuple[tuple[str, str, str, Described], ...] = (
    ("Gsid", "GSID", "GSID", {"is": "system"}),
    ("Email", "Email", "EMAIL", {"is": "required"}),
    ("Name", "Name", "STRING", {}),
    ("FirstName", "First Name", "STRING", {"length": 80}),
    ("LastName", "Last Name", "STRING", {"length": 80}),
    ("MiddleName", "Middle Name", "STRING", {"length": 80}),
    ("LinkedinUrl", "LinkedIn URL", "URL", {}),
    ("Location", "Location", "STRING", {}),
    ("ExternalRecordID__gc", "External Record ID", "STRING", {}),
    ("EmailOptOut", "Email Opt Out", "BOOLEAN", {}),
    ("DynamicResolutionKey", "Dynamic Resolution Key", "STRING", {"is": "read-only"}),
    ("Timezone", "Timezone", "PICKLIST", {"options": "Time zones"}),
    ("Comments", "Comments", "RICHTEXTAREA", {}),
    ("MasterRecordID", "Master Record ID", "GSID", {}),
    ("MasterAvatarTypeCode", "Master Avatar Type Code", "NUMBER", {}),
    ("CreatedDate", "Created Date", "DATETIME", {"is": "system"}),
    ("GsIngestionSource", "Source", "STRING", {"is": "system"}),
    ("Plan__gc", "Plan", "PICKLIST", {"options": "Plans"}),
    ("Interests__gc", "Interests", "MULTISELECTDROPDOWNLIST", {"options": "Interests"}),
    ("Score__gc", "Score", "NUMBER", {"decimals": 2}),
    ("Vip__gc", "VIP", "BOOLEAN", {}),
    ("Birthday__gc", "Birthday", "DATE", {}),
    ("LastSeen__gc", "Last Seen", "DATETIME", {}),
    ("Bio__gc", "Bio", "RICHTEXTAREA", {}),
    ("Blog__gc", "Blog", "URL", {}),
    ("BackupEmail__gc", "Backup Email", "EMAIL", {}),
    ("SfdcContactId__gc", "Salesforce Contact", "SFDCID", {}),
    ("Manager__gc", "Manager", "LOOKUP", {"looks_up": "Person"}),
    ("Photo__gc", "Photo", "IMAGE", {}),
    ("Profile__gc", "Profile", "JSON", {}),
    ("Code__gc", "Code", "STRING", {"length": 5}),
    ("Health__gc", "Health", "NUMBER", {"is": "formula"}),
)
COMPANY: tuple[tuple[str, str, str, Described], ...] = (
    ("Gsid", "GSID", "GSID", {"is": "system"}),
    ("Name", "Name", "STRING", {"is": "required"}),
    ("Employees", "Employees", "NUMBER", {}),
    ("Arr", "ARR", "CURRENCY", {"decimals": 2}),
    ("BillingAddress", "Billing Address", "STRING", {}),
    ("Summary", "Summary", "RICHTEXTAREA", {}),
    ("CompanyType", "Company Type", "PICKLIST", {"options": "Company types"}),
    ("Csm", "CSM", "LOOKUP", {"looks_up": "GsUser"}),
    ("CustomerlifetimeInMonths", "Customer Lifetime in Months", "NUMBER", {}),
    ("Industry", "Industry", "STRING", {}),
    ("LifecycleInWeeks", "Lifecycle in Weeks", "NUMBER", {}),
    ("ManagedAs", "Managed As", "STRING", {}),
    ("Mrr", "MRR", "CURRENCY", {"decimals": 2}),
    ("OriginalContractDate", "Original Contract Date", "DATE", {}),
    ("ParentCompany", "Parent Company", "LOOKUP", {"looks_up": "Company"}),
    ("RenewalDate", "Renewal Date", "DATE", {}),
    ("Stage", "Stage", "PICKLIST", {"options": "Stages"}),
    ("Status", "Status", "PICKLIST", {"options": "Statuses"}),
    ("Tags", "Tags", "STRING", {}),
    ("TickerSymbol", "Ticker Symbol", "STRING", {"length": 20}),
    ("Users", "Users", "NUMBER", {}),
    ("SfdcAccountId", "SFDC Account Id", "SFDCID", {}),
    ("Region__gc", "Region", "PICKLIST", {"options": "Regions", "is": "required"}),
    ("Segments__gc", "Segments", "MULTISELECTDROPDOWNLIST", {"options": "Segments"}),
    ("Discount__gc", "Discount", "PERCENTAGE", {"decimals": 1}),
    ("Audited__gc", "Audited", "DATETIME", {}),
    ("ExternalId__gc", "External Id", "STRING", {"is": "once"}),
    ("DaysToRenewal__gc", "Days to Renewal", "NUMBER", {"is": "formula"}),
)

#: What may be done with a field, by what it is; one that is not here may be written.
_RIGHTS: dict[str, Described] = {
    "required": {"required": True, "nillable": False},
    "read-only": {"createable": False, "updateable": False, "readOnly": True},
    "once": {"updateable": False},
    "formula": {"createable": False, "updateable": False, "readOnly": True, "formulaField": True},
    "system": {"createable": False, "updateable": False, "readOnly": True},
}


def option_id(category: str, label: str) -> str:
    """The Gsid of an option: what Gainsight keeps in a record."""
    place = [*PICKLISTS].index(category)
    return f"1I00OPTION{place:02d}{_labels(category).index(label):024d}"


def _labels(category: str) -> list[str]:
    return [label.strip("()") for label in PICKLISTS[category]]


def _options(category: str) -> list[Described]:
    return [
        {
            "label": label,
            "value": option_id(category, label),
            "active": not written.startswith("("),
            "defaultValue": False,
            "displayOrder": place,
        }
        for place, (label, written) in enumerate(zip(_labels(category), PICKLISTS[category], strict=True))
    ]


def _length(name: str, data_type: str) -> int:
    length = {**_LENGTHS, "GSID": _GSID_LENGTH, "LOOKUP": _GSID_LENGTH, "SFDCID": _SFDC_LENGTH}.get(data_type, 0)
    return _CUSTOM_LENGTH if length == _STANDARD_LENGTH and name.endswith("__gc") else length


def _group(name: str, more: Described) -> str:
    if more.get("is") == "system":
        return "SYSTEM"
    return "CUSTOM" if name.endswith("__gc") else "STANDARD"


def _field(name: str, label: str, data_type: str, more: Described) -> Described:
    category = more.get("options")
    looks_up = [{"objectName": more["looks_up"]}] if "looks_up" in more else []
    meta = {
        "createable": True,
        "updateable": True,
        "required": False,
        "nillable": True,
        "readOnly": False,
        "length": more.get("length", _length(name, data_type)),
        "decimalPlaces": more.get("decimals", 0),
        "hidden": False,
        "formulaField": False,
        "hasLookup": bool(looks_up),
        "lookupDetail": {"fieldName": "Gsid", "lookupObjects": looks_up} if looks_up else None,
        "fieldGroupType": _group(name, more),
        "properties": {"PICKLIST_CATEGORY_ID": f"1I00CATEGORY{[*PICKLISTS].index(category):024d}"} if category else {},
        **_RIGHTS.get(more.get("is", ""), {}),
    }
    options = _options(category) if category else None
    return {"fieldName": name, "label": label, "dataType": data_type, "options": options, "meta": meta}


OBJECTS: dict[str, Described] = {
    name: {"objectName": name, "label": name, "fields": [_field(*row) for row in rows]}
    for name, rows in (("Person", PERSON), ("Company", COMPANY))
}


def envelope(*objects: Described) -> Described:
    """A describe answer about these objects, as JSON of its own."""
    answer: Described = json.loads(
        json.dumps(
            {
                "result": True,
                "errorCode": None,
                "errorDesc": None,
                "requestId": "6a1f0c1e-0000-4000-8000-000000000060",
                "data": objects,
                "message": None,
            }
        )
    )
    return answer


def answer_of(*names: str) -> Described:
    """The describe answer about the objects of those names."""
    return envelope(*(OBJECTS[name] for name in names))


def response_of(*names: str) -> Response:
    """The same as it comes over HTTP."""
    return Response(200, json.dumps(answer_of(*names)).encode(), {"Content-Type": "application/json"})


ANSWER = answer_of("Person", "Company")


def _trait(name: str) -> str:
    """The trait that CONFIG maps to a custom field: `lastSeen` for LastSeen__gc."""
    return name[0].lower() + name.removesuffix("__gc")[1:]


def _map(rows: tuple[tuple[str, str, str, Described], ...]) -> dict[str, str]:
    return {
        _trait(name): name
        for name, _, _, more in rows
        if name.endswith("__gc") and name != "ExternalRecordID__gc" and more.get("is") not in {"formula", "read-only"}
    }


CONFIG = attrs.evolve(some.CONFIG, person_map=_map(PERSON), company_map=_map(COMPANY))
