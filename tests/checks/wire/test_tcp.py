from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.vantage import Shared, Vantage
from checks.wire import tcp
from tests.checks import hostile


def free_port(family: socket.AddressFamily = socket.AF_INET) -> int:
    with socket.socket(family) as sock:
        sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(params=["watched", "by the loop"])
def way(request, monkeypatch):
    if request.param != "watched":
        monkeypatch.setattr(tcp, "_can_watch", lambda loop: False)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_open(way, host):
    async def go() -> tcp.Attempt:
        async with hostile.serve(hostile.silence, host=host) as port:
            return await tcp.probe(host, port, 5)

    attempt = asyncio.run(go())
    assert (attempt.outcome, attempt.detail) == ("open", "")
    assert attempt.seconds > 0


def test_refused(way):
    attempt = asyncio.run(tcp.probe("127.0.0.1", free_port(), 5))
    assert attempt.outcome == "refused"
    assert "refused" in attempt.detail.lower()


@contextlib.contextmanager
def full_backlog() -> Iterator[tuple[str, int]]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server.getsockname()


def test_a_full_backlog_is_a_timeout(way):
    with full_backlog() as address:
        attempt = asyncio.run(tcp.probe(*address, 0.3))
    assert attempt.outcome == "timeout"
    assert attempt.detail == "no answer within 0.3 s"


def test_what_this_laptop_cannot_do_is_its_own_outcome(way):
    assert asyncio.run(tcp.probe("fe80::1%nosuch0", 80, 1)).outcome == "local"
    assert tcp.outcome_of(OSError(errno.ENETUNREACH, ""), at_once=True) == "no_route"
    assert tcp.outcome_of(OSError(errno.ENETUNREACH, "")) == "unreachable"
    assert tcp.outcome_of(OSError(errno.EMFILE, "")) == "local"
    assert tcp.outcome_of(PermissionError(errno.EPERM, "")) == "barred"


def test_windows_codes():
    error = OSError(0, "")
    error.winerror = 1225  # type: ignore[attr-defined]
    assert tcp.outcome_of(error) == "refused"


@pytest.mark.parametrize("handler", [hostile.reset, hostile.close_at_once])
def test_hold_finds_a_peer_that_breaks_off(handler):
    async def go(hold: float) -> tcp.Attempt:
        async with hostile.serve(handler) as port:
            return await tcp.probe("127.0.0.1", port, 5, hold)

    assert asyncio.run(go(5)).outcome == "reset"


def test_hold_is_content_with_a_peer_that_stays_or_speaks():
    async def go(handler) -> tcp.Attempt:
        async with hostile.serve(handler) as port:
            return await tcp.probe("127.0.0.1", port, 5, 0.1)

    assert asyncio.run(go(hostile.silence)).outcome == "open"
    assert asyncio.run(go(hostile.banner)).outcome == "open"


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc")
def test_a_cancelled_attempt_leaves_no_socket(way):
    async def go() -> None:
        with full_backlog() as address:
            before = open_descriptors()
            task = asyncio.create_task(tcp.probe(*address, 60))
            while open_descriptors() == before:
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            assert open_descriptors() == before

    asyncio.run(go())


def test_the_budget_leaves_time_to_report():
    assert 5.4 < tcp.budget(Vantage(Shared(), allowance=6.0)) <= 5.5
    assert 0.08 < tcp.budget(Vantage(Shared(), allowance=0.1)) <= 0.09
    assert tcp.budget(Vantage(Shared(), allowance=0.0)) > 0


def test_the_hot_path_loads_nothing_heavy():
    code = (
        "import sys, checks.network.tcp;"
        "heavy = {'h11', 'cryptography', 'pydantic', 'checks.wire.tls', 'checks.wire.http'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
