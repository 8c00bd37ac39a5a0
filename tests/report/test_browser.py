"""The page in a browser: that it works, says so, looks as it should, and asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from gainsight_dest.explaining.profile import MOST_KINDS
from gainsight_dest.report import page
from tests.axe import violations
from tests.browser import DESK, FAINT, NAMELESS, PHONE, Browser, chromium
from tests.report.pages import HOSTILE, PROBLEMS, examples, hostile, many, of_a_tenant


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def browser(driver: webdriver.Chrome, tmp_path: Path) -> Browser:
    browser = Browser(driver, tmp_path)
    browser.requests()
    browser.complaints()
    return browser


def test_it_asks_for_nothing_and_the_console_has_nothing_to_say(browser: Browser) -> None:
    browser.show(page(examples(), PROBLEMS, source="events.ndjson"))
    browser.find("#find").send_keys("email")
    browser.head(0).find_element(By.TAG_NAME, "button").click()
    assert browser.complaints() == []
    assert set(browser.requests()) - {"data:,"} == {browser.file.as_uri()}


def test_the_policy_lets_nothing_in_or_out(browser: Browser) -> None:
    browser.show(page(examples()))
    browser.requests()
    refused = browser.driver.execute_async_script(
        """
        const [done] = arguments, refused = [];
        document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
        new Image().src = "https://example.invalid/pixel";
        const script = document.createElement("script");
        script.textContent = "document.title = 'mine'";
        document.body.append(script);
        document.body.setAttribute("style", "color: red");
        fetch("https://example.invalid/").catch(() => setTimeout(() => done(refused), 100));
        """
    )
    assert set(refused) == {"img-src", "script-src-elem", "style-src-attr", "connect-src"}
    assert browser.run("return document.title") != "mine"
    assert browser.requests() == []


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_names_do_nothing(browser: Browser, words: str) -> None:
    browser.show(page(hostile(words), title=words, source=words))
    assert browser.complaints() == []
    assert set(browser.requests()) - {"data:,"} == {browser.file.as_uri()}
    assert browser.run("return document.querySelectorAll('img, main script').length") == 0
    assert browser.find("h1").text == " ".join(words.split())


def test_a_button_sorts_by_its_column_one_way_then_the_other(browser: Browser) -> None:
    browser.show(page(examples()))
    assert browser.head(3).get_attribute("aria-sort") == "descending"
    came = browser.head(2).find_element(By.TAG_NAME, "button")
    came.click()
    assert browser.numbers(2) == sorted(browser.numbers(2), reverse=True)
    assert browser.head(2).get_attribute("aria-sort") == "descending"
    assert browser.head(3).get_attribute("aria-sort") is None
    came.click()
    assert browser.numbers(2) == sorted(browser.numbers(2))
    assert browser.head(2).get_attribute("aria-sort") == "ascending"
    browser.head(0).find_element(By.TAG_NAME, "button").click()
    assert browser.column(0) == sorted(browser.column(0))
    assert browser.head(0).get_attribute("aria-sort") == "ascending"


def test_all_of_it_can_be_done_by_keyboard(browser: Browser) -> None:
    browser.show(page(examples()))
    browser.find("#find").send_keys("name", Keys.TAB, Keys.TAB)
    active = browser.driver.switch_to.active_element
    assert active.get_attribute("id") == "lost"
    active.send_keys(Keys.SPACE)
    shown = browser.column(1)
    assert 0 < len(shown) < len(examples().traits)
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element.get_attribute("id") == "otherwise"
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element.get_attribute("role") == "region"
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.head(0).get_attribute("aria-sort") == "ascending"


def test_filters_filter_and_say_how_many_are_left(browser: Browser) -> None:
    summary = examples()
    browser.show(page(summary))
    traits = len(summary.traits)
    count = browser.find("#count")
    assert count.text == f"{traits} of {traits} traits"
    assert count.get_attribute("aria-live") == "polite"
    browser.find("#type").send_keys("group")
    assert set(browser.column(0)) == {"group"}
    browser.find("#lost").click()
    lost = [trait for trait in summary.traits.values() if trait.type == "group" and (trait.lost or trait.refused)]
    assert sorted(browser.column(1)) == sorted(trait.source for trait in lost)
    assert count.text == f"{len(lost)} of {traits} traits"
    browser.find("#find").send_keys("NOT a number employees")
    assert browser.column(1) == ["traits.employees"]
    browser.find("#lost").click()
    browser.find("#find").clear()
    browser.find("#type").send_keys("all")
    browser.find("#otherwise").click()
    differ = [each for each in summary.traits.values() if any(rule for _, rule in each.stock)]
    assert 0 < len(browser.column(1)) <= len(differ)
    assert {*browser.column(1)} <= {each.source for each in differ}
    browser.find("#find").send_keys(" nowhere to be found")
    assert count.text == f"0 of {traits} traits"


def test_it_is_dark_where_the_reader_likes_it_dark(browser: Browser) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        browser.show(page(examples()), scheme=scheme)
        grounds.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_every_text_can_be_read_and_everything_has_a_name(browser: Browser, size: tuple[int, int], scheme: str) -> None:
    for html in (page(examples(), PROBLEMS), page(of_a_tenant(), PROBLEMS)):
        browser.show(html, size, scheme=scheme)
        assert browser.run(FAINT) == []
        assert browser.run(NAMELESS) == []
        assert violations(browser.driver) == []


@pytest.mark.parametrize("size", [DESK, PHONE, (320, 640)])
def test_the_page_never_scrolls_sideways(browser: Browser, size: tuple[int, int]) -> None:
    wide = page(hostile("W" * 5000), title="W" * 5000)
    for html in (page(examples(), PROBLEMS, source="events.ndjson"), page(of_a_tenant()), wide):
        browser.show(html, size)
        assert browser.run("return document.documentElement.scrollWidth") <= size[0]
        assert browser.run("scrollTo(9999, 0); return scrollX") == 0


@pytest.mark.parametrize(("size", "shown", "hidden"), [(DESK, ".picture", ".ways"), (PHONE, ".ways", ".picture")])
def test_on_a_phone_the_picture_is_a_list_with_whole_names(
    browser: Browser, size: tuple[int, int], shown: str, hidden: str
) -> None:
    browser.show(page(examples()), size)
    assert browser.find(shown).is_displayed()
    assert not browser.find(hidden).is_displayed()
    assert browser.run(
        "return [...document.querySelectorAll(arguments[0] + ' code')].every((each) => each.scrollWidth <= innerWidth)",
        shown,
    )


def test_without_scripts_the_table_is_complete_and_offers_nothing_that_needs_them(browser: Browser) -> None:
    summary = examples()
    browser.show(page(summary), script=False)
    (root,) = [browser.tell("DOM.getDocument")["root"]]
    found = {
        selector: len(browser.tell("DOM.querySelectorAll", nodeId=root["nodeId"], selector=selector)["nodeIds"])
        for selector in ("#table tbody tr", "#table tbody tr[hidden]", "th button", ".tools[hidden]")
    }
    assert found == {
        "#table tbody tr": len(summary.traits),
        "#table tbody tr[hidden]": 0,
        "th button": 0,
        ".tools[hidden]": 1,
    }


def test_a_full_table_is_sorted_and_filtered_with_a_step_for_each_row(browser: Browser) -> None:
    browser.show(page(many(MOST_KINDS + 900)))
    rows, sorting, filtering = browser.run(
        """
        const seen = new MutationObserver(() => {});
        seen.observe(document, {attributes: true, childList: true, subtree: true});
        const steps = (act) => {
          act();
          return seen.takeRecords().length;
        };
        const find = document.getElementById("find");
        find.value = "trait_01";
        return [
          document.querySelectorAll("tbody tr").length,
          steps(() => document.querySelector("th:nth-child(2) button").click()),
          steps(() => find.dispatchEvent(new Event("input"))),
        ];
        """
    )
    assert 0 < len(browser.column(1)) < rows
    assert rows > MOST_KINDS
    assert 0 < filtering <= rows + 10
    assert rows <= sorting <= 2 * rows + 10
