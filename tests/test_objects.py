"""A third object, with a made-up key: what is said of it once is all that it takes to find, write and check it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from gainsight_dest import Request, Response
from gainsight_dest.batching.merge import merged
from gainsight_dest.descriptors import Creates, Finds, OfAnObject, Updates
from gainsight_dest.fields import OBJECTS, Datatype, Field, GainsightObject, Record
from gainsight_dest.gainsight import found_records, query, records_body, saved_gsids
from gainsight_dest.sandbox.schema import problems
from tests.some import CONFIG

RELATIONSHIP = GainsightObject(
    name="Relationship",
    key="Ref__gc",
    event_type="group",
    map="companyMap",
    sources=("traits",),
    fields=(
        Field("Ref__gc", ("ref",), required=True, datatype=Datatype.TEXT),
        Field("Seats", ("seats", "licences"), datatype=Datatype.NUMBER),
        Field("Stage", ("stage",)),
    ),
)
ONE: Record = {"Ref__gc": "R-1", "Seats": 5}


@attrs.define(repr=False)
class _RelationshipRequest(OfAnObject):
    of = RELATIONSHIP
    _relationship: Record

    @property
    def body(self) -> Record:
        return records_body(self._relationship)

    def next(self, response: Response) -> Request | None:
        saved_gsids(response, self.of.key, (self.of.key_of(self._relationship),), self.action, self.config.hide)
        return None


class FindRelationship(Finds, _RelationshipRequest):
    @property
    def body(self) -> Record:
        return query(self.of.key, self.of.key_of(self._relationship))


class CreateRelationship(Creates, _RelationshipRequest):
    pass


class UpdateRelationship(Updates, _RelationshipRequest):
    pass


@pytest.mark.parametrize(
    ("request_type", "action", "method", "path"),
    [
        (FindRelationship, "find relationship", "POST", "/v1/data/objects/query/Relationship"),
        (CreateRelationship, "create relationship", "POST", "/v1/data/objects/Relationship"),
        (UpdateRelationship, "update relationship", "PUT", "/v1/data/objects/Relationship?keys=Ref__gc"),
    ],
)
def test_its_requests_are_made_of_its_name_and_key(
    request_type: type[_RelationshipRequest], action: str, method: str, path: str
) -> None:
    request = request_type(CONFIG, ONE)
    assert (request.action, request.method) == (action, method)
    assert request.url == f"https://{CONFIG.domain}{path}"


def test_it_is_asked_for_and_written_by_its_key() -> None:
    condition = {"name": "Ref__gc", "alias": "A", "value": ["R-1"], "operator": "EQ"}
    assert FindRelationship(CONFIG, ONE).body == {
        "select": ["Ref__gc"],
        "where": {"conditions": [condition], "expression": "A"},
    }
    assert CreateRelationship(CONFIG, ONE).body == {"records": [ONE]}


def test_answers_are_read_by_its_key() -> None:
    answer = Response(
        200, b'{"result": true, "data": {"records": [{"Ref__gc": "r-2 ", "Gsid": "2"}, {"Ref__gc": "R-1"}]}}'
    )
    assert found_records(answer, "Ref__gc", ("R-1", "R-2", "R-3"), "find", str) is not None
    assert saved_gsids(answer, "Ref__gc", ("R-1", "R-2"), "save", str) == {"R-2": "2"}


def test_its_records_are_known_by_its_key_as_gainsight_compares_it() -> None:
    assert RELATIONSHIP.key_of(ONE) == "R-1"
    assert RELATIONSHIP.identity(" R-1") == ("Relationship", "r-1")


def test_its_fields_take_what_their_datatypes_take() -> None:
    assert RELATIONSHIP.refusal("Seats", 5) is None
    assert RELATIONSHIP.refusal("Seats", "many") == "Seats takes a number"
    assert RELATIONSHIP.refusal("Gsid", "1") == "Gsid is a system field, which cannot be written"
    assert RELATIONSHIP.refusal("Plan__gc", [1]) is None


@pytest.mark.parametrize(
    ("record", "codes"),
    [
        (ONE, []),
        ({"Seats": 5}, [("Ref__gc", "GSOBJ_1007")]),
        ({**ONE, "Seats": "many"}, [("Seats", "GSOBJ_1002")]),
        ({**ONE, "Planet": 1}, [("Planet", "GSOBJ_1002")]),
    ],
)
def test_the_sandbox_checks_its_records(record: Record, codes: list[Any]) -> None:
    assert [(problem.field, problem.code) for problem in problems(record, RELATIONSHIP, None)] == codes


def test_its_records_are_merged_where_its_datatypes_allow_it() -> None:
    later = {"Ref__gc": "R-1", "Seats": 7}
    assert merged([ONE, later, {"Ref__gc": "R-2"}], RELATIONSHIP) == (later, 2)
    assert merged([{**ONE, "Stage": "a"}, {**ONE, "Stage": "b"}], RELATIONSHIP)[1] == 1


def test_each_object_has_a_name_a_key_among_its_fields_and_an_event_type_of_its_own() -> None:
    for of in (*OBJECTS, RELATIONSHIP):
        assert of.key in of.by_name
        assert of.by_name[of.key].required
        assert not of.system & of.by_name.keys()
    assert len({of.event_type for of in OBJECTS}) == len({of.map for of in OBJECTS}) == len(OBJECTS)
