"""The guard against the network: what it sees, whoever swallows the error, and what it lets pass."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gainsight_dest import Request, Response
from gainsight_dest.rudderstack import router
from gainsight_dest.testing import network
from gainsight_dest.testing.network import OPENED, NetworkUse, NetworkUsedError, guarded, watch
from tests.some import SETTINGS, group

#: An address that is nobody's: see RFC 5737. Nothing is sent to it, for that is what is tested.
NOBODY = ("192.0.2.1", 80)


def connect() -> None:
    socket.create_connection(NOBODY, timeout=0.1)


def connect_a_socket() -> None:
    with socket.socket() as sock:
        sock.connect(NOBODY)


def connect_to_a_literal_address_in_a_loop() -> None:
    async def run() -> None:
        await asyncio.open_connection(*NOBODY)

    asyncio.run(run())


def connect_to_a_name_in_a_loop() -> None:
    async def run() -> None:
        await asyncio.open_connection("gainsight.invalid", 443)

    asyncio.run(run())


def send_a_datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", NOBODY)


def send_a_message() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"x"])


def listen() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))


def open_only() -> None:
    socket.socket().close()


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (connect, "look up 192.0.2.1:80"),
        (connect_a_socket, "connect to 192.0.2.1:80"),
        (connect_to_a_literal_address_in_a_loop, "connect to 192.0.2.1:80"),
        (connect_to_a_name_in_a_loop, "look up gainsight.invalid:443"),
        (send_a_datagram, "send to 192.0.2.1:80"),
        (send_a_message, "send to its peer"),
        (listen, "bind to 127.0.0.1:0"),
        (open_only, "open a socket"),
        (lambda: socket.getaddrinfo(None, 80), "look up this machine:80"),
        (lambda: socket.getaddrinfo(b"gainsight.invalid", None), "look up gainsight.invalid"),
        (lambda: socket.gethostbyname("gainsight.invalid"), "look up gainsight.invalid"),
        (lambda: socket.gethostbyaddr("192.0.2.1"), "look up 192.0.2.1"),
        (lambda: socket.getnameinfo(NOBODY, 0), "look up 192.0.2.1:80"),
    ],
)
@pytest.mark.parametrize("in_thread", [False, True])
def test_a_use_is_told_with_where_it_was_tried_even_if_the_error_is_swallowed(
    use: Callable[[], None], what: str, in_thread: bool
) -> None:
    def run() -> None:
        with contextlib.suppress(OSError):
            use()

    with guarded() as uses:
        if in_thread:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
        else:
            run()
    assert [each.what for each in uses] == [what]
    file, _, line = uses[0].where.rpartition(":")
    assert Path(file).name == Path(__file__).name
    assert line.isdigit()


def test_the_code_gets_an_error_like_that_of_a_network_that_is_down() -> None:
    with guarded(), pytest.raises(OSError, match=r"no network in this test: look up 192.0.2.1:80 \(.*:\d+\)") as caught:
        connect()
    assert type(caught.value) is NetworkUsedError


def test_an_error_that_code_takes_for_a_call_without_an_answer_is_seen_all_the_same() -> None:
    def send(_: Request) -> Response:
        connect()
        raise AssertionError

    job = {"message": group(), "metadata": {"jobId": 1}, "destination": {"Config": SETTINGS}}
    with guarded() as uses:
        [answer] = router({"input": [job]}, send)["output"]
    assert (answer["statusCode"], [each.what for each in uses]) == (500, ["look up 192.0.2.1:80"])


def test_what_is_tried_twice_is_told_once() -> None:
    with guarded() as uses:
        for _ in range(2):
            with contextlib.suppress(OSError):
                connect_a_socket()
    assert len(uses) == 1


def test_what_stays_on_the_machine_without_an_address_passes(tmp_path: Path) -> None:
    with guarded() as uses:
        asyncio.run(asyncio.sleep(0))
        one, other = socket.socketpair()
        with one, other:
            one.sendall(b"x")
            assert other.recv(1) == b"x"
        if hasattr(socket, "AF_UNIX"):
            with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
                server.bind(str(tmp_path / "s"))
                server.listen()
                client.connect(str(tmp_path / "s"))
        socket.gethostname()
    assert uses == []


def test_what_only_asks_whether_there_is_ipv6_passes() -> None:
    program = "def _has_ipv6():\n    with socket.socket(socket.AF_INET6) as sock:\n        sock.bind(('::1', 0))\n"
    library = {"__name__": "urllib3.util.connection", "socket": socket}
    exec(program, library)  # noqa: S102 - a stand-in for urllib3, which does this while it is imported
    with guarded() as uses, contextlib.suppress(OSError):
        library["_has_ipv6"]()  # type: ignore[operator]
    assert uses == []


def test_outside_of_a_guard_nothing_is_kept_from_anyone() -> None:
    with guarded() as uses:
        pass
    listen()
    assert uses == []


def test_guards_nest() -> None:
    with guarded() as outer:
        with guarded() as inner, contextlib.suppress(OSError):
            connect()
        assert (len(inner), outer) == (1, [])
        with contextlib.suppress(OSError):
            connect()
    assert len(outer) == 1


INTERNET = SimpleNamespace(family=socket.AF_INET)


@pytest.mark.parametrize(
    ("event", "args", "what"),
    [
        (OPENED, (None, socket.AF_INET6, 1, 0), "open a socket"),
        (OPENED, (None, -1, 1, 0), None),
        ("socket.connect", (INTERNET, ("::1", 80, 0, 0)), "connect to ::1:80"),
        ("socket.connect", (SimpleNamespace(family=-1), "/run/x"), None),
        ("socket.bind", (INTERNET, "x"), "bind to x"),
        ("socket.getaddrinfo", ("acme.invalid", "https", 0, 0, 0), "look up acme.invalid:https"),
        ("socket.getnameinfo", (NOBODY,), "look up 192.0.2.1:80"),
    ],
)
def test_what_an_audit_event_says(event: str, args: Any, what: str | None) -> None:
    uses: list[NetworkUse] = []
    with contextlib.suppress(NetworkUsedError):
        watch(event, args, uses, sys._getframe())
    assert [each.what for each in uses] == ([what] if what else [])


def test_other_audit_events_are_passed_over() -> None:
    with guarded() as uses:
        network._hook("open", ("x", "r", 0))
        with pytest.raises(NetworkUsedError):
            network._hook("socket.bind", (INTERNET, NOBODY))
    network._hook("socket.bind", (INTERNET, NOBODY))
    assert len(uses) == 1


def test_code_that_is_all_a_librarys_is_told_by_its_innermost_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    uses: list[NetworkUse] = []
    monkeypatch.setattr("gainsight_dest.testing.network._libraries", lambda: ("",))
    watch(OPENED, (None, socket.AF_INET, 1, 0), uses, sys._getframe())
    watch(OPENED, (None, socket.AF_INET, 2, 0), uses, None)
    assert uses[-1].where == "no Python code"


# --- in pytest --------------------------------------------------------------------------------------------------------

USES = """
    import socket, threading
    import pytest

    def swallow():
        try:
            socket.create_connection(("192.0.2.1", 80), timeout=0.1)
        except OSError:
            pass
"""


def test_a_test_fails_by_the_marker_or_the_fixture_whatever_it_makes_of_the_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        USES
        + """
    @pytest.mark.no_network
    def test_marker():
        swallow()

    def test_fixture(no_network):
        thread = threading.Thread(target=swallow)
        thread.start()
        thread.join()

    def test_skipped(no_network):
        swallow()
        pytest.skip("there is no network")

    def test_expected_at_last(no_network):
        swallow()
        pytest.xfail("there is no network")

    def test_skipped_for_another_reason(no_network):
        pytest.skip("no")

    def test_failed(no_network):
        swallow()
        assert 1 == 2

    def test_failed_for_another_reason(no_network):
        assert 2 == 3

    @pytest.mark.xfail(strict=True)
    def test_expected(no_network):
        swallow()

    def test_pure(no_network):
        pass
    """
    )
    result = pytester.runpytest_inprocess("-Werror", "--strict-markers", "-rs")
    result.assert_outcomes(failed=6, passed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "*the test used the network: it tried to look up 192.0.2.1:80 (test_*.py:6)",
            "*assert 1 == 2*",
            "*Captured network call*",
            "*the test used the network: it tried to look up 192.0.2.1:80 (test_*.py:6)",
        ]
    )
    assert result.stdout.str().count("Captured network call") == 1


UNMARKED = (
    USES
    + """
    def test_it():
        swallow()

    def test_more():
        socket.getaddrinfo("gainsight.invalid", 80)
"""
)


@pytest.mark.parametrize(
    ("arguments", "ini", "failed"),
    [
        (["--gainsight-no-network"], "", 2),
        ([], "gainsight_no_network = true", 2),
        (["--gainsight-no-network", "-k", "test_it"], "", 1),
    ],
)
def test_all_tests_fail_by_the_option_or_the_setting(
    pytester: pytest.Pytester, arguments: list[str], ini: str, failed: int
) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    pytester.makepyfile(UNMARKED)
    pytester.runpytest_inprocess("-Werror", *arguments).assert_outcomes(failed=failed, deselected=2 - failed)


def test_fixtures_of_any_scope_may_use_it_and_are_not_guarded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import socket
        import pytest

        @pytest.fixture(scope="session")
        def port():
            with socket.socket() as sock:
                sock.bind(("127.0.0.1", 0))
                yield sock.getsockname()[1]
            with socket.socket() as sock:
                sock.bind(("127.0.0.1", 0))

        @pytest.fixture(scope="session", autouse=True)
        def everywhere(no_network):
            pass

        def test_it(port):
            assert port

        def test_guarded():
            with pytest.raises(OSError):
                socket.getaddrinfo("gainsight.invalid", 80)
    """)
    pytester.runpytest_inprocess("-Werror").assert_outcomes(passed=1, failed=1)


def test_a_unittest_is_guarded_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        USES
        + """
    import unittest

    class TestIt(unittest.TestCase):
        def test_it(self):
            swallow()
    """
    )
    pytester.runpytest_inprocess("-Werror", "--gainsight-no-network").assert_outcomes(failed=1)


def test_without_the_plugin_there_is_no_guard(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import socket

        def test_it():
            with socket.socket() as sock:
                sock.bind(("127.0.0.1", 0))
    """)
    pytester.runpytest_inprocess("-p", "no:gainsight").assert_outcomes(passed=1)
    assert pytester.runpytest_inprocess("-p", "no:gainsight", "--gainsight-no-network").ret != 0
