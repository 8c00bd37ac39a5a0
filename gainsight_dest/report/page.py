"""The page that shows a profile, and what is wrong with the config. Pure: the same profile gives the same page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from gainsight_dest import __version__
from gainsight_dest.explaining.profile import OTHER, Profile, TraitProfile
from gainsight_dest.explaining.stock import STOCK_RULES, Would
from gainsight_dest.explaining.trace import EVENT
from gainsight_dest.fields import OBJECTS
from gainsight_dest.linting.finding import Finding, Severity
from gainsight_dest.report.flow import LONGEST, NEXT_LINE, Flow, FlowNode, Ribbon, cut_to, flow, links
from gainsight_dest.spelling import printable

#: Lines that a cell shows at most; columns of what is shown of a name on demand.
MOST_LINES, LONGEST_TITLE = 12, 2000

#: What events are made into, by their types.
_MADE = {**{of.event_type: of.name for of in OBJECTS}, "track": EVENT}
#: What RudderStack does, by the rule that differs.
_ABOUT = {rule.name: "" if rule.rudderstack == "—" else rule.rudderstack.replace("`", "") for rule in STOCK_RULES}
_SOURCE = files("gainsight_dest.report").joinpath("page.html").read_text("utf8")


def _hash(element: str) -> str:
    """What allows the page its own script or style, and no other."""
    (text,) = re.findall(rf"<{element}>(.*?)</{element}>", _SOURCE, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


#: What the page says of itself: it loads nothing, and sends nothing.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src {_hash('script')}; style-src {_hash('style')}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def page(
    profile: Profile,
    findings: Sequence[Finding] = (),
    *,
    title: str = "Where each trait goes",
    source: str | None = None,
    note: str | None = None,
    made_on: date | None = None,
    destination: str | None = None,
) -> str:
    """The page.

    `findings`: what is wrong with the config. `source`: what the events were read from. `note`: what is to be known of
    it all, such as that these are not all events. `made_on`: the date that it is to show. `destination`: the config's
    name, and its version.
    """
    flows = {
        kind: flow([link for trait in profile.traits.values() if trait.type == kind for link in links(trait)])
        for kind in sorted({trait.type for trait in profile.traits.values()}, key=_rank)
    }
    values = [profile.values(kind) for kind in profile.events]
    return _template().render(
        title=title,
        source=source,
        note=note,
        days=[made_on.isoformat()] if made_on else [],
        destination=destination,
        version=__version__,
        policy=CONTENT_SECURITY_POLICY,
        events=profile.events,
        types=sorted(profile.events, key=_rank),
        made=_MADE,
        findings=sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR),
        flows=flows,
        sent=sum(sent for sent, _ in values),
        lost=sum(lost for _, lost in values),
        otherwise=sum(map(_otherwise, profile.traits.values())),
        refused=sum(trait.refused.total() for trait in profile.traits.values()),
        traits=sorted(profile.traits.values(), key=lambda trait: (-trait.lost, -trait.came, trait.first, trait.path)),
        names=profile.names.ranked(),
        errors=profile.errors.ranked(),
        failed=profile.faults.total(),
        skipped=profile.skipped.ranked(),
        passed=profile.skips.total(),
        has_tenant=profile.has_tenant,
        unfit=profile.refused.total(),
        doubtful=profile.doubtful.total(),
        lacks=profile.lacks.ranked(),
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_printable
    )
    environment.filters.update(cut=cut_to, reasons=_reasons, words=_words, ways=_ways, otherwise=_otherwise)
    environment.globals.update(
        other=OTHER,
        about=_ABOUT,
        next_line=NEXT_LINE,
        most_lines=MOST_LINES,
        longest=LONGEST,
        longest_title=LONGEST_TITLE,
    )
    return environment.from_string(_SOURCE)


def _rank(kind: str) -> tuple[bool, int, str]:
    """Events of a type that Gainsight takes go first."""
    known = [*_MADE]
    return kind not in known, known.index(kind) if kind in known else 0, kind


def _reasons(trait: TraitProfile) -> list[tuple[str, int, list[str]]]:
    """Why a trait did not go, how often, and for which fields, if it is not the one that it goes to anyway."""
    only = {arrival.field for arrival in trait.went}
    reasons: dict[str, tuple[int, list[str]]] = {}
    for (reason, field, _), times in trait.dropped.most_common():
        before, fields = reasons.setdefault(reason, (0, []))
        named = [] if field is None or only == {field} else [field]
        reasons[reason] = before + times, fields + named
    ranked = [(reason, times, fields) for reason, (times, fields) in reasons.items()]
    return sorted(ranked, key=lambda each: -each[1])


def _otherwise(trait: TraitProfile) -> int:
    """How many values RudderStack is known to treat in another way."""
    return sum(times for (would, rule), times in trait.stock.items() if rule is not None and would is not Would.UNKNOWN)


def _ways(shown: Flow) -> list[tuple[FlowNode, list[Ribbon]]]:
    """The traits of the picture, each with its ribbons, the widest first: the picture where there is no room for it."""
    found: dict[str, list[Ribbon]] = {}
    for ribbon in shown.ribbons:
        found.setdefault(ribbon.link.trait, []).append(ribbon)
    return [(node, sorted(found[node.name], key=lambda ribbon: -ribbon.link.times)) for node in shown.traits]


def _printable(value: Any) -> Any:
    """A text without controls, what turns the direction of others, halves of surrogates; anything else as it is."""
    return printable(value) if type(value) is str else value


def _words(shown: Flow) -> str:
    """What the picture shows."""
    sentences = [f"Values: {shown.sent + shown.lost:,} in all, {shown.sent:,} sent, {shown.lost:,} not."]
    for what, places in (("Sent to", shown.fields), ("Not sent", shown.reasons)):
        if places:
            ranked = sorted(places, key=lambda place: -place.count)
            sentences.append(
                f"{what}: {', '.join(f'{cut_to(place.name, LONGEST)} {place.count:,}' for place in ranked)}."
            )
    return " ".join(sentences)
