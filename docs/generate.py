"""Writes the reference pages that are derived from the tables, so that a page cannot say other than the code does.

python docs/generate.py

A test holds the pages to what this would write.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs
import click

from gainsight_dest import DestinationConfig, config_schema, errors
from gainsight_dest.cli.app import cli
from gainsight_dest.explaining.alike import MOST_NAMES, MOST_SPELLINGS
from gainsight_dest.fields import COMPANY_FIELDS, NAME_PARTS, PERSON_FIELDS, Datatype, Field, Form
from gainsight_dest.gainsight import CODES, FAILED, STATUSES, Code
from gainsight_dest.linting.rules import OF_EVENTS, OF_THE_CONFIG, Rule
from gainsight_dest.rudderstack.faults import LONGEST_TEXT, ROWS
from gainsight_dest.rudderstack.items import MOST_ITEMS
from gainsight_dest.rudderstack.sizes import LEVELS
from gainsight_dest.rudderstack.transformer import LONGEST_ANSWER
from gainsight_dest.sandbox import FAULTS
from gainsight_dest.templates import MOST_FILLED, MOST_TEMPLATES

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.deliver.fault_matrix import STEPS, TIMES, Cell, Delivery, cells, delivery

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py from the tables in the code. Change those, then run it. -->\n\n"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(headings)]
    lines += [["---"] * len(lines[0])]
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(text: str) -> str:
    """Code in a line of prose; nothing for nothing."""
    return f"`{text}`" if text else ""


def fields() -> str:
    """The page of fields."""
    return f"""# Fields

Which trait feeds which Gainsight field. A trait that stands in neither table nor in the destination's custom mappings
is not sent.

## Forms

| form | what becomes of the value |
| --- | --- |
| {Form.AS_IS.value} | the JSON value, unchanged |
| {Form.TEXT.value} | a string as it is; anything else as compact JSON: `{{"city":"NY"}}`, `12`, `true` |
| {Form.NUMBER.value} | a number as it is; a decimal numeral in a string as a number; anything else leaves the field out |

What is no such thing as Gainsight keeps in a field, it refuses: the event fails with a `RejectedError` that names the
field. Where nothing stands, only the tenant knows: ids, picklist items, custom fields.

Decimal numerals are `"100"`, `" 12 "`, `"1e3"`, `".5"`, `"-7"`; `"1,000"` and `"0x10"` are none, nor is `true`.

In a text, numbers are written as JavaScript writes them: `0.00001`, `1e-7`, `1e+21`, `12` for `12.0`.

`null` and `""` count as absent; `0` and `false` do not. Out of Python, dates and UUIDs become text, dates that of
ISO 8601. Numbers, texts and booleans of any class are what they are, such as Decimals and numpy's; pandas' `NA` and
`NaT` are null.

## Person, from identify

Each field takes the first present value: every alias in `traits`, then every alias in `context.traits`.

{_table_of(PERSON_FIELDS)}
Where no Name is known, even after the custom mappings, it is made of {", ".join(f"`{part}`" for part in NAME_PARTS)},
joined by spaces; where those are not known either, no Name is sent. `false` and 0 are no Name, and parts of one are
only numbers and texts that are not blank.

Custom fields: each row of `personMap` takes the first value that is neither null nor `""` of: the trait of that very
name in `traits`, the dotted path through `traits`, the same two in `context.traits`. Where there is none, `""` is a
value here. The field is set to the value as it is, over a standard field of that name. `Email` cannot be mapped:
Gainsight finds the person by it.

## Company, from group

From `traits` alone. The person that is linked to the company is that of `context.traits.email`.

{_table_of(COMPANY_FIELDS)}
A numeric `name` is sent as its text. Custom fields: each row of `companyMap`, as for a person, from `traits` alone.
`Name` cannot be mapped: Gainsight finds the company by it.

## Event, from track

`properties` are the body, as they are. What the event is called and its version come from `eventNameMap` and
`eventVersionMap`; the contract id from the first entry of type `gainsightEventContractId` in `context.externalId`, if
it is text that is not blank or a number other than 0, else from the destination's `contractId`.
"""


def _table_of(rows: tuple[Field, ...]) -> str:
    return table(
        ("field", "traits, the first present wins", "form", "Gainsight keeps"),
        (
            (
                code(row.name),
                ", ".join(map(code, row.traits)),
                "required: a non-blank string" if row.required else row.form.value,
                "" if row.datatype is Datatype.ANY else row.datatype.value,
            )
            for row in rows
        ),
    )


def settings() -> str:
    """The page of the destination config."""
    rows = (
        (code(setting.metadata["name"]), code(setting.name), setting.metadata["about"])
        for setting in attrs.fields(DestinationConfig)
    )
    return f"""# Destination config

A `DestinationConfig` is made in Python, or read from what RudderStack stores: a destination's `Config` object, or the
destination that holds one, as `Config` or, in RudderStack's API and exports, as `config`.

```python
from gainsight_dest import DestinationConfig

config = DestinationConfig.from_rudderstack({{
    "domain": "acme.example.invalid",
    "accessKey": "…",
    "personMap": [{{"from": "plan", "to": "Plan__gc"}}],
}})
assert config.person_map == {{"plan": "Plan__gc"}}
```

{table(("RudderStack's name", "in Python", "what it is"), rows)}
- `null` and blank mean absent. Unknown keys are passed over.
- A mapping is a list of `{{"from": …, "to": …}}` rows, or one `{{from: to}}` object. Rows with a blank half are skipped;
  the last row of a `from` wins. An integer as `to` is its text: `2` is the version `"2"`. Any other number, a boolean or
  a list is refused, as it may be another text than the one that was meant: put it in quotes.
- `domain` is a host name with at least one dot. `https://`, one trailing slash and spaces around it are tolerated;
  `http://`, a port, a path, user info, `localhost` and IP addresses are not.
- No mapping may set the field that Gainsight finds the record by: `Email` of a person, `Name` of a company.
- What goes out as a header holds no control character.

Everything that is wrong is told at once, each with its place:

```python
from gainsight_dest import ConfigError

try:
    DestinationConfig.from_rudderstack({{"domain": "localhost", "personMap": [{{}}, {{"from": 7, "to": "Age__gc"}}]}})
except ConfigError as error:
    assert [place for place, problem in error.problems] == ["domain", "personMap[1].from"]
    assert error.problems[1][1] == "must be a string, not a number: put it in quotes"
```

## Out of a workspace

`destinations_of` finds the Gainsight destinations in a workspace as RudderStack exports it, each once:

```python
from gainsight_dest import destinations_of

definition = {{"name": "GAINSIGHT"}}
destination = {{"id": "d1", "name": "gs", "destinationDefinition": definition, "config": {{"domain": "acme.example.invalid"}}}}
workspace = {{"sources": [{{"destinations": [destination]}}, {{"destinations": [destination]}}]}}

assert destinations_of(workspace) == [destination]
assert DestinationConfig.from_rudderstack(destination).domain == "acme.example.invalid"
```

## Keys in the environment

A setting that is `env.NAME`, as RudderStack writes it, stands for a variable of the environment, which is looked up if it
is given. So is a `to` of a mapping, if NAME is in capitals.

```python
env = {{"GAINSIGHT_ACCESS_KEY": "a-key"}}  # or os.environ
stored = {{"domain": "acme.example.invalid", "accessKey": "env.GAINSIGHT_ACCESS_KEY"}}

assert DestinationConfig.from_rudderstack(stored, env).access_key == "a-key"
```

The command line gives its own environment to what `--config` names, and never to a destination that came with an event:
[keys out of files](../how-to/deliver.md#keys-out-of-files).

A placeholder that is left is refused, before anything is sent: `env.NAME` that is not set, `{{{{ NAME }}}}`, `${{NAME}}`,
`$NAME`, `%NAME%`, `<key>`.

## Settings that events fill in

RudderStack's own `{{{{ path || default }}}}` is filled in by each event wherever a config comes as data: a dict that is given
to `transform`, `explain`, `transform_batch` or a `Deliverer`; `--config`; the service. What an event has filled
in there is no longer part of the event.

```python
from gainsight_dest import transform

stored = {{
    "domain": "acme.example.invalid",
    "sharedSecret": "…",
    "tenantId": "t-1",
    "topicName": "Tickets",
    "contractId": '{{{{ event.properties.contract || "c0" }}}}',
    "eventNameMap": {{"Ticket Closed": "ticket_closed"}},
    "eventVersionMap": {{"Ticket Closed": "1.0.0"}},
}}
event = {{"type": "track", "event": "Ticket Closed", "properties": {{"contract": "c9", "minutes": 42}}}}
request = transform(event, stored)

assert (request.headers["contractId"], request.body) == ("c9", {{"minutes": 42}})
```

- The path is one into the event; `event.` or `message.` before it stands for the event itself. `default` may be in quotes.
  A value that is missing, null or `""` gives way to it.
- A Config has {MOST_TEMPLATES} templates at most. Configs that come out alike are read once, for as long as the events are of one
  batch, delivery, file or request.
- A `DestinationConfig` is one config for all events, so it holds no templates: it is a ConfigError to make one of them. A
  batch and a delivery, in Beam and Spark too, go to one tenant by one key, so there `domain` and `accessKey` are not
  filled in by events.
- `"hasDynamicConfig": false` beside the Config says that it has none.

A config is frozen, compares by value, hashes and pickles. Its `repr` shows `***` for the keys, wherever they sit.
"""


def error_page() -> str:
    """The page of errors."""
    tree = re.search(r"(- GainsightDestError.*?)\n\n", errors.__doc__ or "", re.DOTALL)
    assert tree is not None  # noqa: S101 - a broken page is worse than none
    statuses = [(f"{low}" if low == high else f"{low} to {high}", row) for low, high, row in STATUSES] + [
        ("any other", FAILED)
    ]
    return f"""# Errors

All derive from `GainsightDestError` and say by their class what to do:

```text
{tree[1]}
```

`ConfigError` and `EventError` have a `path` (`personMap[2].from`, `traits.email`); a `ConfigError` has all its
`problems`. A `ResponseError` has `action`, `status`, `code`, `request_id`, `field_errors` and `retry_after` (seconds, or
None). All compare by value and pickle. Their text holds no secret, and no value of an event or a record: Gainsight's
`errorDesc` is never quoted, a field error's refused `value` is kept as an attribute only. What it does quote is what a
config would have to name, the name of a track event without a row and a type that is not supported; not with `--mask`.

## Gainsight's codes

A known code decides, at any status but that of a success.

{table(("code", "error", "meaning"), (_error_row(name, row) for name, row in CODES.items()))}
## HTTP statuses

Where no known code says more. A 2xx whose `result` is false is a `RejectedError`; a 2xx that is not a JSON object is a
`RetryableError`, but for writes of which nothing need be known, people and events: there a 2xx without a body, or with
other JSON, is a success. A 401 or 403 that is not Gainsight's own is a `BlockedError`: its JSON has `result`, `errorCode` or
`requestId`, that of a firewall has not.

{table(("status", "error", "meaning"), (_error_row(name, row) for name, row in statuses))}"""


def _error_row(name: str, row: Code) -> tuple[str, str, str]:
    return code(name), code(row.error.__name__), row.meaning


def command_line() -> str:
    """The page of the command line."""
    context = click.Context(cli, info_name="gainsight-dest", terminal_width=100, **cli.context_settings)
    pages = [_help(cli, context)]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None  # noqa: S101 - it was just listed
        pages.append(_help(command, click.Context(command, info_name=name, parent=context)))
    return f"""# Command line

`gainsight-dest`, also `python -m gainsight_dest`; extra `cli`.

{"".join(pages)}
## Options by variables

Every option can be set by a variable of the environment, in capitals and with `_`: `--workers` of `deliver` by
`GAINSIGHT_DEST_DELIVER_WORKERS`, a flag such as `--mask` of `explain` by `GAINSIGHT_DEST_EXPLAIN_MASK=1`. `--config` and
`--destination` of all commands are `GAINSIGHT_DEST_CONFIG` and `GAINSIGHT_DEST_DESTINATION`, too. What stands on the
command line goes before.

In Kubernetes a service by the name of `gainsight-dest-serve` would have it set `GAINSIGHT_DEST_SERVE_PORT` to something
else in each pod: give the service another name, or the pods `enableServiceLinks: false`.

| variable | what it is |
| --- | --- |
| `GAINSIGHT_ACCESS_KEY`, `GAINSIGHT_SHARED_SECRET` | the keys, for every command that takes `--config`: they go before those of the file |
| `GAINSIGHT_ACCESS_KEY_FILE`, `GAINSIGHT_SHARED_SECRET_FILE` | names of files that hold them; the last line end of a file is none of the key |
| any other | what a setting of the config asks for as `env.NAME` |

## Exit status

| status | when |
| --- | --- |
| 0 | all well; what was skipped is well too |
| 1 | some events are at fault, have failed or were not tried; `lint` has found errors; for `plan`: a day does not fit, or not for certain, and nothing else; `demo` ends with 0, as its events hold mistakes on purpose |
| 2 | wrong use, a config that cannot be used, or a run that could not be finished, as with a key that Gainsight does not take |
| 130, 143 | ended by Ctrl-C, by SIGTERM; `sandbox`, `serve` and `demo --keep`, which are meant to be ended so, end with 0 |
| 141 | whoever read the output closed it |
"""


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n$ {context.command_path} --help\n{command.get_help(context)}\n```\n\n"


def faults() -> str:
    """The page of faults: the tests' own matrix, told."""
    all_cells = set(cells())
    steps = [(event, step) for event, (_, steps) in STEPS.items() for step in steps]
    tables = []
    for times in TIMES:
        rows = []
        for kind in FAULTS:
            met = [Cell(kind, event, step, times) for event, step in steps]
            rows.append((code(kind), *(_told(delivery(cell)) if cell in all_cells else "" for cell in met)))
        headings = ("fault", *(f"{event}: {step}" for event, step in steps))
        tables.append(f"## {times.capitalize()}\n\n{table(headings, rows)}")
    return f"""# Faults

What can go wrong with a call, and what becomes of the event. The [sandbox](../how-to/use-the-sandbox.md) fails so on
request; the tables are what `Deliverer` made of each fault at each step of each event when this page was written, and
what the tests hold it to.

{table(("fault", "what the caller sees"), ((code(kind), row.about) for kind, row in FAULTS.items()))}
In the tables: what became of the event, the calls it took (an identify and a track take one, a group three), and the
error that it failed with. In every one of them there is one company at most, the person is linked to it and to no other,
and no call goes beyond the budget. "Sent twice" is a track event whose answer was lost: there is no asking whether it
came. "Not tried" is an event that was under way when the run ended, as nothing got through: it is to be sent again.
`429-retry-after` asks for 7 seconds, and for a minute where it comes always.

{chr(10).join(tables)}"""


def _told(done: Delivery) -> str:
    outcome = done.outcome
    words = [str(outcome.status), f"{outcome.calls} call{'s' if outcome.calls > 1 else ''}"]
    if outcome.error is not None:
        words.append(code(type(outcome.error).__name__))
    elif len(done.sandbox.events) > 1:
        words.append({2: "sent twice", 3: "sent three times"}[len(done.sandbox.events)])
    return ", ".join(words)


def rudderstack() -> str:
    """The page of what rudder-server is told."""
    rows = (
        (row.when, code(row.error.__name__), _status(row.status), code(row.category), code(row.type or ""))
        for row in ROWS
    )
    return f"""# What rudder-server is told

Of an item, or a delivery, that fails: a `statusCode`, an `error`, and `statTags` for its metrics. rudder-server tries
5xx, 429 and 408 again, and gives up on the jobs of any other 4xx.

{table(("what is wrong", "error", "statusCode", "errorCategory", "errorType"), rows)}
The first row that fits counts. `statTags` also hold `destType`, `module`, `implementation`, `feature` (`processor`,
`router`, `dataDelivery`), and of the metadata `destinationId` and `workspaceId`.

`error` is the text of [the error](errors.md), without secrets or values of the event. Of a call that failed for a group
it is a JSON text, in which Gainsight's own answer may name values:

```json
{{"message": "failed to update group: a date is not understood (HTTP 400, GSOBJ_1006)",
 "destinationResponse": {{"response": {{"result": false, "errorCode": "GSOBJ_1006"}}, "status": 400}}}}
```

`message` begins with "failed to search group", "failed to create group" or "failed to update group".

## What is bounded

A request of a few kilobytes could ask for gigabytes, or for hours: many items may name one long destination, or fill one
in differently. So there are bounds, far beyond what rudder-server sends.

{table(("what", "bound", "beyond it"), RUDDERSTACK_BOUNDS)}
Items that come back with 500 are tried again by rudder-server, and those that were answered are not among them then, so
it gets on. What of an item's metadata or destination JSON cannot hold does not come back; all else of it does.
"""


#: What a request of rudder-server's may ask for.
RUDDERSTACK_BOUNDS = (
    ("items of a request, jobs of a delivery", f"{MOST_ITEMS:,}", "500 for all of them"),
    (
        "an answer: for each item its destination, whether or not that is in it, its metadata, its request",
        f"about {LONGEST_ANSWER // 2**20} MiB (`longest`)",
        "500 for the items that do not fit, with the destination's id alone; 400 for one that does not fit alone",
    ),
    (
        "configs with templates, of other values than an event before",
        f"{MOST_FILLED // 2**20} MiB; ten times as much for one at fault",
        "500 for the items that are left",
    ),
    ("templates in a config", f"{MOST_TEMPLATES}", "400, the config is at fault"),
    ("names in the path of a template", f"{LEVELS}", "400, the config is at fault"),
    ("levels of metadata, a destination or a request", f"{LEVELS}", "400"),
    ("digits of an integer there", "about 4,200", "400"),
    ("an error, or an answer of Gainsight's in it", f"{LONGEST_TEXT:,} bytes", "it is cut, and says so"),
)


def _status(status: Callable[[int | None], int]) -> str:
    own = [
        f", or Gainsight's own {kind}"
        for answered, kind in ((503, "5xx"), (404, "4xx"))
        if status(answered) == answered
    ]
    return f"{status(None)}{''.join(own)}"


def rules() -> str:
    """The page of lint's rules."""
    return f"""# Lint

What `gainsight-dest lint` and `lint` look for. An error makes events fail. A warning may be meant so; else events may
fail by it, or something goes missing. [How to check a config](../how-to/check-a-config.md).

## Of a config by itself

{_table_of_rules(OF_THE_CONFIG)}
## With events at hand

{_table_of_rules(OF_EVENTS)}
A name is nearly another if it differs from it in case, spaces, dashes, dots and underscores only; or by a letter more, a
letter less, or two that are swapped; in long names by a little more. Names that differ in their digits are different
ones.

Names of companies look alike if they differ in case, in blanks (around them, doubled, or of another kind, as a no-break
space), in letters that cannot be seen, in whether an accent is part of its letter, or in letters and signs that look the
same, such as an A of Cyrillic and of Latin. Gainsight finds a company by its Name, so that each makes one of its own; of
names that differ in case and in blanks around them alone it is not known. The first {MOST_NAMES:,} names that look
different are kept, of each the first {MOST_SPELLINGS} spellings.

## What is found

A `Finding` has a `rule`, a `severity`, a `place`, a `problem` and a `remedy`. The place is one in the Config, such as
`personMap[2].to`, or in the events, such as `group traits.renewalDate`. None of it holds a secret. Names of traits and
events it may hold, but no value of an event, other than names of companies that look alike: with `--mask`, or a
`Profile(mask=True)`, it tells only in which events they are.

What else a Config holds may be RudderStack's own, such as consent settings, and is passed over.
"""


def _table_of_rules(rules: tuple[Rule, ...]) -> str:
    rows = ((code(rule.code), rule.severity.value, rule.about, rule.remedy) for rule in rules)
    return table(("rule", "severity", "what it means", "what to do"), rows)


def schema() -> str:
    """The page of the JSON Schema."""
    names = ", ".join(code(setting.metadata["name"]) for setting in attrs.fields(DestinationConfig))
    return f"""# JSON Schema of a destination config

[destination-config.schema.json](destination-config.schema.json) is a JSON Schema, draft 2020-12, of what
`DestinationConfig.from_rudderstack` takes: a destination as RudderStack stores it, or its Config alone. It is derived
from `DestinationConfig` and knows {names}; other keys are allowed. A config validates if, and only if, it can be read,
once an event or the environment has filled in what is left to them; whether it is also what was meant, [lint](lint.md)
tells.

It comes with the package, too, and is printed by

```console
$ gainsight-dest schema
```

```python
from gainsight_dest import config_schema

assert config_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
```

## In an editor

An editor that knows JSON Schema completes the settings, explains them, and marks what cannot be read. Visual Studio Code
takes it from `.vscode/settings.json`, once `gainsight-dest schema > gainsight.schema.json` has written it:

```json
{{"json.schemas": [{{"fileMatch": ["destination*.json"], "url": "./gainsight.schema.json"}}]}}
```

JetBrains' editors take it under Languages & Frameworks, Schemas and DTDs, JSON Schema Mappings.

## In a pipeline

Any validator of that draft does, such as `check-jsonschema --schemafile gainsight.schema.json destination.json`.
"""


def _schema_file() -> str:
    return json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "reference/fields.md": fields,
    "reference/config.md": settings,
    "reference/errors.md": error_page,
    "reference/command-line.md": command_line,
    "reference/faults.md": faults,
    "reference/rudderstack.md": rudderstack,
    "reference/lint.md": rules,
    "reference/schema.md": schema,
}

#: What is published beside the pages, and in the package.
FILES: dict[str, Callable[[], str]] = {
    "docs/reference/destination-config.schema.json": _schema_file,
    "gainsight_dest/destination-config.schema.json": _schema_file,
}


def main() -> None:
    """Write each page."""
    for name, page in PAGES.items():
        (HERE / name).write_text(NOTE + page().rstrip() + "\n", "utf8")
        print(f"docs/{name}")
    for name, text in FILES.items():
        (HERE.parent / name).write_text(text(), "utf8")
        print(name)


if __name__ == "__main__":
    main()
