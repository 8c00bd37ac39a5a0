"""Events fill in the templates of a config that a Deliverer has as data."""

from __future__ import annotations

import pickle

import pytest

from gainsight_dest import ConfigError
from gainsight_dest.batching.address import address
from gainsight_dest.deliver import Deliverer, Shards, Status
from gainsight_dest.sandbox import Sandbox
from tests.some import CONFIG, FREE, SETTINGS, group, identify, track

DYNAMIC = {**SETTINGS, "contractId": '{{ event.properties.contract || "c0" }}'}


@pytest.mark.parametrize("batch", [None, 10])
def test_each_event_is_sent_by_what_it_has_filled_in(batch: int | None) -> None:
    sandbox = Sandbox(CONFIG, **FREE)
    events = [track(contract="a", n=1), identify(), group(), track(n=2), track(contract=5)]
    with Deliverer(DYNAMIC, sandbox.session(), **FREE) as deliverer:
        outcomes = list(deliverer.run(events, batch=batch))
    assert [str(outcome.status) for outcome in outcomes] == ["delivered"] * 4 + ["failed"]
    assert isinstance(outcomes[-1].error, ConfigError)
    assert [(each["contract_id"], each["properties"]) for each in sandbox.events] == [("a", {"n": 1}), ("c0", {"n": 2})]


def test_so_it_is_by_shards_also_where_their_settings_have_come_by_a_pickle() -> None:
    sandbox = Sandbox(CONFIG, **FREE)
    shards = pickle.loads(pickle.dumps(Shards(config=DYNAMIC, calls_per_minute=None, calls_per_day=None)))
    assert address(track(contract="a"), shards.config, 1) == address(track(contract="a"), CONFIG, 1)
    with shards.alone(session=sandbox.session()) as sender:
        assert [outcome.status for outcome in sender.deliver([track(contract="a", n=1)])] == [Status.DELIVERED]
    assert [(each["contract_id"], each["properties"]) for each in sandbox.events] == [("a", {"n": 1})]


@pytest.mark.parametrize("setting", ["domain", "accessKey"])
def test_a_delivery_goes_to_one_tenant_by_one_key(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting}: is filled in by each event, and here all go to one tenant"):
        Deliverer({**SETTINGS, setting: "{{ context.x || acme.gainsightcloud.com }}"})
    with pytest.raises(ConfigError, match=f"{setting}: is filled in by each event, and here all go to one tenant"):
        Shards(config={**SETTINGS, setting: "{{ context.x || acme.gainsightcloud.com }}"})
