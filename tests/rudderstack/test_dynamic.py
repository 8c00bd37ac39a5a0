"""Settings that each event fills in."""

from __future__ import annotations

import copy
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gainsight_dest.reading import template
from gainsight_dest.rudderstack import processor
from gainsight_dest.templates import Dynamic
from tests.rudderstack.rudder import Data, check_processed, destination, item, never
from tests.some import ADA, SETTINGS, identify, track


def fill(config: Any, event: Any) -> tuple[Any, Any]:
    dynamic = Dynamic.of(config)
    if dynamic is None:
        return config, event
    values, event = dynamic.taken(event)
    return dynamic.filled(values), event


EVENT: Data = {
    "type": "track",
    "a": {"b": {"c": "deep"}, "n": 0},
    "event": {"x": "inner"},
    "top": "value",
    "none": None,
}
TEMPLATES: dict[str, str] = {
    '{{ a.b.c || "default" }}': "deep",
    "{{a.b.c||default}}": "deep",
    "  {{  a.b.c   ||   default  }}  ": "deep",
    "{{ event.a.b.c || default }}": "deep",
    "{{ message.a.b.c || default }}": "deep",
    "{{ message.top || default }}": "value",
    "{{ top || default }}": "value",
    "{{ a.b.c\n|| default }}": "deep",
    '{{ a.b.d || "default" }}': "default",
    "{{ a.b.d || 'default' }}": "default",
    "{{ a.b.d || default }}": "default",
    '{{ a.b.d || "it\'s" }}': "it's",
    "{{ a.b.d || \"half' }}": "\"half'",
    '{{ a.b.d || " }}': '"',
    '{{ a.b.d || "" }}': "",
    "{{ a.b.d || }}": "",
    "{{ a.b.d || a || b }}": "a || b",
    "{{ top.x || default }}": "default",
    "{{ none || default }}": "default",
    "{{ a..b || default }}": "default",
}
OTHERS = [
    "",
    "x",
    "{{ a.b.c }}",
    "x {{ a.b.c || d }}",
    "{ a.b.c || d }",
    "{{ a.b.c || d }} x",
    "{{",
]


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_is_filled_by_the_event_or_by_its_default(text: str) -> None:
    assert fill({"setting": text}, EVENT)[0] == {"setting": TEMPLATES[text]}


@pytest.mark.parametrize("value", [*OTHERS, None, 1, True, [], {}, [1, None]])
def test_what_is_no_template_stays(value: Any) -> None:
    assert Dynamic.of({"setting": value}) is None


#: As it was once: in cubic time.
PATTERN = r"\s*\{\{\s*([^|{}\s][^|{}]*?)\s*\|\|\s*(.*?)\s*\}\}\s*"
pieces = st.sampled_from(
    ["{", "}", "|", "||", "{{", "}}", " ", "\n", "\x1c", "\u3000", "a", ".", "event.", '"', "'", "b"]
)


@given(
    st.one_of(
        st.lists(pieces, max_size=14).map("".join), st.lists(pieces).map(lambda inner: f"{{{{{''.join(inner)}}}}}")
    )
)
def test_a_template_is_what_the_pattern_finds(text: str) -> None:
    match = re.fullmatch(PATTERN, text, re.DOTALL)
    found = template(text)
    assert (found is None) is (match is None)
    if match is not None:
        names, default = match[1].split("."), match[2]
        names = names[1:] if len(names) > 1 and names[0] in {"event", "message"} else names
        is_quoted = len(default) > 1 and default[0] == default[-1] and default[0] in "\"'"
        assert found == (tuple(names), default[1:-1] if is_quoted else default)


def test_white_space_is_what_the_pattern_takes_for_it() -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1)]
    assert [letter for letter in letters if not letter.strip()] == re.findall(r"\s", "".join(letters))


def test_a_whole_event_may_be_a_setting() -> None:
    assert fill("{{ event || x }}", {"event": "name"}) == ("name", {})


@pytest.mark.parametrize("value", [0, False, 1.5, ["a"], {"b": 1}])
def test_a_value_fills_in_as_it_is(value: Any) -> None:
    assert fill({"x": "{{ a || d }}"}, {"a": value, "b": 1}) == ({"x": value}, {"b": 1})


@pytest.mark.parametrize("value", [None, ""])
def test_a_value_that_is_none_leaves_the_default_and_stays(value: Any) -> None:
    assert fill({"x": "{{ a || d }}"}, {"a": value}) == ({"x": "d"}, {"a": value})


@pytest.mark.parametrize("event", [None, 1, "x", [], {}])
def test_an_event_without_the_path_leaves_the_default(event: Any) -> None:
    assert fill({"x": "{{ a.b || d }}"}, event) == ({"x": "d"}, event)


def test_values_are_taken_out_of_a_copy() -> None:
    config = {"rows": [{"from": "{{ a.b || x }}", "to": "T"}, {"from": "y"}], "deep": {"er": "{{ a.c || z }}"}}
    event = {"a": {"b": "B", "c": "C", "d": "D"}, "e": 1}
    before = copy.deepcopy((config, event))
    whole = {"rows": [{"from": "B", "to": "T"}, {"from": "y"}], "deep": {"er": "C"}}
    assert fill(config, event) == (whole, {"a": {"d": "D"}, "e": 1})
    assert (config, event) == before


@pytest.mark.parametrize("second", ["{{ event.a.b || d }}", "{{ a.b || e }}"])
def test_several_settings_may_stand_on_one_path(second: str) -> None:
    assert fill({"x": "{{ a.b || d }}", "y": second}, {"a": {"b": 1}}) == ({"x": 1, "y": 1}, {"a": {}})


@pytest.mark.parametrize("paths", [("a", "a.b"), ("a.b", "a")])
def test_one_path_may_lie_in_another(paths: tuple[str, str]) -> None:
    config = {path: f"{{{{ {path} || d }}}}" for path in paths}
    assert fill(config, {"a": {"b": 1}, "c": 2}) == ({"a": {"b": 1}, "a.b": 1}, {"c": 2})


# --- through the processor --------------------------------------------------------------------------------------------


def processed(message: Any, config: Data, **more: Any) -> Data:
    [answer] = processor([item(message, to=destination({**SETTINGS, **config}, **more))], never)
    check_processed(answer)
    return answer


def test_a_topic_out_of_the_event_is_sent_and_leaves_the_properties() -> None:
    answer = processed(track(topic="Bugs", n=1), {"topicName": '{{ event.properties.topic || "Tickets" }}'})
    assert answer["output"]["headers"]["topicName"] == "Bugs"
    assert answer["output"]["body"]["JSON"] == {"n": 1}
    answer = processed(track(n=1), {"topicName": '{{ event.properties.topic || "Tickets" }}'})
    assert answer["output"]["headers"]["topicName"] == "Tickets"


def test_a_row_of_a_map_may_be_filled_in() -> None:
    rows = [{"from": "{{ traits.from || plan }}", "to": "Plan__gc"}]
    person = processed({**identify(plan="gold", tier="top")}, {"personMap": rows})["output"]["body"]["JSON"]
    assert person == {"Email": ADA, "Plan__gc": "gold"}
    message = identify(plan="gold", tier="top", **{"from": "tier"})
    assert processed(message, {"personMap": rows})["output"]["body"]["JSON"] == {"Email": ADA, "Plan__gc": "top"}


@pytest.mark.parametrize("flag", [True, None, 0, "false"])
def test_templates_are_filled_in_unless_the_destination_has_none_and_are_never_sent(flag: Any) -> None:
    config = {"topicName": "{{ properties.topic || Tickets }}"}
    answer = processed(track(), config, hasDynamicConfig=flag)
    assert answer["output"]["headers"]["topicName"] == "Tickets"
    answer = processed(track(), config, hasDynamicConfig=False)
    assert (answer["statusCode"], answer["statTags"]["errorType"]) == (400, "configuration")
    assert "topicName: is a template for each event to fill in, and here none does" in answer["error"]


def test_a_value_that_the_setting_does_not_take_is_the_configs_fault() -> None:
    config = {"domain": "{{ properties.domain || acme.gainsightcloud.com }}"}
    assert processed(track(), config)["statusCode"] == 200
    for domain in (1, "localhost", "evil.example.com/path"):
        answer = processed(track(domain=domain), config)
        assert (answer["statusCode"], answer["statTags"]["errorType"]) == (400, "configuration")


def test_one_destination_is_another_for_each_event() -> None:
    to = destination({**SETTINGS, "topicName": "{{ properties.topic || Tickets }}"})
    messages = [track(topic="a"), track(topic="b"), track(), track(topic="a"), {"type": "track", "properties": 1}]
    answers = processor([item(message, job, to) for job, message in enumerate(messages)], never)
    topics = [answer["output"]["headers"]["topicName"] for answer in answers[:4]]
    assert topics == ["a", "b", "Tickets", "a"]
    assert answers[4]["statTags"]["errorType"] == "instrumentation"


@pytest.mark.parametrize("config", [None, "x", 1, [], ["{{ a || b }}"], "{{ a || b }}"])
def test_a_config_that_is_no_object_is_the_configs_fault(config: Any) -> None:
    [answer] = processor([item(track(), to={"id": "d-1", "Config": config})], never)
    check_processed(answer)
    assert (answer["statusCode"], answer["statTags"]["errorType"]) == (400, "configuration")
