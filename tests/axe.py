"""What axe finds wrong with a page: https://github.com/dequelabs/axe-core, a package of Node."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from selenium import webdriver

#: Of a table whose first column has no heading, and needs none: each page has its own way.
_LEFT_OUT = ["empty-table-header"]


@cache
def _script() -> str:
    folders = os.environ["NODE_PATH"].split(os.pathsep)
    (file, *_) = (path for folder in folders if (path := Path(folder, "axe-core/axe.min.js")).exists())
    return file.read_text("utf8")


def violations(driver: webdriver.Chrome, within: str = "body") -> list[str]:
    """The rules that the page which is shown breaks, each with the first place."""
    driver.execute_script(_script())
    found: list[str] = driver.execute_async_script(
        """
        const done = arguments[arguments.length - 1];
        const rules = Object.fromEntries(arguments[1].map((rule) => [rule, {enabled: false}]));
        axe.run(arguments[0], {rules}).then((result) => done(
          result.violations.map((each) => `${each.id}: ${each.nodes[0].target} ${each.nodes[0].failureSummary}`)));
        """,
        within,
        _LEFT_OUT,
    )
    return found
