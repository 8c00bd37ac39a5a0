"""Events tried in a sandbox: where each trait goes, the calls, the answers, and what they wrote."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import attrs

from gainsight_dest.config import DestinationConfig
from gainsight_dest.descriptors import FindCompany, Request, SendEvent, UpsertPerson
from gainsight_dest.errors import ResponseError
from gainsight_dest.explaining.explain import explain
from gainsight_dest.explaining.trace import EVENT, UNSAID, Rule, Trace, short
from gainsight_dest.fields import COMPANY, PERSON
from gainsight_dest.outcome import Status
from gainsight_dest.sandbox.form import STAND_IN, EventForm, FormProblem, ReadForm, read_form
from gainsight_dest.sandbox.said import MOST_KEPT
from gainsight_dest.sandbox.tenant import CallRecord, Sandbox
from gainsight_dest.spelling import cut, printable, printable_lines

__all__ = ["TracedRow", "Tried", "TriedEvent", "TriedForm", "Workbench"]

#: Events, and filled-in forms, that are remembered, to be looked at.
EVENTS_KEPT, FORMS_KEPT = 100, 20
_LONGEST_ERROR = 1000
#: Rows of an event that are remembered.
MOST_ROWS_KEPT = 200


@attrs.frozen(repr=False)
class TracedRow:
    """Where a trait of an event goes, in short texts: to a field, as `sent`; or not, for a reason.

    `notes`: what is to be known of it: the map that it goes by, its data type, its label. `refusal`: why Gainsight will
    refuse it.
    """

    source: str
    value: str
    field: str | None
    sent: str | None
    reason: str | None
    notes: str = ""
    refusal: str | None = None


@attrs.frozen(repr=False)
class TriedEvent:
    """An event that came to the page. The repr shows nothing of it.

    `number`: from 1. `about`: whom or what it is about. `text`: its JSON. `rows`: where its traits go; `rest`: how many
    more there are. `records`: what it is about, as (kind, key). `status`: how it ended, None where another delivers it.
    `told`: why. `calls`: those that were made for it.
    """

    number: int
    type: str | None
    about: str
    text: str
    rows: tuple[TracedRow, ...]
    rest: int
    records: frozenset[tuple[str, str]]
    status: Status | None
    told: str | None = None
    calls: tuple[CallRecord, ...] = ()


@attrs.frozen(repr=False)
class TriedForm:
    """A form that was sent: its number from 1, how it was filled in, and its events."""

    number: int
    form: EventForm
    events: tuple[TriedEvent, ...]


@attrs.frozen(repr=False)
class Tried:
    """What a workbench remembers: forms and events, the oldest first."""

    forms: tuple[TriedForm, ...] = ()
    events: tuple[TriedEvent, ...] = ()


class Workbench:
    """Tries events in a sandbox. It remembers the last EVENTS_KEPT of them. May be used by several threads.

    `config`: by which events are tried; None: the sandbox's own, or one that stands in for it.
    """

    def __init__(self, sandbox: Sandbox, config: DestinationConfig | None = None) -> None:
        self.sandbox = sandbox
        self.config = config or sandbox.config
        self._lock = threading.Lock()
        self._events: deque[TriedEvent] = deque(maxlen=EVENTS_KEPT)
        self._forms: deque[TriedForm] = deque(maxlen=FORMS_KEPT)
        self._event_count = self._form_count = 0

    @property
    def tried(self) -> Tried:
        """What it remembers now."""
        with self._lock:
            return Tried(tuple(self._forms), tuple(self._events))

    def watch(self, events: Iterable[Any]) -> None:
        """Remember events that another delivers to the sandbox: the page shows what each has written."""
        for event in events:
            trace = explain(event, self.config or STAND_IN, tenant=self._tenant)
            with self._lock:
                self._event_count += 1
                self._events.append(tried_event(self._event_count, event, trace, *_fault(trace)))

    def send(self, form: EventForm) -> TriedForm | tuple[FormProblem, ...]:
        """Send the events of a form to the sandbox, one after another, each once; or what is wrong with the form."""
        asked = read_form(form, self.config)
        if asked.problems:
            return asked.problems
        with self._lock:  # two forms at once would mix their calls
            self._form_count += 1
            done = TriedForm(self._form_count, form, tuple(self._sent(asked)))
            self._forms.append(done)
            self._events.extend(done.events)
            return done

    @property
    def _tenant(self) -> Any:
        return self.sandbox.given_tenant

    def _sent(self, asked: ReadForm) -> Iterator[TriedEvent]:
        for event in asked.events:
            self._event_count += 1
            trace = explain(event, asked.config, tenant=self._tenant)
            yield tried_event(self._event_count, event, trace, *self._delivered(trace, asked.config))

    def _delivered(
        self, trace: Trace, config: DestinationConfig
    ) -> tuple[Status | None, str | None, tuple[CallRecord, ...]]:
        """How the event ended, why, and the calls."""
        request = trace.request if trace.skipped is None else None
        if request is None:
            return *_fault(trace), ()
        calls: list[CallRecord] = []
        own = config if self.sandbox.config is not None else None
        try:
            while request is not None:
                answer, call = self.sandbox.answer_to(request.method, request.url, request.headers, request.body, own)
                calls.append(call)
                if answer.response is None:
                    return Status.FAILED, f"{request.action}: the connection dropped", tuple(calls)
                request = request.next(answer.response)
        except ResponseError as error:
            return Status.FAILED, str(error), tuple(calls)
        return Status.DELIVERED, None, tuple(calls)


def _fault(trace: Trace) -> tuple[Status | None, str | None]:
    """How an event has ended before anything is sent, and why; None if it has not."""
    if trace.skipped is not None:
        return Status.SKIPPED, trace.skipped
    return (None, None) if trace.error is None else (Status.FAILED, str(trace.error))


def tried_event(
    number: int,
    event: Any,
    trace: Trace,
    status: Status | None,
    told: str | None,
    calls: tuple[CallRecord, ...] = (),
) -> TriedEvent:
    """What is remembered of an event: its text and its rows, cut, without secrets."""
    text = printable_lines(json.dumps(trace.shown(event), indent=2, ensure_ascii=False))
    rest = len(text) - MOST_KEPT
    rows = [*map(_traced, trace.as_dict()["rows"][:MOST_ROWS_KEPT])]
    return TriedEvent(
        number,
        trace.type,
        _about(event, trace),
        f"{text[:MOST_KEPT]}\n… and {rest:,} more characters" if rest > 0 else text,
        tuple(rows),
        len(trace.rows) - len(rows),
        records_of(trace.request),
        status,
        told and cut(printable(told), _LONGEST_ERROR),
        calls,
    )


def _about(event: Any, trace: Trace) -> str:
    """Whom or what the event is about, in a word."""
    request = trace.request
    word = ""
    if isinstance(request, UpsertPerson):
        word = PERSON.key_of(request.person)
    elif isinstance(request, FindCompany):
        word = COMPANY.key_of(request.company)
    elif isinstance(event, Mapping) and isinstance(event.get("event"), str):
        word = event["event"]
    return cut(printable(trace.shown(word)))


def _traced(row: Mapping[str, Any]) -> TracedRow:
    rule = None if row["rule"] in UNSAID else row["rule"]
    label = None if row.get("label") is None else f"is {short(row['label'])}"
    notes = ", ".join(filter(None, (row.get("type"), rule, row.get("change"), label, row.get("note"))))
    sent = short(row["sent"]) if "sent" in row else None
    value = str(sent) if row["rule"] == Rule.NAME_PARTS else short(row["value"])
    field = row["field"] and cut(row["field"])
    return TracedRow(cut(row["source"]), value, field, sent, row.get("reason"), notes, row.get("refusal"))


def records_of(request: Request | None) -> frozenset[tuple[str, str]]:
    """What the request and those after it write, as (kind, key); an event by all that is sent of it."""
    if isinstance(request, SendEvent):
        contract_id = request.headers.get("contractId")
        return frozenset({event_record(request.name, request.version, contract_id, request.properties)})
    return frozenset() if request is None else request.records


def event_record(name: Any, version: Any, contract_id: Any, properties: Any) -> tuple[str, str]:
    """What an event is known by: a header loses the spaces around it on the way."""
    headers = [each.strip() if isinstance(each, str) else each for each in (name, version, contract_id)]
    text = json.dumps([*headers, properties], sort_keys=True)
    return EVENT, blake2b(text.encode(), digest_size=16).hexdigest()
