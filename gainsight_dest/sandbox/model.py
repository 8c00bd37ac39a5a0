"""What the sandbox's page shows: made of a sandbox's content, its calls, the events that were tried. Pure functions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import attrs

from gainsight_dest.config import MAPS, DestinationConfig
from gainsight_dest.explaining.trace import EVENT
from gainsight_dest.fields import COMPANY, LINKS, PERSON, Record, linked_companies
from gainsight_dest.gainsight import GSID
from gainsight_dest.outcome import Status
from gainsight_dest.sandbox.form import EVENTS, STAND_IN, EventForm, FormProblem
from gainsight_dest.sandbox.said import CallSide, WrittenRecord
from gainsight_dest.sandbox.tenant import CallRecord
from gainsight_dest.sandbox.workbench import TracedRow, Tried, TriedEvent, TriedForm, event_record
from gainsight_dest.spelling import counted, cut

#: Rows that a table shows at most, the newest; of one row, links to others.
MOST_ROWS, MOST_LINKS = 200, 5
#: Characters of a value that are shown.
MOST_SHOWN = 2000
_MOST_NAMES = 2

_T = TypeVar("_T")
_Key = tuple[str, str]


class PageLink(NamedTuple):
    """Words that lead to a place of the page; None: to none, as what is meant is not shown."""

    text: str
    href: str | None


@attrs.frozen
class PageLinks:
    """The first links of several, and how many more there are."""

    first: tuple[PageLink, ...] = ()
    more: int = 0


@attrs.frozen
class Shown:
    """The rows of a table, of all that there are. `found`: how many of those the filter lets through."""

    rows: tuple[Any, ...]
    found: int
    all: int


@attrs.frozen
class RecordRow:
    """A person, a company or an event. `fields`: what the table has no column for. `beside`: companies, or people."""

    id: str
    cells: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    beside: PageLinks
    calls: PageLinks
    events: PageLinks


@attrs.frozen
class WrittenRow:
    """What a call wrote of a record."""

    done: str
    record: PageLink
    fields: tuple[tuple[str, str | None, str | None], ...]
    linked: PageLinks


@attrs.frozen
class CallRow:
    """A call, with what both sides said. `answer` is None where the connection dropped."""

    id: str
    number: int
    at: datetime
    action: str | None
    about: str
    status: str
    is_bad: bool
    code: str
    fault: str
    request_id: str
    request: CallSide
    answer: CallSide | None
    written: tuple[WrittenRow, ...]
    events: PageLinks


@attrs.frozen
class EventRow:
    """An event that was tried. `ended`: how, in a word; empty where another delivers it."""

    id: str
    number: int
    type: str
    about: str
    ended: str
    is_bad: bool
    told: str | None
    text: str
    rows: tuple[TracedRow, ...]
    rest: int
    calls: PageLinks
    records: PageLinks


@attrs.frozen
class ResultRow:
    """The result of an event of the form: the event, and its calls with all that was said."""

    event: EventRow
    calls: tuple[CallRow, ...]


@attrs.frozen
class FormField:
    """A field of the form, with what is in it and what is wrong with that."""

    name: str
    text: str
    problems: tuple[str, ...]


@attrs.frozen
class CallFigures:
    """How many calls there were. `minute_limit` None: there is none."""

    made: int
    in_this_minute: int
    minute_limit: int | None
    throttled: int


@attrs.frozen
class PageModel:
    """All that the page shows."""

    fields: tuple[FormField, ...]
    is_opened: bool
    sent: str | None
    results: tuple[ResultRow, ...]
    asked: int | None
    find: str
    counts: Mapping[str, int]
    figures: CallFigures
    tables: Mapping[str, Shown]


@attrs.frozen
class Asked:
    """What the page is asked to show: of which form the result (None: of none), and only what has these words."""

    form: int | None = None
    find: str = ""


def page_model(
    content: Mapping[str, Sequence[Record]],
    calls: Sequence[CallRecord],
    figures: CallFigures,
    tried: Tried = Tried(),  # noqa: B008 - it is frozen
    config: DestinationConfig | None = None,
    asked: Asked = Asked(),
    refused: tuple[EventForm, tuple[FormProblem, ...]] | None = None,
) -> PageModel:
    """All that the page shows.

    `content`: as `Sandbox.as_data` gives it. `config`: whose maps the form begins with. `refused`: a form that was not
    sent, as something is wrong with it, and what.
    """
    sent = next((each for each in tried.forms if each.number == asked.form), None)
    form, problems = refused or (EventForm.of(config) if sent is None else sent.form, ())
    room = _Room.of(content, calls, tried.events, asked.find.casefold().split(), (config or STAND_IN).hide)
    people = content["people"]
    return PageModel(
        fields=tuple(
            FormField(name, text, tuple(problem for field, problem in problems if field == name))
            for name, text in ((EVENTS, form.events), *((name, form.maps[name]) for name in MAPS))
        ),
        is_opened=any(problem.field != EVENTS for problem in problems),
        sent=_told(asked.form, sent) if refused is None else None,
        results=() if sent is None or refused else tuple(map(room.result, sent.events)),
        asked=None if refused else asked.form,
        find=asked.find,
        counts={
            "people": len(people),
            "companies": len(content["companies"]),
            "links": sum(len(linked_companies(person)) for person in people),
            "events": len(content["events"]),
        },
        figures=figures,
        tables=room.tables(figures.made),
    )


def _told(number: int | None, sent: TriedForm | None) -> str | None:
    """How the events of the form that was asked for ended."""
    if sent is None:
        return None if number is None else "The result of these events is no longer kept."
    ended = Counter(str(event.status) for event in sent.events)
    return f"{counted(len(sent.events), 'event')}: {', '.join(f'{times} {how}' for how, times in ended.items())}"


@attrs.frozen
class _Room:
    """Everything that is shown, and where, so that one row can link to others."""

    content: Mapping[str, Sequence[Record]]
    calls: Sequence[CallRecord]
    events: Sequence[TriedEvent]
    words: Sequence[str]
    #: Masks the keys of the config.
    hide: Callable[[str], str]
    #: The rows by their places, those that are shown, and how many are found.
    shown: Mapping[str, tuple[list[tuple[int, Any]], int]]
    names: Mapping[str, str]
    #: Where a record is, by its kind and key, of those that are shown; and of a company how many people it has.
    places: Mapping[_Key, str]
    people_of: Mapping[str, int]
    #: The calls that wrote a record, by its kind and key.
    writers: Mapping[_Key, list[int]]
    #: The records that an event has written; and the other way round.
    keys: Mapping[int, list[_Key]]
    about: Mapping[_Key, list[int]]
    #: The events whose calls are known, by the numbers of those.
    senders: Mapping[int, int]

    @classmethod
    def of(
        cls,
        content: Mapping[str, Sequence[Record]],
        calls: Sequence[CallRecord],
        events: Sequence[TriedEvent],
        words: Sequence[str],
        hide: Callable[[str], str],
    ) -> _Room:
        """All of it, of what has all of the words."""
        shown: dict[str, tuple[list[tuple[int, Any]], int]] = {
            name: _newest(content[name], words, _json) for name in ("people", "companies", "events")
        }
        shown["tried"] = _newest(events, words, _text_of_event)
        shown["calls"] = _newest(calls, words, _text_of_call)
        writers: dict[_Key, list[int]] = {}
        for _, call in shown["calls"][0]:
            for record in call.written:
                writers.setdefault((record.kind, record.key), []).append(call.number)
        places = {
            **{(PERSON.name, person[PERSON.key]): f"person-{at}" for at, person in shown["people"][0]},
            **{(COMPANY.name, company[GSID]): f"company-{at}" for at, company in shown["companies"][0]},
            **{(EVENT, str(at)): f"event-{at}" for at, _ in shown["events"][0]},
        }
        names = {company[GSID]: str(company[COMPANY.key]) for company in content["companies"]}
        people_of = Counter(gsid for person in content["people"] for gsid in linked_companies(person))
        by_identity: dict[_Key, list[_Key]] = {}
        for key in dict.fromkeys((*places, *writers)):
            by_identity.setdefault(_identity(key, names, content["events"]), []).append(key)
        keys: dict[int, list[_Key]] = {}
        about: dict[_Key, list[int]] = {}
        for _, event in shown["tried"][0]:
            # Of an event that another delivers, nobody tells the calls: it has what it is about.
            exact = dict.fromkeys((record.kind, record.key) for call in event.calls for record in call.written)
            meant = (key for record in sorted(event.records) for key in by_identity.get(record, ()))
            keys[event.number] = [*(meant if event.status is None else exact)]
            for key in keys[event.number]:
                about.setdefault(key, []).append(event.number)
        senders = {call.number: event.number for event in events for call in event.calls}
        return cls(
            content,
            calls,
            events,
            words,
            hide,
            shown,
            names=names,
            places=places,
            people_of=people_of,
            writers=writers,
            keys=keys,
            about=about,
            senders=senders,
        )

    def tables(self, calls_made: int) -> dict[str, Shown]:
        """The rows of each table."""
        makers: dict[str, Callable[[int, Any], Any]] = {
            "people": self._person,
            "companies": self._company,
            "events": self._event,
            "tried": lambda _, event: self.tried(event),
            "calls": lambda _, call: self.call(call),
        }
        every = {name: len(rows) for name, rows in (*self.content.items(), ("tried", self.events))}
        every["calls"] = calls_made
        tables = {}
        for name, make in makers.items():
            rows, found = self.shown[name]
            lost = every[name] - len(self.calls) if name == "calls" and not self.words else 0  # no longer kept
            tables[name] = Shown(tuple(make(at, row) for at, row in rows), found + lost, every[name])
        return tables

    def _shown(self, value: Any) -> str:
        """A text as it is, anything else as JSON; of a long one the beginning."""
        return cut(self.hide(value if isinstance(value, str) else _json(value)), MOST_SHOWN)

    # --- records ----------------------------------------------------------------------------------------------------

    def _person(self, at: int, person: Record) -> RecordRow:
        companies = _links(self._record(COMPANY.name, gsid) for gsid in linked_companies(person))
        cells = (self._shown(person[PERSON.key]), self._shown(person.get("Name", "")))
        key = str(person[PERSON.key])
        hidden = {PERSON.key, "Name", LINKS}
        return self._row(f"person-{at}", cells, person, hidden, companies, (PERSON.name, key))

    def _company(self, at: int, company: Record) -> RecordRow:
        name, gsid = str(company[COMPANY.key]), company[GSID]
        cells = (self._shown(name), gsid, f"{self.people_of.get(gsid, 0):,}")
        hidden = {COMPANY.key, GSID}
        return self._row(f"company-{at}", cells, company, hidden, PageLinks(), (COMPANY.name, gsid))

    def _event(self, at: int, event: Record) -> RecordRow:
        cells = tuple(self._shown(event.get(name, "")) for name in ("name", "version", "contract_id"))
        properties = event.get("properties")
        fields = properties if isinstance(properties, dict) else {}
        return self._row(f"event-{at}", cells, fields, set(), PageLinks(), (EVENT, str(at)))

    def _row(
        self,
        place: str,
        cells: tuple[str, ...],
        record: Record,
        hidden: set[str],
        beside: PageLinks,
        key: _Key,
    ) -> RecordRow:
        fields = tuple(
            (self._shown(name), self._shown(value) or '""') for name, value in record.items() if name not in hidden
        )
        calls = _links(PageLink(f"{number:,}", f"#call-{number}") for number in self.writers.get(key, ()))
        events = _links(PageLink(f"{number:,}", f"#tried-{number}") for number in self.about.get(key, ()))
        return RecordRow(place, cells, fields, beside, calls, events)

    def _record(self, kind: str, key: str) -> PageLink:
        """The link to a record, by the name that people know it by."""
        text = self.names.get(key, key) if kind == COMPANY.name else f"event {int(key) + 1:,}" if kind == EVENT else key
        place = self.places.get((kind, key))
        return PageLink(cut(self.hide(text)), place and f"#{place}")

    # --- calls and events -------------------------------------------------------------------------------------------

    def call(self, call: CallRecord) -> CallRow:
        """A call, with links to what it wrote, and to the events that are about that."""
        keys = [(record.kind, record.key) for record in call.written]
        about = {number for key in keys for number in self.about.get(key, ())}
        sender = self.senders.get(call.number)
        numbers = sorted(about) if sender is None else [sender]
        shown = {event.number for _, event in self.shown["tried"][0]}
        events = _links(PageLink(f"{each:,}", f"#tried-{each}" if each in shown else None) for each in numbers)
        is_dropped = call.status is None
        return CallRow(
            f"call-{call.number}",
            call.number,
            datetime.fromtimestamp(call.at, timezone.utc),
            call.action,
            self._about(call),
            "dropped" if is_dropped else str(call.status),
            is_dropped or (call.status or 0) >= 400 or bool(call.code),
            call.code or "",
            call.fault or "",
            call.request_id,
            call.request,
            None if is_dropped else call.answer,
            tuple(map(self._written, call.written)),
            events,
        )

    def _about(self, call: CallRecord) -> str:
        """The records that a call wrote, in a few words."""
        names = [self._record(record.kind, record.key).text for record in call.written]
        more = len(names) - _MOST_NAMES
        return ", ".join([*names[:_MOST_NAMES], *([f"… and {more:,} more"] if more > 0 else [])])

    def _written(self, record: WrittenRecord) -> WrittenRow:
        linked = _links(self._record(COMPANY.name, gsid) for gsid in record.linked)
        return WrittenRow(record.done, self._record(record.kind, record.key), record.fields, linked)

    def tried(self, event: TriedEvent) -> EventRow:
        """An event, with links to its calls, and to the records that it is about."""
        kept = {call.number for _, call in self.shown["calls"][0]}
        numbers = [call.number for call in event.calls]
        if event.status is None:  # another delivers it: its calls are those that wrote its records
            numbers = sorted({number for key in self.keys[event.number] for number in self.writers.get(key, ())})
        calls = _links(PageLink(f"{number:,}", f"#call-{number}" if number in kept else None) for number in numbers)
        records = _links(self._record(*key) for key in self.keys.get(event.number, ()))
        return EventRow(
            f"tried-{event.number}",
            event.number,
            event.type or "no event for Gainsight",
            event.about,
            "" if event.status is None else str(event.status),
            event.status is Status.FAILED,
            event.told,
            event.text,
            event.rows,
            event.rest,
            calls,
            records,
        )

    def result(self, event: TriedEvent) -> ResultRow:
        """The result of an event."""
        return ResultRow(self.tried(event), tuple(map(self.call, event.calls)))


def _identity(key: _Key, names: Mapping[str, str], events: Sequence[Record]) -> _Key:
    """What events know a record by."""
    kind, text = key
    if kind == COMPANY.name:
        return COMPANY.identity(names.get(text, ""))
    if kind == PERSON.name:
        return PERSON.identity(text)
    event = events[int(text)]
    return event_record(*(event.get(name) for name in ("name", "version", "contract_id", "properties")))


def _newest(rows: Sequence[_T], words: Sequence[str], text_of: Callable[[_T], str]) -> tuple[list[tuple[int, _T]], int]:
    """The newest rows that have all of the words, with their places, and how many do."""
    if not words:
        numbered = islice(((at, rows[at]) for at in range(len(rows) - 1, -1, -1)), MOST_ROWS)
        return [*numbered], len(rows)
    found = [at for at in range(len(rows) - 1, -1, -1) if _has(text_of(rows[at]).casefold(), words)]
    return [(at, rows[at]) for at in found[:MOST_ROWS]], len(found)


def _has(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)


def _text_of_event(event: TriedEvent) -> str:
    return f"{event.type} {event.status} {event.told} {event.text}"


def _text_of_call(call: CallRecord) -> str:
    sides = (f"{side.line} {side.text()}" for side in (call.request, call.answer))
    return " ".join([f"{call.action} {call.status} {call.code} {call.fault} {call.request_id}", *sides])


def _links(links: Iterable[PageLink]) -> PageLinks:
    every = [*links]
    return PageLinks(tuple(every[:MOST_LINKS]), max(0, len(every) - MOST_LINKS))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
