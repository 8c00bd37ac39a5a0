"""The sandbox's page in a browser: that it works, also by keyboard and without scripts, and asks nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from gainsight_dest.sandbox import Sandbox
from gainsight_dest.sandbox.form import EventForm
from gainsight_dest.sandbox.server import Server
from gainsight_dest.sandbox.workbench import Workbench
from tests.axe import violations
from tests.browser import DESK, FAINT, NAMELESS, PHONE, Browser, chromium
from tests.some import ADA, CONFIG, group, identify, track

EVIL = "</script></textarea><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def browser(driver: webdriver.Chrome, tmp_path: Path) -> Iterator[Browser]:
    browser = Browser(driver, tmp_path)
    browser.requests()
    browser.complaints()
    yield browser
    driver.get("about:blank")  # before its server ends


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(CONFIG, calls_per_minute=None, clock=lambda: 1_800_000_000.0)


@pytest.fixture
def bench(sandbox: Sandbox) -> Workbench:
    return Workbench(sandbox)


@pytest.fixture
def url(sandbox: Sandbox, bench: Workbench) -> Iterator[str]:
    with Server(sandbox, workbench=bench) as server:
        yield f"{server.url}/"


def fill(bench: Workbench) -> None:
    """All kinds of events, calls and records."""
    events = [group(), identify(name="Ada", shoe=38), identify(None), {"type": "page"}, track("Ticket Closure", a=1)]
    bench.send(EventForm.of(CONFIG, "\n".join(map(json.dumps, events))))
    bench.sandbox.receive("GET", "/nowhere", {}, None)


def until(browser: Browser, is_so: Callable[[], object]) -> None:
    WebDriverWait(browser.driver, 20, poll_frequency=0.02).until(lambda _: is_so())


def look_again(browser: Browser) -> None:
    """As the page does each second."""
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")


def test_an_event_is_tried_by_keyboard_alone_and_its_call_opened_and_its_record_found(
    browser: Browser, sandbox: Sandbox, url: str
) -> None:
    def pressed(*keys: str) -> None:
        browser.driver.switch_to.active_element.send_keys(*keys)

    def reach(script: str) -> None:
        """Goes on until what the script says of the element in focus is so."""
        for _ in range(60):
            if browser.run(f"const it = document.activeElement; return {script}"):
                return
            pressed(Keys.TAB)
        pytest.fail(f"no way to {script}")

    browser.visit(url)
    reach("it.id === 'events'")
    pressed(json.dumps(group()))
    reach("it.textContent === 'Maps of the config'")
    pressed(Keys.ENTER)
    reach("it.id === 'companyMap'")
    reach("it.textContent === 'Send'")
    pressed(Keys.ENTER)
    until(browser, lambda: "form=1" in browser.driver.current_url)
    assert [company["Name"] for company in sandbox.companies] == ["Acme"]
    assert browser.find("#result").is_displayed()
    reach("it.closest('#call-2 summary')")
    assert not browser.run("return document.getElementById('call-2').open")
    pressed(Keys.ENTER)
    assert browser.run("return document.getElementById('call-2').open")
    reach("it.getAttribute('href') === '#company-0'")
    pressed(Keys.ENTER)
    assert browser.driver.current_url.endswith("#company-0")
    assert browser.complaints() == []
    assert {address.split("?")[0].split("#")[0] for address in browser.requests()} - {"data:,"} == {url}


def test_control_and_enter_send_and_an_example_may_be_filled_in(browser: Browser, sandbox: Sandbox, url: str) -> None:
    browser.visit(url)
    browser.find("#example").click()
    browser.find("#events").send_keys(Keys.CONTROL, Keys.ENTER)
    until(browser, lambda: "form=1" in browser.driver.current_url)
    assert [person["Email"] for person in sandbox.people] == [ADA]


def test_what_comes_is_shown_and_what_one_does_stays(browser: Browser, bench: Workbench, url: str) -> None:
    fill(bench)
    browser.visit(url)
    browser.find("#call-2 summary").send_keys(Keys.ENTER)
    browser.find("#events").send_keys("half an event")
    browser.find("#call-3 summary").send_keys("")
    browser.run("document.querySelector('#call-3 summary').focus()")
    fill(bench)
    look_again(browser)
    until(browser, lambda: browser.driver.find_elements("id", "call-8"))
    assert browser.run("return document.getElementById('call-2').open")
    assert not browser.run("return document.getElementById('call-3').open")
    assert browser.run("return document.activeElement.closest('details').id") == "call-3"
    assert browser.run("return document.getElementById('events').value") == "half an event"
    assert browser.find("#status").text == "Live"


def test_the_filter_filters_while_one_types(browser: Browser, bench: Workbench, url: str) -> None:
    fill(bench)
    browser.visit(url)
    browser.find("#find").send_keys("create company")
    until(browser, lambda: len(browser.driver.find_elements("css selector", "[id^='call-']")) == 1)
    assert browser.find("#call-2").is_displayed()
    assert browser.driver.switch_to.active_element.get_attribute("id") == "find"


def test_a_link_to_what_is_closed_opens_it(browser: Browser, bench: Workbench, url: str) -> None:
    fill(bench)
    browser.visit(f"{url}#tried-1")
    assert browser.run("return document.getElementById('tried-1').open")
    browser.find("#tried-1 a[href='#call-2']").click()
    until(browser, lambda: browser.run("return document.getElementById('call-2').open"))


@pytest.mark.again
@pytest.mark.parametrize("fragment", ["%", "nothing", "%22%5D", "holds"])
def test_a_link_to_nothing_does_no_harm(browser: Browser, url: str, fragment: str) -> None:
    browser.visit(f"{url}#{fragment}")
    look_again(browser)
    until(browser, lambda: browser.find("#status").text == "Live")
    assert browser.complaints() == []


def test_an_event_that_holds_html_is_text(browser: Browser, bench: Workbench, url: str) -> None:
    event = {"type": "identify", "traits": {"email": f"{EVIL}@example.com", EVIL: EVIL, "name": EVIL}}
    bench.send(EventForm.of(CONFIG, json.dumps([event, group(EVIL), track(EVIL)])))
    browser.visit(f"{url}?form=1&find=img")
    look_again(browser)
    until(browser, lambda: browser.find("#status").text == "Live")
    assert browser.run("return document.querySelectorAll('img, main script').length") == 0
    assert EVIL in browser.find("#live").text
    assert browser.complaints() == []


def test_a_server_that_has_stopped_is_told(browser: Browser, sandbox: Sandbox) -> None:
    with Server(sandbox) as server:
        browser.visit(server.url)
    look_again(browser)
    until(browser, lambda: browser.find("#status").text == "The sandbox has stopped")


def test_a_form_of_another_page_is_refused(browser: Browser, sandbox: Sandbox, url: str) -> None:
    browser.show(f'<form method="post" action="{url}"><input name="events" value="{{}}"><button>x</button></form>')
    browser.find("button").click()
    until(browser, lambda: browser.driver.current_url == url)
    assert "own page alone" in browser.find("body").text
    assert not sandbox.calls


def test_without_scripts_form_and_filter_work(browser: Browser, sandbox: Sandbox, url: str) -> None:
    browser.visit(url, script=False)
    browser.find("#events").send_keys(json.dumps(identify()))
    browser.find("form button").click()
    until(browser, lambda: "form=1" in browser.driver.current_url)
    assert [person["Email"] for person in sandbox.people] == [ADA]
    browser.find("#find").send_keys("nobody")
    browser.find("#filter button").click()
    until(browser, lambda: "find=nobody" in browser.driver.current_url)
    browser.tell("Emulation.setScriptExecutionDisabled", value=False)
    assert "None with these words" in browser.find("#live").text


@pytest.mark.again
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_every_text_can_be_read_and_everything_has_a_name(
    browser: Browser, bench: Workbench, url: str, size: tuple[int, int], scheme: str
) -> None:
    fill(bench)
    browser.visit(f"{url}?form=1", size, scheme=scheme)
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert browser.run(FAINT) == []
    assert browser.run(NAMELESS) == []
    assert violations(browser.driver) == []
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]


@pytest.mark.again
@pytest.mark.parametrize("size", [PHONE, DESK, (320, 640)])
def test_the_page_never_scrolls_sideways(browser: Browser, bench: Workbench, url: str, size: tuple[int, int]) -> None:
    wide = "W" * 3000
    bench.send(EventForm.of(CONFIG, json.dumps([identify(f"{wide}@x.co", **{wide: wide}), group(wide), track(wide)])))
    bench.send(EventForm.of(CONFIG, json.dumps(group("W" * 200, email="W" * 200 + "@example.com", summary=wide))))
    for query in ("?form=1", "?form=2"):
        browser.visit(url + query, size)
        browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert browser.run("return document.documentElement.scrollWidth") <= size[0]
