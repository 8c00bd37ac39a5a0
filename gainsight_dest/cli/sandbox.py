"""`gainsight-dest sandbox` and `gainsight-dest demo`: Gainsight on this machine, to look at."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from gainsight_dest.batching.defaults import BATCH
from gainsight_dest.cli import FAILED, show
from gainsight_dest.cli.config import config_option, fixed_config
from gainsight_dest.cli.deliver import COLUMNS, LIBRARIES, FileDelivery
from gainsight_dest.cli.files import (
    blamed,
    check_replaceable,
    content,
    json_of,
    listening,
    named,
    needs,
    nowhere,
    reading,
    write_whole,
)
from gainsight_dest.cli.options import limit_options, limits, listen_options, refuse_idle, tenant_option
from gainsight_dest.cli.stop import Stop
from gainsight_dest.fields import COMPANY, PERSON, linked_companies
from gainsight_dest.files import read
from gainsight_dest.files.counts import RunCounts
from gainsight_dest.gainsight import GSID

if TYPE_CHECKING:
    from gainsight_dest.sandbox import Sandbox
    from gainsight_dest.tenant import Tenant

_ROWS = 20
_NAP = 0.2


@click.command(short_help="Run Gainsight in memory on this machine, with a page to look at.")
@config_option
@tenant_option
@listen_options(8080)
@click.option("--data", metavar="FILE", help="Load the records of this file, if there are any; save them at the end.")
@click.option(
    "--faults", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Answer with these faults, in JSON."
)
@limit_options
def sandbox(
    config_file: str | None,
    tenant: Tenant | None,
    port: int,
    host: str,
    data: str | None,
    faults: str | None,
    **allowed: int,
) -> int:
    """Run Gainsight in memory on this machine, with a page to look at, until Ctrl-C.

    The page shows people, companies, events and calls. It has a form to try events with.

    With --config it accepts only the keys, events and custom fields of that destination. Without it, it accepts all.
    With --tenant it has the fields of that tenant, and refuses what the tenant would.

    Exit status: 0 after Ctrl-C or SIGTERM, 2 wrong use or config.
    """
    refuse_idle({"destination": "config_file"})
    needs("sandbox", "sandbox", "cheroot", "jinja2")
    from gainsight_dest.sandbox import Content, Sandbox, faults_from  # noqa: PLC0415 - after the check above
    from gainsight_dest.sandbox.server import Server  # noqa: PLC0415 - the same

    if data is not None:
        check_replaceable(data)
    with blamed(data):
        kept = Content.from_data(json_of(data, content(data))) if data and Path(data).exists() else None
    with blamed(faults):
        planned = faults_from(json_of(faults, content(faults))) if faults else ()
    config = fixed_config(config_file) if config_file else None
    gainsight = Sandbox(config, tenant=tenant, **limits(allowed), faults=planned, content=kept)
    with ExitStack() as stack:
        with listening(host, port):
            server = stack.enter_context(Server(gainsight, host, port))
        show.say(f"Gainsight's sandbox is at {server.url}, Ctrl-C ends it. To deliver to it:")
        show.say(f"  gainsight-dest deliver EVENTS --config FILE --base-url {server.url}")
        _wait_for_the_end()
    if data:
        with named(data, "written"):
            write_whole(data, json.dumps(gainsight.as_data(), indent=1))
    return 0


@click.command(short_help="Deliver the examples to a sandbox on this machine.")
@click.option(
    "--keep", is_flag=True, help="Leave the sandbox running, to look at its page and try events there, until Ctrl-C."
)
def demo(*, keep: bool) -> int:
    """Deliver the example events to a sandbox on this machine, and show the result.

    The events are a morning of a made-up company, and hold every kind of mistake on purpose.

    Exit status: 0 all well; 130 ended by Ctrl-C, 143 by SIGTERM, while it delivered.
    """
    needs("demo", "deliver,sandbox", *LIBRARIES, "cheroot", "jinja2")
    from gainsight_dest.deliver import Deliverer  # noqa: PLC0415 - after the check above
    from gainsight_dest.sandbox import Sandbox  # noqa: PLC0415 - the same
    from gainsight_dest.sandbox.server import Server  # noqa: PLC0415 - the same
    from gainsight_dest.sandbox.workbench import Workbench  # noqa: PLC0415 - the same

    examples = _examples()
    config = fixed_config(str(examples / "destination.json"), {})
    tenant = Sandbox(config)
    console = show.console_on_stdout()
    workbench = Workbench(tenant)
    with Server(tenant, workbench=workbench) as server, Deliverer(config, base_url=server.url) as deliverer:
        console.print(f"A sandbox of Gainsight is at {server.url}. Delivering the examples to it …")
        run = FileDelivery(deliverer, None, RunCounts(COLUMNS), nowhere)
        with reading(str(examples / "events.ndjson")) as file:
            run.go(file, batch=BATCH)
        end = run.end()
        run.tell_end(end)
        for table in _content(tenant):
            console.print(table)
        if (status := end.leave()) > FAILED:
            return status
        if keep:
            with reading(str(examples / "events.ndjson")) as file:
                workbench.watch(item.event for item in read.events(file) if item.problem is None)
            console.print(f"\nThe sandbox stays at {server.url}: look at its page. Ctrl-C ends it.")
            _wait_for_the_end()
    return 0


def _examples() -> Path:
    """In a wheel the examples stand beside this module, in a clone at its root."""
    here = Path(__file__).parent
    return here / "examples" if (here / "examples").exists() else here.parent.parent / "examples"


def _content(tenant: Sandbox) -> Iterator[Table]:
    people, companies = tenant.people, tenant.companies
    names = {company[GSID]: company[COMPANY.key] for company in companies}
    linked = Counter(gsid for person in people for gsid in linked_companies(person))
    yield _listed(
        ("company", "fields", "people"),
        [(company[COMPANY.key], len(company) - 2, linked[company[GSID]]) for company in companies],
    )
    yield _listed(
        ("person", "fields", "company"),
        [(p[PERSON.key], len(p) - 2, ", ".join(names[gsid] for gsid in linked_companies(p))) for p in people],
    )
    sent = Counter((event["name"], event["version"]) for event in tenant.events)
    yield _listed(("event", "version", "times"), [(*event, times) for event, times in sent.most_common()])


def _listed(headings: tuple[str, ...], rows: Sequence[tuple[str | int, ...]]) -> Table:
    table = show.table(*headings)
    for row in rows[:_ROWS]:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else cell for cell in row))
    if len(rows) > _ROWS:
        table.add_row(f"… and {len(rows) - _ROWS:,} more")
    return table


def _wait_for_the_end() -> None:
    """Until Ctrl-C or SIGTERM."""
    ended = threading.Event()
    with Stop(ended.set).heeded():
        while not ended.wait(_NAP):  # in naps, for not every system lets a signal into a wait without end
            pass
