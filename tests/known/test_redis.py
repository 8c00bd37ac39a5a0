"""The store in Redis: its address, a server that is gone, begins anew, is full or is not for us."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import ResponseError

from gainsight_dest.known import Known, StoreError
from gainsight_dest.known import redis as module
from gainsight_dest.known.known import LEASE
from gainsight_dest.known.redis import RedisStore
from tests.known.places import OnServer, Server, record, told

ANN, BEN = record(0), record(1)
TENANT = b"tenant".ljust(16)


@pytest.fixture
def place(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnServer]:
    """The server of all tests, empty."""
    made = OnServer(server)
    made.stop_the_clock(monkeypatch)
    yield made
    for name, value in (("maxmemory", 0), ("maxmemory-policy", "noeviction"), ("requirepass", "")):
        made.client.config_set(name, value)
    made.client.replicaof("NO", "ONE")
    made.close()


@pytest.fixture
def own() -> Iterator[Server]:
    """A server that a test may stop."""
    with Server() as started:
        yield started


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSES", (0.0, 0.0))


def problem_of(work: Callable[[], object]) -> str:
    """Why it cannot be used."""
    with pytest.raises(StoreError) as caught:
        work()
    return caught.value.problem


# --- its address ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("redis://host", "redis://host"),
        ("redis://user:s3cret@host:7000/3", "redis://host:7000/3"),
        ("rediss://:s3cret@host/?password=s3cret", "rediss://host"),
        ("redis://host?password=s3cret&username=s3cret@x", "redis://host"),
        ("redis://:s3/cret@host", "redis://…"),
        ("redis://:s3cret@[::1", "redis://…"),
        ("redis://user:s3%40cret@host/s3cret", "redis://host"),
        ("unix://user:s3cret@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("unix://user/s3cret@/run/redis.sock", "unix://user"),
        ("redis://ho\x1bst", "redis://ho\\x1bst"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, where: str) -> None:
    assert module._masked(url) == where
    assert "cret" not in where


@pytest.mark.parametrize("url", ["redis://:s3/cret@host", "redis://host:s3cret", "redis://host?socket_timeout=s3cret"])
def test_an_address_that_is_none_is_told_without_it(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Known.open(url)
    assert caught.value.problem == "cannot be used: name it as redis://user:password@host:6379/0"
    assert "cret" not in repr(caught.value)


def test_options_of_the_address_count_but_not_for_what_the_store_depends_on(server: Server) -> None:
    place = OnServer(server)
    with RedisStore(f"{place.where}?db=2&decode_responses=True&socket_timeout=3.5") as store:
        assert isinstance(store, RedisStore)
        store.learn({ANN: told()}, 5)
        assert store.view([ANN]).keys() == {ANN}
        options = store._redis.connection_pool.connection_kwargs
        assert (options["socket_timeout"], options["socket_connect_timeout"]) == (3.5, 5.0)
    other = place.open()
    assert other.view([ANN]) == {}
    assert other.take([ANN], 5)
    assert all(key.startswith(b"gainsight-dest:") for key in place.client.scan_iter())
    place.close()


# --- what a server says -----------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert problem_of(lambda: Known.open(f"unix://{tmp_path}/none")).endswith(
        "No such file or directory.: see that it runs, and can be reached from here"
    )


def test_a_wrong_password_is_told_and_not_shown(place: OnServer) -> None:
    place.client.config_set("requirepass", "s3cret")
    with suppress(Exception):
        place.client.auth("s3cret")
    url = place.where.replace("unix://", "unix://:wr0ng@")
    for each in (url, place.where):
        problem = problem_of(partial(Known.open, each))
        assert problem.endswith("see that its user and its password are right")
        assert "wr0ng" not in problem
    with Known.open(place.where.replace("unix://", "unix://:s3cret@")) as store:
        assert store.where == place.where


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Something else on a port, which says the same to everybody: its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1_000)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"redis://:s3cret@127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR unknown command 'AUTH', 's3cret'\r\n", b""]
)
def test_what_is_no_redis_is_told(answer: bytes) -> None:
    with answering(answer) as url:
        problem = problem_of(lambda: Known.open(url))
        assert problem.startswith("cannot be used: ")
        assert "s3cret" not in problem


def test_a_replica_is_refused(place: OnServer) -> None:
    place.client.replicaof("127.0.0.1", 1)
    assert problem_of(place.open).endswith("it is a replica: name the server that takes writes")


def test_a_server_without_room_is_told_and_goes_on_when_it_has_some(place: OnServer) -> None:
    store = place.open()
    store.learn({ANN: told()}, 5)
    assert store.spend(TENANT, 5, 5) == store.spend(TENANT, 5, 5) == 0
    place.client.config_set("maxmemory", 1)
    for work in (lambda: store.learn({BEN: told()}, 5), lambda: store.spend(TENANT, 5, 5)):
        assert problem_of(work).endswith("give it more memory, or keep fewer records")
    assert store.view([ANN, BEN]).keys() == {ANN}
    place.client.config_set("maxmemory", 0)
    assert store.used(TENANT) == 2
    assert store.take([ANN], 5)


def test_a_server_that_throws_away_what_it_likes_is_refused(place: OnServer) -> None:
    place.client.config_set("maxmemory-policy", "allkeys-lru")
    place.open().close()
    place.client.config_set("maxmemory", 10**9)
    assert problem_of(place.open) == (
        "may throw away what it must keep: its maxmemory-policy is allkeys-lru. Set it to noeviction"
    )
    place.client.config_set("maxmemory-policy", "volatile-lru")
    store = place.open()
    store.learn({ANN: told()}, 5)
    store.spend(TENANT, 5, 5)
    store.hold(TENANT, 5)
    assert store.take([ANN], 5)
    passing = {key for key in place.client.scan_iter() if place.client.ttl(key) >= 0}
    assert passing == {b"gainsight-dest:owned:5"}


def test_a_server_that_does_not_say_which_it_is_is_refused(place: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_info", lambda _: {})
    assert problem_of(place.open) == ("does not say which server it is (run_id of INFO): name the server itself")


def test_a_user_who_may_not_do_it_is_told_what_to_allow(place: OnServer) -> None:
    place.client.acl_setuser("guest", enabled=True, passwords=["+s3cret"], commands=["+ping", "+client", "+hello"])
    problem = problem_of(lambda: Known.open(place.where.replace("unix://", "unix://guest:s3cret@")))
    assert problem.endswith("let its user run EVAL, EVALSHA, SCRIPT LOAD, INFO, and all of the keys gainsight-dest:*")
    place.client.acl_deluser("guest")


def test_an_error_of_a_script_is_told(place: OnServer) -> None:
    store = place.open()
    place.client.set("gainsight-dest:leases", "a text")
    problem = problem_of(lambda: store.take([ANN], 5))
    assert "WRONGTYPE" in problem
    assert problem.endswith("it must be Redis 5 or newer, or Valkey")


def test_a_store_of_another_version_is_refused(place: OnServer) -> None:
    place.client.hset("gainsight-dest:about", "version", 99)
    assert problem_of(place.open) == (
        "was written by another version of this library (99, not 1): use that one, or delete the keys "
        "gainsight-dest:*, and all is told again"
    )


def test_what_was_told_must_be_readable(place: OnServer) -> None:
    store = place.open()
    place.client.hset("gainsight-dest:told", ANN, b"text")
    assert problem_of(lambda: store.view([ANN])).startswith("what is known of a record cannot be read: delete the keys")


# --- it is gone, and comes again --------------------------------------------------------------------------------------


def test_a_server_that_begins_anew_knows_nothing_and_lets_no_call_through_for_a_minute(own: Server) -> None:
    store, other = RedisStore(own.url), RedisStore(own.url)
    store.learn({ANN: told()}, 5)
    assert store.take([BEN], 1)
    assert store.spend(TENANT, 5, 5) == 0
    own.stop()
    own.start()
    assert 58 < store.spend(TENANT, 5, 5) <= 60
    assert store.view([ANN, BEN]) == {}
    store.give({BEN: told()}, 1, 6)
    assert store.view([ANN, BEN]) == {}
    with RedisStore(own.url) as third:
        assert third.salt == store.salt == other.salt
        assert third.spend(TENANT, 5, 5) > 0
    store.learn({ANN: told()}, 7)
    assert other.view([ANN]).keys() == {ANN}
    assert other.take([ANN], 2)
    assert not store.take([ANN], 1)
    for each in (store, other):
        each.close()


def test_what_a_server_has_saved_is_not_trusted_when_it_begins_anew(own: Server) -> None:
    own.stop()
    own.start("--appendonly", "yes", "--appendfsync", "always")
    store = RedisStore(own.url)
    store.learn({ANN: told(), BEN: told()}, 5)
    assert store.take([BEN], 1)
    store.close()
    own.stop()
    own.start("--appendonly", "yes", "--appendfsync", "always")
    with RedisStore(own.url) as after:
        assert after.salt == store.salt
        assert not after.take([BEN], 2), "its owner goes on"
        after.release(1)
        assert after.view([ANN, BEN]) == {}
        assert after.spend(TENANT, 5, 5) > 0, "calls may have been lost"


def test_a_new_process_that_is_the_first_after_an_end_does_not_hide_it(own: Server) -> None:
    store = RedisStore(own.url)
    own.stop()
    own.start()
    own.client().hset("gainsight-dest:about", "salt", store.salt)
    with RedisStore(own.url) as first:
        assert first.spend(TENANT, 5, 5) == 0
        assert store.view([ANN]) == {}
        assert first.spend(TENANT, 5, 5) > 0
    store.close()


def test_a_store_that_is_another_one_now_is_refused(own: Server) -> None:
    store = RedisStore(own.url)
    own.stop()
    own.start()
    with RedisStore(own.url) as other:
        assert other.salt != store.salt
    assert problem_of(lambda: store.take([ANN], 1)) == (
        "was emptied while it was used, and another process has begun it anew: open it again"
    )
    store.close()


def test_a_server_that_comes_again_while_it_is_asked_is_waited_for(
    own: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RedisStore(own.url)
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _: own.start()))
    own.stop()
    assert store.take([ANN], 1)
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _: None))
    own.stop()
    assert problem_of(lambda: store.view([ANN])).endswith("see that it runs, and can be reached from here")
    own.start()
    store.close()


@pytest.mark.parametrize("delete", ["flushall", "about"])
def test_keys_that_somebody_deletes_are_made_again_and_no_call_goes_through_for_a_minute(
    place: OnServer, delete: str
) -> None:
    store = place.open()
    store.learn({ANN: told()}, 5)
    assert store.spend(TENANT, 5, 5) == 0
    if delete == "flushall":
        place.client.flushall()
        place.now = place.now
    else:
        place.client.delete("gainsight-dest:about")
    assert store.spend(TENANT, 5, 5) == 60
    assert place.open().salt == store.salt
    assert store.view([ANN]) == {}
    place.now -= 3_600
    assert store.spend(TENANT, 5, 5) == 60, "it ends in its time, though the clock is set back"
    place.now += 60
    assert store.spend(TENANT, 5, 5) == 0


def test_keys_that_are_deleted_again_and_again_are_told(place: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    store = place.open()
    monkeypatch.setattr(store, "_scripts", {module._TAKE: lambda **_: emptied()})
    assert problem_of(lambda: store.take([ANN], 1)) == "was emptied while it was used: run again"


def emptied() -> None:
    raise ResponseError("ANOTHER it was emptied")


def test_what_is_done_twice_as_its_answer_was_lost_does_no_harm(place: OnServer) -> None:
    """A connection that breaks after the server has done it: it is done again."""
    store = place.open()
    works: dict[str, Callable[[], object]] = {
        "take": lambda: store.take([ANN], 1),
        "give": lambda: store.give({ANN: told()}, 1, 5),
        "learn": lambda: store.learn({BEN: told()}, 5),
        "renew": lambda: store.renew([1]),
        "release": lambda: store.release(1),
        "hold": lambda: store.hold(TENANT, 1),
    }
    for name, work in works.items():
        assert work() == work(), name
    assert store.view([ANN, BEN]).keys() == {BEN}, "what is given twice is not known: that is safe"


def test_a_lease_ends_by_the_servers_clock(server: Server) -> None:
    place: Any = OnServer(server)
    store, other = place.open(lease=0.0), place.open()
    assert store.take([ANN], 1)
    assert other.take([ANN], 2)
    assert not store.take([ANN], 1)
    assert LEASE == 90
    place.close()
