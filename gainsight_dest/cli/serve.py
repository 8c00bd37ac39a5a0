"""`gainsight-dest serve`: RudderStack's transformer for this destination, as a service."""

from __future__ import annotations

import click

from gainsight_dest import ConfigError
from gainsight_dest.cli.files import WrongInputError, listening, needs
from gainsight_dest.cli.options import listen_options, number_option, refuse_idle, resend_after_option, several_option

_NEEDS = ("falcon", "httptools", "isal", "prometheus_client", "requests", "uvicorn")


@click.command(short_help="Serve RudderStack's transformer protocol for this destination.")
@listen_options(9090)
@number_option("--workers", 1, "How many processes to run.", least=1)
@click.option("--no-batch", is_flag=True, help="Do not merge the events of one person: one item for each job.")
@click.option("--base-url", metavar="URL", help="Send to this address instead of Gainsight, for example to a sandbox.")
@click.option(
    "--max-body", type=click.IntRange(1), metavar="MIB", default=64, show_default=True, help="Refuse a longer body."
)
@several_option("--allow-domain", "allowed", "Call only domains like '*.gainsightcloud.com'.", metavar="PATTERN")
@click.option(
    "--store",
    metavar="FILE|URL",
    help="Create no company twice, together with all that share this file, or redis://...  [default: a temporary file]",
)
@click.option("--known", is_flag=True, help="Answer with 298, filtered, what Gainsight has already.")
@resend_after_option
@number_option("--calls-per-minute", 0, "The calls to a tenant by all that share the store; 0: no limit.")
@number_option("--calls-per-day", 0, "The same of a day; 0: no limit.")
@click.option("--quiet", is_flag=True, help="Write no access log to standard error.")
def serve(
    *,
    port: int,
    host: str,
    workers: int,
    no_batch: bool,
    base_url: str | None,
    max_body: int,
    allowed: tuple[str, ...],
    store: str | None,
    known: bool,
    resend_after: float | None,
    calls_per_minute: int,
    calls_per_day: int,
    quiet: bool,
) -> int:
    """Serve RudderStack's transformer protocol for this destination, until Ctrl-C or SIGTERM.

    At the end, the requests that were begun are finished. Point rudder-server at it, or the Gainsight route of a
    transformer.
    """
    refuse_idle({"resend_after": "known"})
    needs("serve", "serve", *_NEEDS)
    from gainsight_dest.descriptors import checked_base_url  # noqa: PLC0415 - after the check above
    from gainsight_dest.known import Known, StoreError  # noqa: PLC0415 - the same
    from gainsight_dest.rudderstack.server import Service, run  # noqa: PLC0415 - the same

    try:
        target = None if base_url is None else checked_base_url(base_url)
        if store is not None:
            Known.open(store).close()  # what is wrong with it is said once, and at once
    except (ConfigError, StoreError) as error:
        raise WrongInputError(str(error)) from None
    service = Service(
        target,
        batch=not no_batch,
        most_bytes=max_body * 2**20,
        is_quiet=quiet,
        allowed=allowed,
        store=store,
        known=known,
        resend_after=resend_after,
        calls_per_minute=calls_per_minute or None,
        calls_per_day=calls_per_day or None,
    )
    with listening(host, port):
        run(
            service, host, port, workers, lambda url: click.echo(f"RudderStack's transformer for Gainsight is at {url}")
        )
    return 0
