"""When an event happened: the same text for one instant, in whatever form a source writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.batching import moments
from gainsight_dest.batching.moments import LONGEST, Moment, UnreadTimes, instant, microseconds, moment_of
from gainsight_dest.reading import MOMENTS
from tests.growth import MOST_GROWTH, growth
from tests.needs import need

EIGHT = "2026-03-01T08:00:00.000000"
NANOSECONDS = 10**9


def hours(number: float) -> timezone:
    return timezone(timedelta(hours=number))


class Timestamp(datetime):
    """As pandas has it: a datetime with nanoseconds."""

    nanosecond = 789


class WithAllNanoseconds(datetime):
    """As Google has it: its nanoseconds are all of the second's rest."""

    nanosecond = 123_456_789


class BeamsTimestamp:
    """As Beam has it."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def to_rfc3339(self) -> str:
        if self.text is None:
            raise OverflowError
        return self.text


class Scalar:
    """Neither a number nor a time."""

    dtype = type("dtype", (), {"kind": "O"})
    shape = ()


class NAType:
    """What pandas has for what is missing."""


class NaTType(datetime):
    """The same, of a time: its parts are no numbers."""

    year = float("nan")  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-01T08:00:00Z", EIGHT),
        ("2026-03-01t08:00:00z", EIGHT),
        ("2026-03-01T08:00:00.123Z", "2026-03-01T08:00:00.123000"),
        ("2026-03-01T08:00:00,5Z", "2026-03-01T08:00:00.500000"),
        ("2026-03-01T08:00:00.123456789Z", "2026-03-01T08:00:00.123456789"),
        ("2026-03-01T08:00:00.100000000000Z", "2026-03-01T08:00:00.100000"),
        ("2026-03-01T13:30:00+05:30", EIGHT),
        ("2026-03-01T00:00:00-0800", EIGHT),
        ("2026-03-01T09:00:00+0100", EIGHT),
        ("2026-03-01T10:00+02", EIGHT),
        ("2026-03-01T08:00:30+00:00:30", EIGHT),
        (" 2026-03-01 08:00:00 ", EIGHT),
        ("2026-03-01 08:00:00 UTC", EIGHT),
        ("2026-03-01 08:00:00.123456 UTC", "2026-03-01T08:00:00.123456"),
        ("2026-03-01 09:00:00.000 +0100", EIGHT),
        ("2026-03-01 09:00:00 GMT+01:00", EIGHT),
        ("2026-03-01 00:00:00 -0800 PST", EIGHT),
        ("2026-03-01T09:00:00+01:00[Europe/Berlin]", EIGHT),
        ("2026-03-01T08:00:00Z[UTC]", EIGHT),
        ("20260301T080000Z", EIGHT),
        ("20260301T0800", EIGHT),
        ("2026/03/01 08:00:00", EIGHT),
        ("2026-03-01", "2026-03-01T00:00:00.000000"),
        ("20260301", "2026-03-01T00:00:00.000000"),
        (20260301, "2026-03-01T00:00:00.000000"),
        (1_772_352_000, EIGHT),
        (1_772_352_000.25, "2026-03-01T08:00:00.250000"),
        (1_772_352_000_123, "2026-03-01T08:00:00.123000"),
        (1_772_352_000_000.0, EIGHT),
        (1_772_352_000_123_456, "2026-03-01T08:00:00.123456"),
        (1_772_352_000_123_456_789, "2026-03-01T08:00:00.123456789"),
        ("1772352000", EIGHT),
        ("1772352000.123456", "2026-03-01T08:00:00.123456"),
        ("1772352000123.", "2026-03-01T08:00:00.123000"),
        ("1.772352E9", EIGHT),
        ("1.7723520001235e+12", "2026-03-01T08:00:00.123500"),
        (Decimal("1772352000.5"), "2026-03-01T08:00:00.500000"),
        (100_000_000, "1973-03-03T09:46:40.000000"),
        (9_999_999_999, "2286-11-20T17:46:39.000000"),
        (date(2026, 3, 1), "2026-03-01T00:00:00.000000"),
        (datetime(2026, 3, 1, 8), EIGHT),  # noqa: DTZ001 - it may come so
        (datetime(2026, 3, 1, 9, tzinfo=hours(1)), EIGHT),
        (datetime(2026, 3, 1, 8, tzinfo=timezone(timedelta(microseconds=1))), "2026-03-01T07:59:59.999999"),
        (Timestamp(2026, 3, 1, 9, 0, 0, 123_456, hours(1)), "2026-03-01T08:00:00.123456789"),
        (WithAllNanoseconds(2026, 3, 1, 9, 0, 0, 123_456, hours(1)), "2026-03-01T08:00:00.123456789"),
        (BeamsTimestamp("2026-03-01T08:00:00.123456Z"), "2026-03-01T08:00:00.123456"),
        (datetime(1, 1, 1), "0001-01-01T00:00:00.000000"),  # noqa: DTZ001 - the same
    ],
)
def test_a_time_is_read_in_whatever_form_it_is(value: object, moment: str) -> None:
    assert instant(value) == moment


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("yesterday", '"yesterday"'),
        ("03/01/2026", '"03/01/2026"'),
        ("2026-02-30T00:00:00Z", '"2026-02-30T00:00:00Z"'),
        ("2026-03/01", '"2026-03/01"'),
        ("2026-03-01T08:00:00+24:00", '"2026-03-01T08:00:00+24:00"'),
        ("2026-03-01T08:00:00+01:60", '"2026-03-01T08:00:00+01:60"'),
        ("2026-03-01T08:00:00+01:00:60", '"2026-03-01T08:00:00+01:00:60"'),
        ("2026-03-01 08:00:00 CET", '"2026-03-01 08:00:00 CET"'),
        ("2026-03-01T08:00.5", '"2026-03-01T08:00.5"'),
        ("\N{FULLWIDTH DIGIT TWO}026-03-01", '"\N{FULLWIDTH DIGIT TWO}026-03-01"'),
        ("0001-01-01T00:00:00+14:00", '"0001-01-01T00:00:00+14:00"'),
        ("a\n\x1b[2J\u202e\ud800", r'"a\n\u001b[2J\u202e\ud800"'),
        ("1" * 61, f'"{"1" * 60}…"'),
        ("2026-03-01" + " " * LONGEST, '"2026-03-01' + " " * 50 + '…"'),
        (0, "0"),
        (-1_772_352_000, "-1772352000"),
        (20_260_301_080_000, "20260301080000"),
        (1 << 64, "a number"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        (Decimal("1e-9"), "1E-9"),
        (True, "a boolean"),
        (Scalar(), "a Scalar"),
        (BeamsTimestamp(), "a BeamsTimestamp"),
        ({"$date": "2026-03-01", "email": "ada@example.com"}, "an object"),
        (["2026-03-01"], "a list"),
        (datetime(1, 1, 1, tzinfo=hours(1)), "a datetime"),
    ],
)
def test_what_cannot_be_read_is_shown_with_its_name_and_nothing_else(value: object, shown: str) -> None:
    assert moment_of({"traits": {"email": "ada@example.com"}, "timestamp": value}) == Moment("", f"timestamp {shown}")


@pytest.mark.parametrize("value", [None, "", " \t", float("nan"), NAType(), NaTType(2026, 3, 1), "NaT", Decimal("NaN")])
def test_what_is_missing_is_not_told(value: object) -> None:
    assert moment_of({"timestamp": value}) == Moment("")
    assert moment_of({"timestamp": value, "sentAt": "2026-03-01"}) == Moment("2026-03-01T00:00:00.000000")


@pytest.mark.parametrize(
    ("times", "moment"),
    [
        (dict.fromkeys(MOMENTS, "2026-03-01T08:00:00Z"), Moment(EIGHT)),
        ({"sentAt": "2026-03-02", "originalTimestamp": "2026-03-01T08:00:00Z"}, Moment(EIGHT)),
        ({"receivedAt": 1_772_352_000}, Moment(EIGHT)),
        ({"timestamp": "?", "originalTimestamp": "!", "sentAt": 1_772_352_000}, Moment(EIGHT, 'timestamp "?"')),
        ({"timestamp": 1_772_352_000, "sentAt": "?"}, Moment(EIGHT)),
        ({"timestamp": None, "sentAt": "?"}, Moment("", 'sentAt "?"')),
        ({"createdAt": "2026-03-01T08:00:00Z"}, Moment("")),
        ("2026-03-01", Moment("")),
    ],
)
def test_a_moment_is_the_first_that_can_be_read(times: Any, moment: Moment) -> None:
    assert moment_of(times) == moment


def test_scalars_of_numpy_and_pandas_tell_the_time_as_pythons_own() -> None:
    need("pandas")
    numpy, pandas = import_module("numpy"), import_module("pandas")
    exact = "2026-03-01T08:00:00.123456789"
    for value, moment in (
        (numpy.int64(1_772_352_000), EIGHT),
        (numpy.uint32(1_772_352_000), EIGHT),
        (numpy.float64(1_772_352_000), EIGHT),
        (numpy.float32(1_772_352_000), EIGHT),
        (numpy.datetime64(exact), exact),
        (numpy.datetime64("2026-03-01"), "2026-03-01T00:00:00.000000"),
        (pandas.Timestamp(exact), exact),
        (pandas.Timestamp(exact, tz="UTC").tz_convert("Asia/Kolkata"), exact),
        (numpy.array(["2026-03-01"]), ""),
        (numpy.bool_(True), ""),
    ):
        assert instant(value) == moment, repr(value)
    told = moment_of({"timestamp": numpy.array({"email": "ada@example.com"}, dtype=object)})
    assert told == Moment("", "timestamp a ndarray")
    for value in (numpy.datetime64("NaT"), numpy.float32("nan"), pandas.NaT, pandas.NA):
        assert moment_of({"timestamp": value}) == Moment(""), repr(value)


def test_the_page_on_shards_shows_forms_that_are_read() -> None:
    page = (Path(__file__).parents[2] / "docs/explanation/shards.md").read_text("utf8")
    table = page.partition("| form | such as |")[2].partition("| an object |")[0]
    forms = re.findall("`([^`]+)`", table)
    assert len(forms) > 10
    assert {instant(form)[:10] for form in forms} == {"2026-03-01"}


# --- laws -------------------------------------------------------------------------------------------------------------


@st.composite
def pairs(draw: Any, before: int = 10**10) -> tuple[int, int]:
    """Two instants as nanoseconds since 1970, often near each other. `before`: seconds; a number tells no later one."""
    first, last = 10**8 * NANOSECONDS, before * NANOSECONDS - 1
    one = draw(st.integers(first, last))
    away = draw(st.sampled_from([1, 1_000, 10**6, NANOSECONDS, 10**15])) * draw(st.integers(-3, 3))
    return one, min(max(one + away, first), last)


offsets = st.integers(-14 * 60, 14 * 60)


def _written(instant: int, minutes: int, offset: str, between: str = "T", digits: int = 9) -> str:
    zone = timezone(timedelta(minutes=minutes))
    at = (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=instant // NANOSECONDS)).astimezone(zone)
    sign, (hour, minute) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    part = f"{instant % NANOSECONDS:09}"[:digits]
    zoned = offset.format(sign=sign, hour=f"{hour:02}", minute=f"{minute:02}")
    return f"{at:%Y-%m-%d}{between}{at:%H:%M:%S}.{part}{zoned}"


def _at(instant: int, minutes: int) -> Timestamp:
    """As pandas has it, exactly."""
    made = Timestamp.fromtimestamp(instant // NANOSECONDS, timezone(timedelta(minutes=minutes)))
    made = made.replace(microsecond=instant % NANOSECONDS // 1000)
    made.nanosecond = instant % 1000
    return made


#: The forms of an instant, by its nanoseconds and an offset in minutes: those that have all of it.
EXACT: Mapping[str, Callable[[int, int], object]] = {
    "ISO": lambda instant, minutes: _written(instant, minutes, "{sign}{hour}:{minute}"),
    "without a colon": lambda instant, minutes: _written(instant, minutes, "{sign}{hour}{minute}"),
    "a blank before": lambda instant, minutes: _written(instant, minutes, " {sign}{hour}{minute}", " "),
    "Z": lambda instant, _: _written(instant, 0, "Z"),
    "BigQuery": lambda instant, _: _written(instant, 0, " UTC", " "),
    "without a zone": lambda instant, _: _written(instant, 0, "", " "),
    "more digits": lambda instant, _: _written(instant, 0, "000Z"),
    "nanoseconds": lambda instant, _: instant,
    "nanoseconds as text": lambda instant, _: str(instant),
    "seconds as text": lambda instant, _: f"{instant // NANOSECONDS}.{instant % NANOSECONDS:09}",
    "milliseconds as text": lambda instant, _: f"{instant // 10**6}.{instant % 10**6:06}",
    "microseconds as text": lambda instant, _: f"{instant // 1000}.{instant % 1000:03}",
    "a Decimal": lambda instant, _: Decimal(instant).scaleb(-9),
    "pandas": _at,
}
#: Those that have microseconds, a float until 2106.
SHORT: Mapping[str, Callable[[int, int], object]] = {
    "microseconds": lambda instant, _: instant // 1000,
    "seconds as a float": lambda instant, _: instant / NANOSECONDS,
    "Python": lambda instant, minutes: datetime.fromtimestamp(
        instant // NANOSECONDS, timezone(timedelta(minutes=minutes))
    ).replace(microsecond=instant % NANOSECONDS // 1000),
    "without its zone": lambda instant, _: datetime.fromtimestamp(instant // NANOSECONDS, timezone.utc).replace(
        microsecond=instant % NANOSECONDS // 1000, tzinfo=None
    ),
}


def ordered(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


@given(pairs(), *[st.sampled_from([*EXACT])] * 2, *[offsets] * 2)
def test_times_sort_as_instants_do_whatever_forms_they_have(
    pair: tuple[int, int], form: str, other_form: str, minutes: int, other_minutes: int
) -> None:
    one, other = EXACT[form](pair[0], minutes), EXACT[other_form](pair[1], other_minutes)
    assert ordered(instant(one), instant(other)) == ordered(*pair), (one, other)


@given(pairs(2**32), *[st.sampled_from([*EXACT, *SHORT])] * 2, *[offsets] * 2)
def test_forms_of_microseconds_sort_as_well(
    pair: tuple[int, int], form: str, other_form: str, minutes: int, other_minutes: int
) -> None:
    micros = tuple(each // 1000 * 1000 for each in pair)
    forms = {**EXACT, **SHORT}
    one, other = forms[form](micros[0], minutes), forms[other_form](micros[1], other_minutes)
    assert ordered(instant(one), instant(other)) == ordered(*micros), (one, other)


@pytest.mark.parametrize("form", [*EXACT, *SHORT])
def test_each_form_tells_the_same_instant(form: str) -> None:
    micros = 1_772_352_000_123_456_000
    assert instant({**EXACT, **SHORT}[form](micros, 330)) == "2026-03-01T08:00:00.123456"


@given(st.datetimes(), st.datetimes())
def test_any_two_datetimes_sort_as_their_iso_texts_do(one: datetime, other: datetime) -> None:
    assert ordered(instant(one), instant(other.isoformat())) == ordered(one, other)


@given(
    st.one_of(
        st.text(),
        st.from_regex(r"[0-9TZ:+. /-]{1,40}", fullmatch=True),
        st.integers(),
        st.floats(),
        st.decimals(),
        st.none(),
        st.datetimes(timezones=st.timezones()),
        st.dates(),
        st.binary(),
        st.lists(st.text()),
    )
)
def test_no_value_raises_and_a_moment_is_text_that_sorts(value: object) -> None:
    moment = moment_of({"timestamp": value})
    assert moment.unread is None or moment.unread.isprintable() or " " in moment.unread
    if moment.text:
        whole, _, part = moment.text.partition(".")
        assert datetime.fromisoformat(whole).isoformat() == whole
        assert len(part) == 6 or (part.isdigit() and len(part) > 6 and not part.endswith("0"))


# --- long texts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", ["", " ", "1", "2026-03-01T08:00:00.", "2026-03-01T08:00:00Z[", "1e"], ids=json.dumps)
@pytest.mark.parametrize("fill", ["1", " ", "\x1b"], ids=json.dumps)
def test_a_long_text_is_no_time_and_shown_by_its_beginning(begin: str, fill: str) -> None:
    moment = moment_of({"timestamp": f"{begin}{fill * 1_000_000}"})
    assert moment.text == ""
    assert len(moment.unread or "") < 400
    assert instant(10**5_000) == ""


@pytest.mark.parametrize("end", ["", "x"])
@pytest.mark.parametrize(
    ("begin", "fill"),
    [
        ("", "1"),
        ("", " "),
        ("1.", "0"),
        ("2026-03-01T08:00:00.", "9"),
        ("2026-03-01T08:00:00Z[", "A"),
        ("2026-03-01", " "),
    ],
)
def test_the_patterns_go_over_a_text_once(begin: str, fill: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it might be: there is a longest, but nothing hangs on that."""
    monkeypatch.setattr(moments, "LONGEST", 10**9)

    def work(size: int) -> Callable[[], object]:
        text = f"{begin}{fill * size}{end}"
        return lambda: instant(text)

    assert growth(work, 100_000) < MOST_GROWTH


# --- what is told -----------------------------------------------------------------------------------------------------


def test_events_with_a_time_that_cannot_be_read_add_up_with_the_first_of_them() -> None:
    none, one, other = UnreadTimes(), UnreadTimes.of('timestamp "?"'), UnreadTimes.of("sentAt 0")
    assert UnreadTimes.of(None) == none
    assert not none
    assert none + one + none + other == UnreadTimes(2, 'timestamp "?"')
    assert str(one).startswith(
        '1 event has a time that cannot be read, such as timestamp "?". Such an event is put in order by'
    )
    assert str(UnreadTimes(1_000, "sentAt 0")).startswith(
        "1,000 events have a time that cannot be read, such as sentAt 0."
    )


# --- as a number ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ({"timestamp": "1970-01-01T00:00:00Z"}, 0),
        ({"timestamp": "1970-01-01T00:00:01.5+00:00"}, 1_500_000),
        ({"timestamp": "1970-01-01T00:00:01.250Z"}, 1_250_000),
        ({"timestamp": "1970-01-01T00:00:01.000007Z"}, 7 + 10**6),
        ({"timestamp": "1969-12-31T23:59:59Z"}, -(10**6)),
        ({"timestamp": "1970-01-01T00:00:01.000007999Z"}, 7 + 10**6),
        ({"timestamp": "2026-13-01T00:00:00Z", "sentAt": 1_772_352_000}, 1_772_352_000 * 10**6),
        ({"timestamp": "03/01/2026, 08:00:00"}, None),
        ({"timestamp": None}, None),
        ({}, None),
        (5, None),
    ],
)
def test_a_moment_is_a_number_of_microseconds(event: Any, number: int | None) -> None:
    assert microseconds(event) == number


@given(st.datetimes(), st.sampled_from(["seconds", "milliseconds", "microseconds"]), st.sampled_from(["Z", "+00:00"]))
def test_the_usual_forms_are_read_as_all_others_are(at: datetime, timespec: str, zone: str) -> None:
    event = {"timestamp": at.isoformat("T", timespec) + zone}
    text = moment_of(event).text
    assert microseconds(event) == (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001 - UTC


@given(st.text("0129-:.TZ +", min_size=20, max_size=27) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z"))
def test_whatever_looks_like_the_usual_forms_is_read_alike_or_not_at_all(text: str) -> None:
    found = moment_of({"timestamp": text}).text
    assert (microseconds({"timestamp": text}) is None) == (found == "")
