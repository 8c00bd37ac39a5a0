"""`gainsight-dest describe`: the fields of a tenant as a file, and what has changed since it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import attrs
import click

from gainsight_dest import DestinationConfig, GainsightDestError, RejectedError, Response
from gainsight_dest.checking.changes import KINDS, Change, changes
from gainsight_dest.cli import FAILED, show
from gainsight_dest.cli.ask import CountedCalls, ask_options
from gainsight_dest.cli.config import config_needed, fixed_config
from gainsight_dest.cli.files import WrongInputError, check_replaceable, check_written, named, write_whole
from gainsight_dest.cli.options import format_option, refuse_contradictions, refuse_idle, several_option, tenant_in
from gainsight_dest.fields import OBJECTS
from gainsight_dest.spelling import counted, printable_lines
from gainsight_dest.tenant import Tenant, describe
from gainsight_dest.values import quoted

_SIGNS = {True: ("✗", "bold red"), False: ("", "")}


@click.command("describe", short_help="Write the fields of the tenant to a file, or compare the two.")
@config_needed
@several_option("--object", "objects", "An object to describe.  [default: Person, Company]", metavar="NAME")
@click.option("--out", metavar="FILE", help="Write to this file instead of standard output.")
@click.option("--check", "old", metavar="FILE", help="Show what has changed since this file was written.")
@ask_options
@format_option("How to print what has changed: a table, or one JSON object.")
def describe_command(
    config_file: str,
    objects: tuple[str, ...],
    out: str | None,
    old: str | None,
    base_url: str | None,
    timeout: int,
    form: str,
) -> int:
    """Write the fields of the tenant to a file: types, lengths, options of picklists. Or compare them with that file.

    The file is JSON, sorted, and the same for the same tenant, so it can be kept in git. It has no record and no key.
    Other commands take it as --tenant. With --check, the objects are those of the file, unless --object names others.

    Exit status: 0 all well, 1 something has changed that can make Gainsight refuse events, 2 wrong use or config, or no
    answer.
    """
    refuse_contradictions({"old": ("out",)})
    refuse_idle({"form": "old"})
    out = None if out == "-" else out
    if out is not None:
        check_written({"--out": out}, {config_file: "the config"})
        check_replaceable(out)
    before = None if old is None else tenant_in(old)
    config = fixed_config(config_file)
    names = _names(objects, before)
    with CountedCalls("describe", base_url, timeout) as calls:
        now = _described(calls.at(config), names, calls)
    if old is not None and before is not None:
        report = _Report(old, changes(_of_objects(before, names), now))
        _FORMS[form](report)
        return FAILED if report.can_refuse else 0
    _check_whole(now, names)
    _write(out, text_of(now))
    return 0


def _names(objects: tuple[str, ...], before: Tenant | None) -> tuple[str, ...]:
    """The objects to ask for: those that are named, those of the file, or those that events write."""
    if objects:
        return tuple(dict.fromkeys(objects))
    return tuple(of.name for of in OBJECTS) if before is None or not before.objects else tuple(before.objects)


def _described(config: DestinationConfig, names: tuple[str, ...], calls: CountedCalls) -> Tenant:
    """The tenant as Gainsight describes it now. Raises WrongInputError where it does not."""
    try:
        try:
            return Tenant.from_describe(calls(describe(config, names)))
        except RejectedError:
            if len(names) == 1:
                raise
            return Tenant.from_describe([*_one_by_one(config, names, calls)])
    except GainsightDestError as error:
        raise WrongInputError(str(error)) from None


def _one_by_one(config: DestinationConfig, names: tuple[str, ...], calls: CountedCalls) -> Iterator[Response]:
    """The answers about each object by itself: one that is not there would have all of them refused."""
    for name in names:
        request = describe(config, (name,))
        response = calls(request)
        with suppress(RejectedError):
            request.next(response)
            yield response


def _of_objects(tenant: Tenant, names: tuple[str, ...]) -> Tenant:
    """The tenant as far as those objects go: what is not asked for has not changed."""
    return Tenant([of for name, of in tenant.objects.items() if name in names])


def _check_whole(tenant: Tenant, names: tuple[str, ...]) -> None:
    """Raises WrongInputError for an object that Gainsight says nothing of."""
    missing = [quoted(name) for name in names if tenant.object_of(name) is None]
    if missing:
        raise WrongInputError(f"Gainsight describes no {' and no '.join(missing)} to this key. Nothing was written")


# --- the file ---------------------------------------------------------------------------------------------------------


def text_of(tenant: Tenant) -> str:
    """The tenant as the text of a file for git: a line for a field and for an option, the same for the same tenant."""
    return f"{printable_lines(_laid_out(tenant.as_data(), ''))}\n"


def _laid_out(value: Any, indent: str) -> str:
    """JSON with what holds no list and no object of its own on one line."""
    parts = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    if not any(isinstance(part, (dict, list)) and part for part in parts):
        return json.dumps(value, ensure_ascii=False)
    deeper = f"{indent} "
    texts = [_laid_out(part, deeper) for part in parts]
    if isinstance(value, dict):
        texts = [f"{json.dumps(name, ensure_ascii=False)}: {text}" for name, text in zip(value, texts, strict=True)]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    within = f",\n{deeper}".join(texts)
    return f"{opening}\n{deeper}{within}\n{indent}{closing}"


def _write(out: str | None, text: str) -> None:
    if out is None:
        show.say(text.removesuffix("\n"))
        return
    with named(out, "written"):
        write_whole(out, text, for_all=True)


# --- what has changed -------------------------------------------------------------------------------------------------


@attrs.frozen
class _Report:
    """What has changed since the file was written."""

    file: str
    changes: tuple[Change, ...]

    @property
    def can_refuse(self) -> int:
        """How many of the changes can make Gainsight refuse events."""
        return sum(change.can_refuse for change in self.changes)


def _print_text(report: _Report) -> None:
    if report.changes:
        shown = show.table("", "field", "change", "before", "now")
        for change in report.changes:
            kind, before, after = KINDS[change.kind].about, change.before or "", change.after or ""
            shown.add_row([_SIGNS[change.can_refuse]], change.place, kind, before, after)
        for column in shown.columns:
            column.justify = "left"
        show.console_on_stdout().print(shown)
        show.say("")
    words = f"{counted(len(report.changes), 'change')}, {report.can_refuse:,} of which can make Gainsight refuse events"
    show.say(f"{report.file}: {words if report.changes else 'nothing has changed'}")


def _print_json(report: _Report) -> None:
    found = [{**attrs.asdict(change), "can_refuse": change.can_refuse} for change in report.changes]
    counts = {"changes": len(report.changes), "can_refuse": report.can_refuse}
    show.say(json.dumps({"file": report.file, "changes": found, "counts": counts}, indent=2, ensure_ascii=False))


_FORMS = {"text": _print_text, "json": _print_json}
