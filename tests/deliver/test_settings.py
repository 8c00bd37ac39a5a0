"""Options of engines: what each may be, and how it is refused, by one table for all of them."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from gainsight_dest import ConfigError
from gainsight_dest.batching.defaults import CALLS_PER_DAY, CALLS_PER_MINUTE
from gainsight_dest.deliver import Patience, Shards
from gainsight_dest.deliver.settings import OF_SHARDS, OPTIONS, OptionsError, shown_place
from gainsight_dest.deliver.shards import settings_by
from tests.some import CONFIG, FREE


class OwnInt(int):
    """Of a library, as numpy's are."""


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("shards", "3", 3),
        ("shards", 3, 3),
        ("shards", OwnInt(3), 3),
        ("calls_per_minute", 0, None),
        ("calls_per_minute", "0", None),
        ("calls_per_day", None, None),
        ("calls_per_day", "900", 900),
        ("window", "300", 300.0),
        ("window", 1.5, 1.5),
        ("window", None, None),
        ("resend_after", "60.5", 60.5),
        ("silence", float("inf"), float("inf")),
        ("timeout", "3", (3.0, 3.0)),
        ("timeout", (3, "20"), (3.0, 20.0)),
        ("patience", Patience(attempts=3), Patience(attempts=3)),
        ("base_url", "http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("known", Path("/data/known.db"), "/data/known.db"),
        ("known", "redis://cache:6379/0", "redis://cache:6379/0"),
        ("known", None, None),
        ("failed", "/data/failed", Path("/data/failed")),
    ],
)
def test_a_text_means_what_the_value_means(name: str, given: Any, value: Any) -> None:
    assert OPTIONS[name].of(given) == value


_WHOLE = "must be a whole number from 1 to 10,000, not"
_SECONDS = "must be a number of seconds above 0, not"


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("shards", "three", f"{_WHOLE} a string"),
        ("shards", 2.5, f"{_WHOLE} 2.5"),
        ("shards", "2.5", f"{_WHOLE} 2.5"),
        ("shards", True, f"{_WHOLE} a boolean"),
        ("shards", None, f"{_WHOLE} null"),
        ("shards", "0", f"{_WHOLE} 0"),
        ("shards", 10_001, f"{_WHOLE} 10001"),
        ("shards", "9" * 20, f"{_WHOLE} a string"),
        ("shards", "9" * 5_000, f"{_WHOLE} a string"),
        ("shards", " 3", f"{_WHOLE} a string"),
        ("shards", "1_0", f"{_WHOLE} a string"),
        ("shards", "٣", f"{_WHOLE} a string"),
        ("calls_per_minute", "-1", "must be a whole number, or 0 for no limit, not -1"),
        ("calls_per_day", "many", "must be a whole number, or 0 for no limit, not a string"),
        ("window", "five minutes", "must be a number of seconds above 0, or a WindowFn, not a string"),
        ("resend_after", "24h", f"{_SECONDS} a string"),
        ("resend_after", 0, f"{_SECONDS} 0"),
        ("resend_after", float("nan"), f"{_SECONDS} a number"),
        ("resend_after", float("inf"), f"{_SECONDS} a number"),
        ("timeout", (1, 2, 3), f"{_SECONDS} a list"),
        ("patience", "12", "must be a Patience, not 12"),
        ("base_url", 8080, "must be a URL, not 8080"),
        ("base_url", "http://acme.example.com", "must be https: plain http would show the keys"),
        ("known", 5, "must be an absolute path, or the URL of a Redis that all processes reach, not 5"),
        ("known", "known.db", "must be an absolute path, or the URL of a Redis that all processes reach: all"),
        ("failed", 5, "must be an absolute path of a folder that driver and executors share, not 5"),
        ("journal", "s3://bucket", "must be an absolute path of a folder that driver and executors share, and no URL"),
    ],
)
def test_what_an_option_cannot_be_is_told_without_its_text(name: str, given: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
        OPTIONS[name].of(given)


@pytest.mark.parametrize("name", [name for name in OF_SHARDS if OPTIONS[name].default is not None])
def test_a_default_is_what_the_option_may_be(name: str) -> None:
    option = OPTIONS[name]
    assert option.of(option.default) == option.default
    assert getattr(Shards(config=CONFIG), name) == option.default


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"sharsd": 3}, "sharsd: there is no such option. Did you mean shards?"),
        ({"zzz": 1}, "zzz: there is no such option"),
        ({"window": 300}, "window: there is no such option here, it is one of Beam: leave it out"),
        ({"failed": "/f"}, "failed: there is no such option here, it is one of Spark: leave it out"),
        ({"shards": 100}, "calls_per_minute: 100 calls are too few for 100 shards"),
        ({"calls_per_day": 3, "shards": 3}, "calls_per_day: 3 calls are too few for 3 shards"),
        ({"resend_after": 60}, "resend_after: is for what is known: it needs known"),
        (
            {"sharsd": 3, "batch": 0, "workers": "x"},
            "sharsd: there is no such option. Did you mean shards?; batch: must be a whole number from 1 to 1,000,000, "
            "not 0; workers: must be a whole number from 1 to 1,000, not a string",
        ),
    ],
)
def test_one_error_names_all_that_is_wrong_and_whose_options_they_are(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(OptionsError) as raised:
        Shards.of(CONFIG, "by_shard", **settings)
    assert str(raised.value).startswith(f"by_shard: {problem}")
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.where, again.path) == (str(raised.value), "by_shard", raised.value.path)


def test_what_is_wrong_with_the_config_is_in_the_same_error() -> None:
    with pytest.raises(OptionsError) as raised:
        settings_by("the job", {"domain": "localhost", "accessKey": "hidden-key"}, {"shards": "hidden"})
    assert [place for place, _ in raised.value.problems] == ["domain", "shards"]
    assert "hidden" not in str(raised.value)
    for kind in (ConfigError, ValueError):
        assert isinstance(raised.value, kind)
    with pytest.raises(OptionsError, match=r"^the job: config: is missing"):
        settings_by("the job", None, {})


def test_an_engine_has_options_of_its_own() -> None:
    names = (*OF_SHARDS, "window", "failed")
    shards, others = settings_by("the job", CONFIG, {"window": "60", "shards": "2"}, names)
    assert (shards, others) == (Shards(config=CONFIG, shards=2), {"window": 60.0, "failed": None})


def test_an_engine_that_shows_options_takes_no_password() -> None:
    for place in ("redis://user:hidden@cache:6379/0", "redis://cache/0?password=hidden"):
        with pytest.raises(OptionsError, match="known: must hold no password") as raised:
            settings_by("the job", CONFIG, {"known": place}, is_shown=True)
        assert "hidden" not in str(raised.value)
        assert settings_by("the job", CONFIG, {"known": place})[0].known == place


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"shards": 0}, "Shards: shards: must be a whole number from 1 to 10,000, not 0"),
        ({"resend_after": 1}, "Shards: resend_after: is for what is known: it needs known"),
        ({"base_url": "http://acme.example.com"}, "Shards: base_url: must be https"),
    ],
)
def test_a_program_is_told_the_same(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(OptionsError, match=f"^{problem}"):
        Shards(config=CONFIG, **settings)


def test_texts_and_numbers_make_the_same_shards() -> None:
    texts = {"shards": "3", "calls_per_minute": "0", "calls_per_day": "900", "batch": "10", "workers": "2"}
    numbers: dict[str, Any] = {"shards": 3, "calls_per_minute": None, "calls_per_day": 900, "batch": 10, "workers": 2}
    assert Shards.of(CONFIG, **texts, known="/k", resend_after="60") == Shards(
        config=CONFIG, **numbers, known="/k", resend_after=60
    )
    assert Shards(config=CONFIG, calls_per_minute=0, calls_per_day=0) == Shards(config=CONFIG, **FREE)
    defaults = Shards(config=CONFIG)
    assert (defaults.calls_per_minute, defaults.calls_per_day) == (CALLS_PER_MINUTE, CALLS_PER_DAY)


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (None, None),
        ("/data/known.db", "/data/known.db"),
        (Path("/data/known.db"), "/data/known.db"),
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("rediss://user:hidden@cache:6379/0", "rediss://***"),
        ("redis://:hid?den@cache/0", "redis://***"),
        ("redis://cache/0?password=hidden", "redis://***"),
    ],
)
def test_the_place_of_a_store_is_shown_without_a_password(known: Any, shown: str | None) -> None:
    assert shown_place(known) == shown
    assert "hid" not in repr(Shards(config=CONFIG, known=known))
    assert f"known={shown!r}" in repr(Shards(config=CONFIG, known=known))
