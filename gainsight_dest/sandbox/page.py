"""The page that shows a sandbox: what it holds, and what was asked of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from gainsight_dest.fields import COMPANY, LINKS, PERSON, Record, linked_companies
from gainsight_dest.gainsight import GSID
from gainsight_dest.sandbox.tenant import Sandbox

#: Rows that a table shows at most, the newest.
MOST_ROWS = 200

_SOURCE = files("gainsight_dest.sandbox").joinpath("page.html").read_text("utf8")


def _hashes(element: str) -> str:
    """What allows the page its own scripts or styles, and no others."""
    texts = re.findall(rf"<{element}>(.*?)</{element}>", _SOURCE, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts)


#: The header that goes with the page.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src {_hashes('script')}; style-src {_hashes('style')}; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(sandbox: Sandbox) -> str:
    """The page, as of now."""
    data, calls = sandbox.as_data(), [*sandbox.calls]
    people, companies, events = data["people"], data["companies"], data["events"]
    links = Counter(gsid for person in people for gsid in linked_companies(person))
    return _template().render(
        counts={"people": len(people), "companies": len(companies), "links": links.total(), "events": len(events)},
        calls_made=sum(sandbox.counts.values()),
        in_this_minute=sandbox.used()[0],
        minute_limit=sandbox.limits[0],
        throttled=sandbox.throttled,
        people=_newest(people),
        companies=_newest(companies),
        events=_newest(events),
        calls=_newest(calls),
        links=links,
        names={company[GSID]: company[COMPANY.key] for company in companies},
        most=MOST_ROWS,
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(shown=_shown, fields=_fields, time=_time, linked=linked_companies)
    return environment.from_string(_SOURCE)


def _newest(rows: Sequence[Any]) -> list[Any]:
    return [*islice(reversed(rows), MOST_ROWS)]


def _fields(record: Record) -> Record:
    """What a table has no column for."""
    return {name: value for name, value in record.items() if name not in {PERSON.key, COMPANY.key, GSID, LINKS}}


def _shown(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc)
