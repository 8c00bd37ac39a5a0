"""What is read out of a page, the report's or the sandbox's: for the tests of both."""

from __future__ import annotations

import re
from html import unescape


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def section(html: str, name: str) -> str:
    return html.split(f'<section aria-labelledby="{name}">')[1].split("</section>", maxsplit=1)[0]


def table(html: str, name: str) -> list[list[str]]:
    """The rows of a table, its header first, each as the texts of its cells."""
    rows = re.findall(r"<tr[ >](.*?)</tr>", section(html, name), re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def counts(html: str) -> dict[str, str]:
    part = html.split('<dl class="counts">')[1].split("</dl>", maxsplit=1)[0]
    return {text_of(name): text_of(count) for name, count in re.findall(r"<dt>(.*?)</dt>(<dd.*?</dd>)", part)}
