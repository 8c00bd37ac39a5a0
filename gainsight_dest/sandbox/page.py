"""The page of a sandbox: what it holds, what was asked of it, and a form to try events."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from gainsight_dest.sandbox.form import EventForm, FormProblem
from gainsight_dest.sandbox.model import Asked, CallFigures, PageModel, page_model
from gainsight_dest.sandbox.tenant import Sandbox
from gainsight_dest.sandbox.workbench import Workbench
from gainsight_dest.spelling import printable_lines

_SOURCE = files("gainsight_dest.sandbox").joinpath("page.html").read_text("utf8")


def _hashes(element: str) -> str:
    """What allows the page its own scripts or styles, and no others."""
    texts = re.findall(rf"<{element}>(.*?)</{element}>", _SOURCE, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts)


#: The header that goes with the page.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src {_hashes('script')}; style-src {_hashes('style')}; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(
    bench: Workbench | Sandbox,
    asked: Asked = Asked(),  # noqa: B008 - it is frozen
    refused: tuple[EventForm, tuple[FormProblem, ...]] | None = None,
) -> str:
    """The page, as of now. `refused`: a form that was not sent, and what is wrong with it."""
    if isinstance(bench, Sandbox):
        bench = Workbench(bench)
    sandbox = bench.sandbox
    tried = bench.tried  # before the calls, so that all of its own are among them
    content, calls = sandbox.seen()
    figures = CallFigures(
        made=sum(sandbox.counts.values()),
        in_this_minute=sandbox.used()[0],
        minute_limit=sandbox.limits[0],
        throttled=sandbox.throttled,
    )
    return rendered(page_model(content, calls, figures, tried, bench.config, asked, refused))


def rendered(model: PageModel) -> str:
    """The page that shows the model."""
    return _template().render(page=model)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_printable
    )
    return environment.from_string(_SOURCE)


def _printable(value: Any) -> Any:
    """A text without controls, and without what turns the direction of others; anything else as it is."""
    return printable_lines(value) if type(value) is str else value
