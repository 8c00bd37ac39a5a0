"""What Spark reads events from: structs, maps and variants, and the tables of RudderStack's warehouse."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from gainsight_dest import transform
from gainsight_dest.batching.moments import instant
from gainsight_dest.rows import RowReader
from gainsight_dest.spark import from_warehouse, transform_events
from gainsight_dest.spark.requests import COLUMNS, transforming
from tests import some
from tests.engines.spark_runs import frame

CONFIG = attrs.evolve(
    some.CONFIG,
    person_map={"plan": "Plan__gc", "lastSeen": "Last_Seen__gc", "tags": "Tags__gc", "address.city": "City__gc"},
    company_map={"healthScore": "Health__gc"},
)


def bodies(df: DataFrame) -> list[Any]:
    """The body of each request, or the reason why there is none."""
    rows = transform_events(df, CONFIG).collect()
    return [json.loads(row.body) if row.body is not None else row.error.message for row in rows]


def body(event: dict[str, Any]) -> Any:
    return json.loads(json.dumps(transform(event, CONFIG).body))


# --- events -----------------------------------------------------------------------------------------------------------

TRAITS = (
    "named_struct('email', 'ada@example.com', 'firstName', 'Ada', 'lastName', cast(null as string), "
    "'plan', cast(12.50 as decimal(9, 2)), 'lastSeen', timestamp'2026-03-02 08:00:00', "
    "'tags', array(named_struct('id', 1, 'note', cast(null as string))), 'address', map('city', 'Zürich', 'zip', null))"
)
FROM_STRUCT = {
    "Email": "ada@example.com",
    "FirstName": "Ada",
    "Name": "Ada",
    "Plan__gc": 12.5,
    "Last_Seen__gc": "2026-03-02T08:00:00+00:00",
    "Tags__gc": [{"id": 1}],
    "City__gc": "Zürich",
}


def test_a_struct_is_an_event_without_its_nulls(spark: SparkSession) -> None:
    df = spark.sql(f"select named_struct('type', 'identify', 'traits', {TRAITS}) as event")
    (found,) = bodies(df)
    assert found.pop("Last_Seen__gc")[:10] == "2026-03-02"  # in the zone of the session
    assert found == {name: value for name, value in FROM_STRUCT.items() if name != "Last_Seen__gc"}


def test_a_map_is_an_event(spark: SparkSession) -> None:
    df = spark.sql("select map('type', map('x', 'y'), 'traits', map('email', 'ada@example.com')) as event")
    assert bodies(df) == ["type: must be identify, group or track, got an object"]


def test_a_variant_is_an_event_with_its_nulls(spark: SparkSession) -> None:
    event = {
        "type": "track",
        "event": "Ticket Closure",
        "properties": {"a": None, "b": [1, 2.5, "x", True], "c": {"d": 1e300}, "e": 12345678901234567},
    }
    df = frame(spark, [event]).selectExpr("parse_json(event) as event")
    assert bodies(df) == [body(event)]


#: Values of traits, by how SQL writes them, and what becomes of them.
VALUES = {
    "cast('abc' as binary)": "YWJj",
    "interval '1' day": "P1D",
    "interval '2' month": "P2M",
    "make_interval(1, 2)": "P14M",
    "date'2026-03-02'": "2026-03-02",
    "date'0000-03-02'": "0000-03-02",
    "timestamp_ntz'0000-01-01 00:00:00'": "0000-01-01T00:00:00",
    "timestamp'9999-12-31 23:59:59 America/New_York'": "+010000-01-01T04:59:59+00:00",
    "cast('99999999999999999999999999999999999999' as decimal(38, 0))": 99999999999999999999999999999999999999,
    "double('nan')": "traits.plan: must be a finite number: JSON has no NaN and no infinity",
    "float('-infinity')": "traits.plan: must be a finite number: JSON has no NaN and no infinity",
    "parse_json('null')": None,
    "cast(null as void)": None,
    "map(named_struct('a', 1), interval '2' month)": {'{"a": 1}': "P2M"},
    "array(cast('abc' as binary), null)": ["YWJj", None],
    "array(interval '2' month)": ["P2M"],
}


def test_a_value_that_json_has_no_form_for_is_text_and_nan_is_at_fault(spark: SparkSession) -> None:
    """Of any kind that Spark has, and in columns of their own, as Spark would make one kind of them."""
    values = ", ".join(
        f"named_struct('email', 'a@b.co', 'plan', {value}) as `{number}`" for number, value in enumerate(VALUES)
    )
    zone = str(spark.conf.get("spark.sql.session.timeZone"))
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    df = spark.sql(f"select {values}")

    def each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Each column as the trait of an event of its own."""
        for batch in batches:
            for traits in batch.columns:
                event = pa.StructArray.from_arrays([pa.array(["identify"]), traits], names=["type", "traits"])
                yield from transforming(CONFIG, show_secrets=True)([pa.RecordBatch.from_arrays([event], ["event"])])

    rows = df.mapInArrow(each, COLUMNS).collect()
    spark.conf.set("spark.sql.session.timeZone", zone)
    found = [json.loads(row.body).get("Plan__gc") if row.body else row.error.message for row in rows]
    assert dict(zip(VALUES, found, strict=True)) == VALUES


def test_half_an_emoji_and_texts_that_are_no_json_pass_through_spark(spark: SparkSession) -> None:
    event = {"type": "identify", "messageId": "\ud83d", "traits": {"email": "a@b.co", "plan": "half \ud83d"}}
    df = frame(spark, [event, "[" * 5000, "", None], partitions=1)
    assert bodies(df) == [
        body(event),
        "the event: is not JSON",
        "the event: is not JSON",
        "the event: must be an object, got null",
    ]


# --- the warehouse ----------------------------------------------------------------------------------------------------

IDENTIFIES = """
select 'm-1' as id, 'u-1' as user_id, 'a-1' as anonymous_id, timestamp'2026-03-02 08:00:00' as received_at,
  timestamp'2026-03-02 08:00:00' as original_timestamp, 'web' as channel, 'en' as context_locale,
  'ada@example.com' as email, 'Ada' as first_name, 'Lovelace' as LAST_NAME, '12' as master_record_id,
  'gold' as plan, 'today' as last_seen, cast(null as string) as location,
  'https://a.example.com' as context_traits_linkedin_url,
  timestamp'2026-03-02 08:00:00' as loaded_at, timestamp'2026-03-02 08:00:00' as uuid_ts
"""
GROUPS = """
select 'm-2' as id, 'g-1' as group_id, 'Acme' as name, 120 as employees, 12.5 as customer_lifetime_in_months,
  7 as health_score, '2027-01-02' as renewal_date, 'ada@example.com' as context_traits_email
"""
CLOSURES = """
select 'm-3' as id, 'u-1' as user_id, 'ticket_closure' as event, 'Ticket Closure' as event_text, 5 as minutes,
  'x' as `odd name`, 'Ada' as context_traits_first_name
"""


def test_a_row_of_identifies_is_the_identify_event_that_it_was(spark: SparkSession) -> None:
    df = from_warehouse(spark.sql(IDENTIFIES), "identify", CONFIG)
    event = json.loads(df.collect()[0].event)
    assert {name: event[name] for name in ("type", "messageId", "userId", "anonymousId", "channel")} == {
        "type": "identify",
        "messageId": "m-1",
        "userId": "u-1",
        "anonymousId": "a-1",
        "channel": "web",
    }
    assert event["originalTimestamp"].startswith("2026-03-02T")
    traits = {"email": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace", "masterRecordId": "12"}
    assert event["traits"] == {**traits, "plan": "gold", "lastSeen": "today"}
    assert event["context"] == {"traits": {"linkedinUrl": "https://a.example.com"}}
    assert bodies(df) == [
        {
            "Email": "ada@example.com",
            "FirstName": "Ada",
            "LastName": "Lovelace",
            "LinkedinUrl": "https://a.example.com",
            "MasterRecordID": "12",
            "Plan__gc": "gold",
            "Last_Seen__gc": "today",
            "Name": "Ada Lovelace",
        }
    ]


def test_times_of_the_warehouse_keep_their_microseconds_as_events_are_ordered_by_them(spark: SparkSession) -> None:
    row = """select '1' as id, timestamp'2026-03-02 08:00:00.123456+01:00' as TIMESTAMP,
      timestamp_ntz'2026-03-02 08:00:00.123457' as sent_at, '2026-03-02 08:00:00.123458 UTC' as received_at,
      cast(null as timestamp) as original_timestamp"""
    event = json.loads(from_warehouse(spark.sql(row), "identify").collect()[0].event)
    assert "originalTimestamp" not in event
    assert {name: instant(event[name]) for name in ("timestamp", "sentAt", "receivedAt")} == {
        "timestamp": "2026-03-02T07:00:00.123456",
        "sentAt": "2026-03-02T08:00:00.123457",
        "receivedAt": "2026-03-02T08:00:00.123458",
    }


def test_nan_and_the_infinities_are_left_out_of_events_of_the_warehouse(spark: SparkSession) -> None:
    row = """select 'm' as id, double('nan') as timestamp, double('nan') as a, float('-infinity') as b, 1.5D as c,
      array(double('nan'), 1D) as d, map('x', double('infinity'), 'y', 2D) as e,
      named_struct('z', double('nan'), 'y', 3F) as f, cast(null as struct<z: double>) as g, array('x') as h"""
    event = json.loads(from_warehouse(spark.sql(row), "identify").collect()[0].event)
    assert "timestamp" not in event
    assert event["traits"] == {"c": 1.5, "d": [None, 1.0], "e": {"x": None, "y": 2.0}, "f": {"y": 3.0}, "h": ["x"]}


def test_a_column_may_have_any_name(spark: SparkSession) -> None:
    df = spark.sql("select 'm' as id, 'x' as `odd``name.of it`, 'y' as ````")
    event = json.loads(from_warehouse(df, "identify", names={"`": "other"}).collect()[0].event)
    assert event["traits"] == {"odd`name.of it": "x", "other": "y"}


def test_a_row_of_groups_is_a_group_event(spark: SparkSession) -> None:
    df = from_warehouse(spark.sql(GROUPS), "group", CONFIG)
    event = json.loads(df.collect()[0].event)
    assert event == {
        "type": "group",
        "messageId": "m-2",
        "groupId": "g-1",
        "traits": {
            "name": "Acme",
            "employees": 120,
            "customerLifetimeInMonths": 12.5,
            "healthScore": 7,
            "renewalDate": "2027-01-02",
        },
        "context": {"traits": {"email": "ada@example.com"}},
    }


def test_a_row_of_a_track_events_table_is_the_event_by_its_own_name(spark: SparkSession) -> None:
    df = from_warehouse(spark.sql(CLOSURES), "track", CONFIG, names={"odd name": "oddName"})
    assert bodies(df) == [{"minutes": 5, "oddName": "x"}]
    without_text = spark.sql(CLOSURES).drop("event_text")
    assert json.loads(from_warehouse(without_text, "track").collect()[0].event)["event"] == "ticket_closure"


def test_a_config_that_events_fill_in_names_the_traits_too(spark: SparkSession) -> None:
    config = {**some.SETTINGS, "contractId": "{{ context.contract || c0 }}", "personMap": {"lastSeen": "LastSeen__gc"}}
    event = json.loads(from_warehouse(spark.sql(IDENTIFIES), "identify", config).collect()[0].event)
    assert event["traits"]["lastSeen"] == "today"


def test_without_a_config_a_custom_column_keeps_its_name(spark: SparkSession) -> None:
    event = json.loads(from_warehouse(spark.sql(IDENTIFIES), "identify").collect()[0].event)
    assert (event["traits"]["last_seen"], event["traits"]["firstName"]) == ("today", "Ada")


def test_of_columns_that_are_alike_the_second_keeps_its_name(spark: SparkSession) -> None:
    df = spark.sql("select 'm' as id, 'Ada' as first_name, 'Augusta' as firstname")
    assert json.loads(from_warehouse(df, "identify").collect()[0].event)["traits"] == {
        "firstName": "Ada",
        "firstname": "Augusta",
    }


@pytest.mark.parametrize(("table", "kind"), [("identifies", "identify"), ("groups", "group"), ("tracks", "track")])
def test_a_table_may_be_named_for_its_kind(table: str, kind: str, spark: SparkSession) -> None:
    df = spark.sql("select 'm' as id, 'x' as event_text")
    assert from_warehouse(df, table).collect() == from_warehouse(df, kind).collect()
    assert json.loads(from_warehouse(df, table).collect()[0].event)["type"] == kind


_CELLS = st.none() | st.text(string.printable) | st.integers(-(2**53), 2**53)
_COLUMNS = {
    "identify": ("email", "first_name", "LASTNAME", "plan", "last_seen", "context_traits_email", "context_ip", "odd"),
    "group": ("name", "health_score", "employees", "context_traits_email", "context_traits_first_name", "group_id"),
    "track": ("event_text", "event", "minutes", "first_name", "context_traits_first_name", "uuid_ts"),
}


@pytest.mark.long
@pytest.mark.parametrize("kind", _COLUMNS)
@settings(max_examples=2)
@given(data=st.data())
def test_rows_are_the_events_that_a_warehouses_table_gives(kind: str, spark: SparkSession, data: st.DataObject) -> None:
    columns = ("id", "user_id", *_COLUMNS[kind])
    cells = [*map(data.draw, [st.lists(_CELLS, min_size=20, max_size=20)] * len(columns))]
    texts = [[None if cell is None else str(cell) for cell in column] for column in cells]
    rows = [*zip(*texts, strict=True)]
    df = spark.createDataFrame(rows, StructType([StructField(name, StringType()) for name in columns]))
    found = [json.loads(row.event) for row in from_warehouse(df, kind, CONFIG).collect()]
    reader = RowReader(columns, kind, CONFIG)
    assert [event for row in rows for event in reader.events(row)] == found


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda spark: from_warehouse(spark.range(1), "page"), "kind must be identify, group or track, not 'page'"),
        (lambda spark: from_warehouse(spark.sql("select 1 as x"), "identify"), "the column id is missing"),
        (lambda spark: from_warehouse(spark.range(1), "track"), "the columns event_text and event are missing"),
    ],
)
def test_what_is_no_table_of_the_warehouse_is_refused(
    call: Callable[[SparkSession], DataFrame], problem: str, spark: SparkSession
) -> None:
    with pytest.raises(ValueError, match=problem):
        call(spark)
