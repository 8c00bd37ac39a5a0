"""Writes the reference pages from the tables in the code, so that both always say the same.

python docs/generate.py

A test compares the pages with what this would write.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from gainsight_dest import config_schema, errors
from gainsight_dest.cli.app import cli
from gainsight_dest.config import SETTINGS
from gainsight_dest.deliver.flow import SILENCE
from gainsight_dest.deliver.settings import OPTIONS, EngineOption
from gainsight_dest.explaining.alike import MOST_NAMES, MOST_SPELLINGS
from gainsight_dest.fields import COMPANY_FIELDS, NAME_PARTS, PERSON_FIELDS, Datatype, Field, Form
from gainsight_dest.gainsight import CODES, FAILED, STATUSES, Code
from gainsight_dest.linting.rules import OF_A_TENANT, OF_EVENTS, OF_THE_CONFIG, LintRule
from gainsight_dest.rudderstack.items import MOST_ITEMS
from gainsight_dest.rudderstack.sizes import LEVELS
from gainsight_dest.rudderstack.statuses import LONGEST_TEXT
from gainsight_dest.rudderstack.statuses import ROWS as STATUS_ROWS
from gainsight_dest.rudderstack.transformer import LONGEST_ANSWER
from gainsight_dest.sandbox import FAULTS
from gainsight_dest.templates import MOST_FILLED, MOST_TEMPLATES
from gainsight_dest.tenant import RefusalRule
from gainsight_dest.tenant import types as tenant_types
from gainsight_dest.tenant.types import RULES, TYPES
from gainsight_dest.testing import mapping_tests_schema

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
    """Code in a line of prose; nothing if the text is empty."""
    return f"`{text}`" if text else ""


def fields() -> str:
    """The page of fields."""
    return f"""# Fields

Which trait feeds which Gainsight field. A trait that is neither in these tables nor in the destination's custom
mappings is not sent.

## Forms

| form | what is sent |
| --- | --- |
| {Form.AS_IS.value} | the JSON value, unchanged |
| {Form.TEXT.value} | a string as it is; anything else as compact JSON: `{{"city":"NY"}}`, `12`, `true` |
| {Form.NUMBER.value} | a number as it is; a decimal numeral in a string as a number; anything else leaves the field out |

Gainsight refuses a value that is not of the kind in the last column: the event fails with a `RejectedError` that names
the field. If the column is empty, only the tenant knows what is right: ids, picklist items, custom fields.

Decimal numerals are `"100"`, `" 12 "`, `"1e3"`, `".5"`, `"-7"`. These are not: `"1,000"`, `"0x10"`, `true`.

In a text, numbers are written as JavaScript writes them: `0.00001`, `1e-7`, `1e+21`, `12` for `12.0`.

`null` and `""` count as absent; `0` and `false` do not. Python's dates and UUIDs are sent as text, dates in ISO 8601.
Numbers, texts and booleans of any class are sent as what they mean, such as Decimals and numpy's. pandas' `NA` and
`NaT` are null.

## Person, from identify

Each field takes the first present value: every alias in `traits`, then every alias in `context.traits`.

{_table_of(PERSON_FIELDS)}
If no Name is known, also after the custom mappings, it is made of {", ".join(f"`{part}`" for part in NAME_PARTS)},
joined by spaces. If these are not known either, no Name is sent. `false` and 0 are not a Name. Parts of a Name are only
numbers, and texts that are not blank.

Custom fields: each row of `personMap` takes the first value that is neither null nor `""`, in this order: the trait of
exactly that name in `traits`, the dotted path through `traits`, the same two in `context.traits`. If there is none, a
`""` is sent. The value is sent as it is, and replaces a standard field of that name. `Email` cannot be mapped, because
Gainsight finds the person by it.

## Company, from group

From `traits` alone. The linked person is that of `context.traits.email`.

{_table_of(COMPANY_FIELDS)}
A numeric `name` is sent as its text. Custom fields: each row of `companyMap`, as for a person, from `traits` alone.
`Name` cannot be mapped, because Gainsight finds the company by it.

## Event, from track

`properties` are the body, as they are. The event's name and version in Gainsight come from `eventNameMap` and
`eventVersionMap`. The contract id comes from the first entry of type `gainsightEventContractId` in
`context.externalId`, if it is text that is not blank or a number other than 0. Otherwise it is the destination's
`contractId`.
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
    rows = ((code(name), code(setting.name), setting.metadata["about"]) for name, setting in SETTINGS.items())
    return f"""# Destination config

A `DestinationConfig` is made in Python, or read from what RudderStack stores: a destination's `Config` object, or the
destination that holds it, as `Config` or, in RudderStack's API and exports, as `config`.

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
- `null` and blank mean absent. Unknown keys are ignored.
- A mapping is a list of `{{"from": …, "to": …}}` rows, or one `{{from: to}}` object. Rows with a blank half are
  skipped. The last row of a `from` wins. An integer as `to` is read as its text: `2` is the version `"2"`. Any other
  number, a boolean or a list is refused, because its text may not be the one that you mean: put it in quotes.
- `domain` is a host name with at least one dot. `https://`, one trailing slash and spaces around it are accepted;
  `http://`, a port, a path, user info, `localhost` and IP addresses are not.
- No mapping may set the field by which Gainsight finds the record: `Email` of a person, `Name` of a company.
- A setting that is sent as a header holds no control character.

In Python a config may have two settings more, which RudderStack's own does not have. `fit` is a
[Tenant](api/tenant.md), whose fields [values are made to fit](../how-to/make-values-fit.md), and `fit_mode` says what
is done with those that cannot be.

One error lists all problems, each with its place:

```python
from gainsight_dest import ConfigError

try:
    DestinationConfig.from_rudderstack({{"domain": "localhost", "personMap": [{{}}, {{"from": 7, "to": "Age__gc"}}]}})
except ConfigError as error:
    assert [place for place, problem in error.problems] == ["domain", "personMap[1].from"]
    assert error.problems[1][1] == "must be a string, not a number: put it in quotes"
```

## From a workspace

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

A setting `env.NAME`, as RudderStack writes it, stands for the variable NAME, if the environment is given. So does a
`to` of a mapping, if NAME is in capitals.

```python
env = {{"GAINSIGHT_ACCESS_KEY": "a-key"}}  # or os.environ
stored = {{"domain": "acme.example.invalid", "accessKey": "env.GAINSIGHT_ACCESS_KEY"}}

assert DestinationConfig.from_rudderstack(stored, env).access_key == "a-key"
```

The command line reads its environment for the config that `--config` names, and never for a destination that came with
an event: [keys in the environment](../how-to/deliver.md#keys-in-the-environment).

A placeholder that is left is refused before anything is sent: `env.NAME` that is not set, `{{{{ NAME }}}}`,
`${{NAME}}`, `$NAME`, `%NAME%`, `<key>`.

## Settings that events fill in

Each event fills in RudderStack's own `{{{{ path || default }}}}` wherever a config comes as data: as a dict for
`transform`, `explain`, `transform_batch` or a `Deliverer`; with `--config`; in the service. A value that fills in a
setting is taken out of the event.

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

- The path leads into the event; `event.` or `message.` before it means the event itself. `default` may be in quotes. It
  is used if the value is missing, null or `""`.
- A Config has at most {MOST_TEMPLATES} templates. Filled-in configs that are equal are read once for the events of one
  batch, delivery, file or request.
- A `DestinationConfig` is one config for all events, so it holds no templates: one with a template is a ConfigError. A
  batch or a delivery, also in Beam and Spark, goes to one tenant with one key. So events do not fill in `domain` and
  `accessKey` there.
- `"hasDynamicConfig": false` next to the Config says that it has no templates.

A config is frozen, compares by value, hashes and pickles. Its `repr` shows `***` for the keys, in every place.
"""


def error_page() -> str:
    """The page of errors."""
    tree = re.search(r"(- GainsightDestError.*?)\n\n", errors.__doc__ or "", re.DOTALL)
    assert tree is not None  # noqa: S101 - a broken page is worse than none
    statuses = [(f"{low}" if low == high else f"{low} to {high}", row) for low, high, row in STATUSES] + [
        ("any other", FAILED)
    ]
    return f"""# Errors

All of them are `GainsightDestError`s, and their class says what to do:

```text
{tree[1]}
```

`ConfigError` and `EventError` have a `path` (`personMap[2].from`, `traits.email`). A `ConfigError` has all its
`problems`. A `ResponseError` has `action`, `status`, `code`, `request_id`, `field_errors` and `retry_after` (seconds,
or None). All compare by value and pickle. Their text holds no secret, and no value of an event or a record. Gainsight's
`errorDesc` is never quoted, and the refused `value` of a field error is only an attribute. Two names are quoted,
because the config may need them: that of a track event without a row, and an event type that is not supported. With
`--mask` they are not.

## Gainsight's codes

A known code decides at any status, except that of a success.

{table(("code", "error", "meaning"), (_error_row(name, row) for name, row in CODES.items()))}
## HTTP statuses

These decide if there is no known code. A 2xx whose `result` is false is a `RejectedError`. A 2xx that is not a JSON
object is a `RetryableError`, except for people and events: they need nothing from the answer, so a 2xx without a body,
or with other JSON, is a success. A 401 or 403 that is not Gainsight's own is a `BlockedError`. Gainsight's JSON has
`result`, `errorCode` or `requestId`; that of a firewall does not.

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

A variable of the environment can set every option, in capitals and with `_`: `GAINSIGHT_DEST_DELIVER_WORKERS` sets
`--workers` of `deliver`, and `GAINSIGHT_DEST_EXPLAIN_MASK=1` the flag `--mask` of `explain`. For all commands,
`GAINSIGHT_DEST_CONFIG` and `GAINSIGHT_DEST_DESTINATION` set `--config` and `--destination`, too. An option on the
command line is used before its variable.

In Kubernetes, a service with the name `gainsight-dest-serve` would set `GAINSIGHT_DEST_SERVE_PORT` to something else in
each pod. Use another name, or `enableServiceLinks: false` in the pods.

| variable | what it is |
| --- | --- |
| `GAINSIGHT_ACCESS_KEY`, `GAINSIGHT_SHARED_SECRET` | the keys, for every command with `--config`: they are used before those of the file |
| `GAINSIGHT_ACCESS_KEY_FILE`, `GAINSIGHT_SHARED_SECRET_FILE` | names of files that hold the keys; the last line end of a file is not part of the key |
| any other | a setting of the config that is `env.NAME` |

## Exit status

| status | when |
| --- | --- |
| 0 | all well; skipped events are well, too |
| 1 | some events had errors, failed or were not tried; `lint` has found errors; `check` something to fix in mappings or rights; `describe --check` a change that can make Gainsight refuse events; for `plan`: a day does not fit, or perhaps not, and nothing else; `demo` ends with 0, because its events hold mistakes on purpose |
| 2 | wrong use, a config that cannot be used, or a run that could not be finished, for example because Gainsight refused the key, or gave no answer |
| 130, 143 | ended by Ctrl-C, by SIGTERM; `sandbox`, `serve` and `demo --keep` run until then, and end with 0 |
| 141 | the reader of the output closed it |
"""


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n$ {context.command_path} --help\n{command.get_help(context)}\n```\n\n"


def faults() -> str:
    """The page of faults: the tests' own matrix, as tables."""
    all_cells = set(cells())
    steps = [(event, step) for event, (_, steps) in STEPS.items() for step in steps]
    tables = []
    for times in TIMES:
        rows = []
        for kind in FAULTS:
            met = [Cell(kind, event, step, times) for event, step in steps]
            rows.append((code(kind), *(_words_of(delivery(cell)) if cell in all_cells else "" for cell in met)))
        headings = ("fault", *(f"{event}: {step}" for event, step in steps))
        tables.append(f"## {times.capitalize()}\n\n{table(headings, rows)}")
    return f"""# Faults

What can go wrong with a call, and the outcome of the event. The [sandbox](../how-to/use-the-sandbox.md) has these
faults on request. The tables show what `Deliverer` did with each fault at each step of each event when this page was
written. The tests check that it still does.

{table(("fault", "what the caller sees"), ((code(kind), row.about) for kind, row in FAULTS.items()))}
The tables show the outcome of the event, the calls it took (an identify and a track take one, a group three), and the
error of a failed event. In every case there is at most one company, the person is linked to it and to no other, and no
call goes beyond the budget. "Sent twice" is a track event whose answer was lost: nobody can ask whether it has arrived.
"Not tried" is an event that was under way when the run ended because no call got through: it should be sent again.
`429-retry-after` asks for 7 seconds, and under "Always" for a minute.

{chr(10).join(tables)}"""


def _words_of(done: Delivery) -> str:
    outcome = done.outcome
    words = [str(outcome.status), f"{outcome.calls} call{'s' if outcome.calls > 1 else ''}"]
    if outcome.error is not None:
        words.append(code(type(outcome.error).__name__))
    elif len(done.sandbox.events) > 1:
        words.append({2: "sent twice", 3: "sent three times"}[len(done.sandbox.events)])
    return ", ".join(words)


def rudderstack() -> str:
    """The page of errors as rudder-server gets them."""
    rows = (
        (row.when, code(row.error.__name__), _status(row.status), code(row.category), code(row.type or ""))
        for row in STATUS_ROWS
    )
    return f"""# Errors as rudder-server gets them

For an item, or a delivery, that fails: a `statusCode`, an `error`, and `statTags` for its metrics. rudder-server tries
5xx, 429 and 408 again, and gives up the jobs of any other 4xx.

{table(("what is wrong", "error", "statusCode", "errorCategory", "errorType"), rows)}
The first row that fits counts. `statTags` also hold `destType`, `module`, `implementation`, `feature` (`processor`,
`router`, `dataDelivery`), and `destinationId` and `workspaceId` from the metadata.

`error` is the text of [the error](errors.md), without secrets or values of the event. If a call for a group failed, it
is a JSON text with Gainsight's own answer, which may name values:

```json
{{"message": "failed to update group: a date is not understood (HTTP 400, GSOBJ_1006)",
 "destinationResponse": {{"response": {{"result": false, "errorCode": "GSOBJ_1006"}}, "status": 400}}}}
```

`message` begins with "failed to search group", "failed to create group" or "failed to update group".

## Limits

A request of a few kilobytes could ask for gigabytes, or for hours: many items may name one long destination, or each
may fill it in differently. So there are limits, far beyond what rudder-server sends.

{table(("what", "limit", "beyond it"), RUDDERSTACK_LIMITS)}
rudder-server tries items with 500 again. The answered items are not among them then, so it makes progress. A part of an
item's metadata or destination that JSON cannot hold does not come back; all the rest does.
"""


#: What a request of rudder-server's may ask for.
RUDDERSTACK_LIMITS = (
    ("items of a request, jobs of a delivery", f"{MOST_ITEMS:,}", "500 for all of them"),
    (
        "an answer: for each item its destination, also if it is left out, its metadata, its request",
        f"about {LONGEST_ANSWER // 2**20} MiB (`longest`)",
        "500 for the items that do not fit, with the destination's id alone; 400 for one that does not fit alone",
    ),
    (
        "configs whose templates are filled in with new values",
        f"{MOST_FILLED // 2**20} MiB; ten times as much for one with errors",
        "500 for the items that are left",
    ),
    ("templates in a config", f"{MOST_TEMPLATES}", "400, an error of the config"),
    ("names in the path of a template", f"{LEVELS}", "400, an error of the config"),
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

What `gainsight-dest lint` and `lint` look for. An error makes events fail. A warning may be on purpose; if it is not,
events may fail, or values are not sent. [How to check a config](../how-to/check-a-config.md).

## In a config by itself

{_table_of_rules(OF_THE_CONFIG)}
## With events

{_table_of_rules(OF_EVENTS)}
## With a tenant

These need to know the tenant: [its description as a file](../how-to/keep-the-tenant-in-git.md), or a `Tenant`. Those that
are about values also need events. With a tenant, `unknown-field` and `odd-field-name` say nothing of the objects that it
was described with: the tenant knows its own fields.

{_table_of_rules(OF_A_TENANT)}
The same code says what a tenant refuses here, in `explain`, in the sandbox and in `check`. Not all of it is documented:
[what is documented, what was recorded, what is guessed](what-is-known-of-gainsight.md).

## Names that are nearly the same

A name is nearly another in these cases: they differ only in case, spaces, dashes, dots and underscores; one has a
letter more or less; two letters are swapped. In long names a little more may differ. Names with different digits are
different.

Names of companies look alike if they differ only in case, in blanks (around them, doubled, or of another kind, such as
a no-break space), in letters that cannot be seen, in whether an accent is part of its letter, or in letters and signs
that look the same, such as a Cyrillic A and a Latin one. Gainsight finds a company by its Name, so each of them makes
its own company. It is not known whether that is so for names that differ only in case and in blanks around them. The
first {MOST_NAMES:,} names that look different are kept, and the first {MOST_SPELLINGS} spellings of each.

## Findings

A `Finding` has a `rule`, a `severity`, a `place`, a `problem` and a `remedy`. The place is one in the Config, such as
`personMap[2].to`, or in the events, such as `group traits.renewalDate`. None of it holds a secret. It may hold names of
traits and events, but no value of an event, except names of companies that look alike. With `--mask`, or a
`Profile(mask=True)`, it says only in which events these are.

Other keys of a Config may be RudderStack's own, such as consent settings, and are ignored.
"""


def _table_of_rules(rules: tuple[LintRule, ...]) -> str:
    rows = ((code(rule.code), rule.severity.value, rule.about, rule.remedy) for rule in rules)
    return table(("rule", "severity", "what it means", "what to do"), rows)


def schema() -> str:
    """The page of the JSON Schema."""
    names = ", ".join(map(code, SETTINGS))
    return f"""# JSON Schemas

## Of a destination config

[destination-config.schema.json](destination-config.schema.json) is a JSON Schema, draft 2020-12, of what
`DestinationConfig.from_rudderstack` takes: a destination as RudderStack stores it, or its Config alone. It is derived
from `DestinationConfig` and knows {names}; other keys are allowed. A config is valid if, and only if, it can be read
after an event or the environment has filled in its templates. [lint](lint.md) finds what is valid, but probably not
meant.

It is in the package, too. This prints it:

```console
$ gainsight-dest schema
```

```python
from gainsight_dest import config_schema

assert config_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
```

### In an editor

An editor that knows JSON Schema completes the settings, explains them, and marks what cannot be read. Write the file
with `gainsight-dest schema > gainsight.schema.json`. Visual Studio Code then needs this in `.vscode/settings.json`:

```json
{{"json.schemas": [{{"fileMatch": ["destination*.json"], "url": "./gainsight.schema.json"}}]}}
```

In JetBrains' editors it is set under Languages & Frameworks, Schemas and DTDs, JSON Schema Mappings.

### In a pipeline

Any validator for that draft works, such as `check-jsonschema --schemafile gainsight.schema.json destination.json`.

## Of mapping tests

[mapping-tests.schema.json](mapping-tests.schema.json) is that of a file of [mapping
tests](../how-to/write-mapping-tests.md). It is derived from the tables that the reader of these files uses. Each file
that can be read is valid; the reader refuses some more, such as a name that two rows have. This prints it:

```console
$ gainsight-dest schema --mapping-tests
```

An editor with yaml-language-server finds it by a line in the file, with a path that begins at the file's folder:

```yaml
# yaml-language-server: $schema=mapping-tests.schema.json
```
"""


def _schema_file() -> str:
    return json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"


def _mapping_tests_schema_file() -> str:
    return json.dumps(mapping_tests_schema(), indent=2, ensure_ascii=False) + "\n"


_RULE_CODES: dict[RefusalRule, str] = {
    RefusalRule.UNKNOWN: "unknown",
    RefusalRule.MISSING: "null",
    RefusalRule.NULL: "null",
    RefusalRule.LENGTH: "long",
}


def data_types() -> str:
    """The page of what each data type takes."""
    types = (
        (code(each.name), each.words, code(each.people), code(each.objects), each.certainty.value)
        for each in TYPES.values()
        if each.words != tenant_types.OTHER.words
    )
    anything = (code(each.name) for each in TYPES.values() if each.words == tenant_types.OTHER.words)
    return f"""# Data types

What a field of a tenant takes, by the data type that Gainsight's describe answers name. One table in the code, which
the sandbox, lint, explain, plan and mapping tests ask, once they know the [tenant](api/tenant.md).

Gainsight documents the codes. Which fields there are, the tenant itself says. Which JSON values each type takes is
documented for few of them. So a value is taken if it has the form in which Gainsight's own pages and answers show such
values, and is refused otherwise. A tenant may well take more.

{table(("type", "takes", "code for a person", "code for another record", "how it is known"), types)}
{", ".join(anything)}, and a type that is not known, take anything. A null clears a field that is not required. A picklist whose options are
not told takes any text. A text may be as long as the tenant says; where it does not, {tenant_types.LONGEST_TEXT} characters,
{tenant_types.LONGEST_CUSTOM_TEXT} in a custom field, {tenant_types.LONGEST_RICH_TEXT:,} in a `RICHTEXTAREA`: these lengths were seen.

## Whatever the type

{table(("what is wrong", "code for a person", "code for another record", "how it is known"), map(_rule_row, RULES))}
Without a tenant, less is refused: [fields](fields.md).
"""


def _rule_row(rule: RefusalRule) -> tuple[str, str, str, str]:
    if rule in {RefusalRule.OPTION, RefusalRule.CASE, RefusalRule.INACTIVE}:
        return rule.value, "that of the type", "that of the type", RULES[rule].value
    which = _RULE_CODES.get(rule, "unwritable")
    people, objects = (code(getattr(codes, which)) for codes in (tenant_types.PEOPLE_CODES, tenant_types.OBJECT_CODES))
    return rule.value, people, objects, RULES[rule].value


def engine_options() -> str:
    """The page of the options of Beam and Spark."""
    rows = [
        (code(option.name), option.takes, _default(option), option.unit, option.about) for option in OPTIONS.values()
    ]
    return f"""# Options of the engines

What [Beam](../how-to/run-in-beam.md) and [Spark](../how-to/run-in-spark.md) take, and
[`Shards`](api/deliver.md#several-senders) in a program of your own. They are one table in the code, so they mean the
same everywhere. A number may be a text: `window="300"`, `calls_per_minute="0"`.

{table(("option", "what it takes", "by default", "unit", "what for"), rows)}
`window` is Beam's alone; `journal` and `failed` are Spark's.

One error, an `OptionsError`, names all options that are wrong, with what to do. It is a ConfigError and a ValueError.
It shows no text that was given: a key may stand in the wrong place.

```text
by_shard: sharsd: there is no such option. Did you mean shards?; batch: must be a whole number from 1 to 1,000,000, not 0
```

## `config`

| given | when it is read |
| --- | --- |
| a `DestinationConfig`, or the Config as a dict | at once; the job carries the keys |
| the path of a JSON file | where it is used |
| a function without arguments, which gives one of the first two, or JSON text | where it is used |

With Beam, the last two are read by each worker: the graph holds no key. With Spark they are read on the driver, where a
secret scope is. The JSON text itself is refused, since an engine may show what it is given.
"""


def _default(option: EngineOption) -> str:
    if isinstance(option.default, int):
        return f"{option.default:,}"
    shown = {"timeout": "5, 30", "patience": "`Patience()`", "silence": f"{SILENCE:.0f}"}
    return shown.get(option.name, "")


PAGES: dict[str, Callable[[], str]] = {
    "reference/fields.md": fields,
    "reference/data-types.md": data_types,
    "reference/config.md": settings,
    "reference/errors.md": error_page,
    "reference/command-line.md": command_line,
    "reference/faults.md": faults,
    "reference/rudderstack.md": rudderstack,
    "reference/lint.md": rules,
    "reference/engine-options.md": engine_options,
    "reference/schema.md": schema,
}

#: Other files that are written from the code: next to the pages, and in the package.
FILES: dict[str, Callable[[], str]] = {
    "docs/reference/destination-config.schema.json": _schema_file,
    "gainsight_dest/destination-config.schema.json": _schema_file,
    "docs/reference/mapping-tests.schema.json": _mapping_tests_schema_file,
    "gainsight_dest/cli/start/mapping-tests.schema.json": _mapping_tests_schema_file,
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
