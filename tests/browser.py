"""A browser for the tests of pages: what it is asked, and what is wrong with a page that it shows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: What the page is shown on: width, height.
DESK, PHONE = (1280, 900), (390, 844)

#: The texts that are too faint to be read: all that are, on what they stand on.
FAINT = """
const channels = (color) => {
  const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
  return {a, light: [r, g, b].map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0)};
};
const ground = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const color = channels(getComputedStyle(each).backgroundColor);
    if (color.a === 1) return color.light;
  }
  throw new Error("no ground");
};
const faint = [];
for (const element of document.querySelectorAll("body *")) {
  const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!text || !element.getClientRects().length || element.closest("title, desc")) continue;
  const style = getComputedStyle(element);
  const a = channels(element.closest("svg") ? style.fill : style.color).light;
  const b = ground(element);
  const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (contrast < 4.5) faint.push(`${element.outerHTML.slice(0, 80)}: ${contrast}`);
}
return faint;
"""

#: What a screen reader would have no name for.
NAMELESS = """
const named = (element) => element.ariaLabel || element.labels?.length || element.textContent.trim()
  || (element.getAttribute("aria-labelledby") || "").split(" ").some((id) => document.getElementById(id)?.textContent);
const all = "a, button, input:not([type=hidden]), textarea, summary, select, section, svg:not([aria-hidden]), table, "
  + "[role], [tabindex]";
return [...document.querySelectorAll(all)]
  .filter((element) => !named(element)).map((element) => element.outerHTML.slice(0, 80));
"""


class Browser:
    """A page in the browser, and what is asked of it."""

    def __init__(self, driver: webdriver.Chrome, folder: Path) -> None:
        self.driver = driver
        self.file = folder / "report.html"

    def show(self, html: str, size: tuple[int, int] = DESK, *, scheme: str = "light", script: bool = True) -> None:
        """Shows a page that is a file."""
        self.file.write_text(html, "utf8")
        self.visit(self.file.as_uri(), size, scheme=scheme, script=script)

    def visit(self, url: str, size: tuple[int, int] = DESK, *, scheme: str = "light", script: bool = True) -> None:
        """Shows the page that is there."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.tell("Emulation.setDeviceMetricsOverride", **metrics)
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.tell("Emulation.setScriptExecutionDisabled", value=not script)
        self.driver.get(url)

    def tell(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def column(self, number: int) -> list[str]:
        """The texts of a column, of the rows that are shown."""
        texts: list[str] = self.run(
            "return [...document.querySelectorAll('#table tbody tr:not([hidden])')]"
            ".map((row) => row.cells[arguments[0]].textContent.trim())",
            number,
        )
        return texts

    def numbers(self, column: int) -> list[int]:
        return [int(text.replace(",", "")) for text in self.column(column)]

    def head(self, number: int) -> WebElement:
        return self.find(f"#table thead th:nth-child({number + 1})")

    def log(self, name: str) -> list[str]:
        """What there is new in a log."""
        return [entry["message"] for entry in self.driver.get_log(name)]  # type: ignore[no-untyped-call]

    def complaints(self) -> list[str]:
        """What the console says since this was last asked."""
        return self.log("browser")

    def requests(self) -> list[str]:
        """The addresses that were asked for since this was last asked, but for those that the policy has refused."""
        asked, refused = {}, set()
        for message in self.log("performance"):
            event = json.loads(message)["message"]
            if event["method"] == "Network.requestWillBeSent":
                asked[event["params"]["requestId"]] = event["params"]["request"]["url"]
            elif event["params"].get("blockedReason") == "csp":
                refused.add(event["params"]["requestId"])
        return [url for key, url in asked.items() if key not in refused]


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """A browser of its own, with its profile in the folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(str(shutil.which("chromedriver"))))
    driver.get("about:blank")
    yield driver
    driver.quit()
