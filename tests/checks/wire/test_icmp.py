"""The ICMP client on a real line of hosts: replies, errors, our own limits, and answers that lie."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from checks.vantage import CannotTell, Shared
from checks.wire import icmp_options, icmp_socket
from checks.wire.icmp import HOST_UNREACHABLE, NET_UNREACHABLE, PROHIBITED, TIME_EXCEEDED, Icmp
from checks.wire.icmp_options import NO_ROUTE, NOT_A_HOST, NOT_PERMITTED, OVERRUN, PACE_USED_UP
from checks.wire.icmp_pace import Pace
from tests.checks.wire.icmp_lab import CLOSED, R1, R2, SERVER, odd_server, reply_to
from tests.lab import need

pytestmark = pytest.mark.lab
SOCKETS = pytest.mark.parametrize("method", ["dgram", "raw"])
METHODS = pytest.mark.parametrize("method", ["dgram", "raw", "command"])
VERSIONS = pytest.mark.parametrize("version", [4, 6])


def series(hosts, method, address, **more):
    given = {"count": 3, "interval": 0.02, "timeout": 1.0, **more}
    return hosts.ask(method, lambda icmp: icmp.series(address, **given))


@METHODS
@VERSIONS
def test_replies(hosts, method, version):
    echoes = series(hosts, method, SERVER[version])
    assert [echo.sequence for echo in echoes] == [0, 1, 2]
    assert all(0 < echo.rtt_ms < 1000 and echo.responder == SERVER[version] for echo in echoes)
    assert all(echo.error is None and not echo.local for echo in echoes)


@METHODS
@VERSIONS
def test_time_exceeded_names_the_hop(hosts, method, version):
    for ttl, router in ((1, R1), (2, R2)):
        (echo, *_) = series(hosts, method, SERVER[version], ttl=ttl)
        assert (echo.rtt_ms, echo.responder, echo.error) == (None, router[version], TIME_EXCEEDED)
    assert series(hosts, method, SERVER[version])[0].rtt_ms is not None, "the TTL outlived its series"


@METHODS
@VERSIONS
def test_unreachable_says_who_says_so(hosts, method, version):
    hosts.close_off()
    (echo, *_) = series(hosts, method, CLOSED[version])
    assert (echo.rtt_ms, echo.responder) == (None, R1[version])
    assert echo.error in (NET_UNREACHABLE, HOST_UNREACHABLE)
    assert not echo.local


@METHODS
def test_a_reject_rule_reads_as_prohibited(hosts, method):
    hosts.filter(hosts.r2, "forward", "ip protocol icmp reject with icmp type admin-prohibited")
    (echo, *_) = series(hosts, method, SERVER[4])
    assert (echo.responder, echo.error) == (R2[4], PROHIBITED)


@SOCKETS
@VERSIONS
def test_too_big_tells_the_mtu(hosts, method, version):
    hosts.narrow(1400)
    size = 1500 - (28 if version == 4 else 48)
    echoes = series(hosts, method, SERVER[version], size=size, dont_fragment=True)
    assert {(echo.responder, echo.error, echo.mtu, echo.local) for echo in echoes} == {
        (R1[version], "too big (mtu 1400)", 1400, False)
    }
    assert series(hosts, method, SERVER[version], size=size - 100, dont_fragment=True)[0].rtt_ms is not None
    in_pieces = series(hosts, method, SERVER[version], size=size)
    assert in_pieces[-1].rtt_ms is not None, "an IPv6 server must first learn to fragment its reply"


@SOCKETS
@VERSIONS
def test_too_big_for_our_own_interface(hosts, method, version):
    hosts.laptop.ip("link set l0 mtu 1400")
    echoes = series(hosts, method, SERVER[version], size=1452, dont_fragment=True)
    assert {(echo.local, echo.mtu, echo.rtt_ms) for echo in echoes} == {(True, 1400, None)}


@pytest.mark.parametrize(("method", "version"), [("dgram", 4), ("raw", 4), ("raw", 6)])
def test_our_own_firewall_is_our_own_limit(hosts, method, version):
    """Linux does not tell an unprivileged IPv6 socket that its packet was dropped on the way out."""
    hosts.filter(hosts.laptop, "output", "drop", family="inet")
    echoes = series(hosts, method, SERVER[version])
    assert [(echo.error, echo.local) for echo in echoes] == [(NOT_PERMITTED, True)] * 3


@METHODS
@VERSIONS
def test_no_route_is_our_own_limit(hosts, method, version):
    flag = f"-{version}"
    hosts.laptop.run("ip", flag, "route", "del", "default")
    try:
        echoes = series(hosts, method, SERVER[version])
    finally:
        hosts.laptop.run("ip", flag, "route", "add", "default", "via", R1[version])
    assert {(echo.error, echo.local) for echo in echoes} == {(NO_ROUTE, True)}


@SOCKETS
def test_a_broadcast_address_is_no_host(hosts, method):
    assert {echo.error for echo in series(hosts, method, "10.9.1.255")} == {NOT_A_HOST}


@pytest.mark.parametrize("address", ["224.0.0.1", "ff02::1%l0", "0.0.0.0", "::", "::ffff:10.9.3.2"])
def test_what_is_no_single_host_is_not_asked(hosts, address):
    with pytest.raises(CannotTell):
        series(hosts, "raw", address)


@SOCKETS
def test_link_local_addresses_carry_their_zone(hosts, method):
    found = hosts.r1.run("ip", "-6", "addr", "show", "dev", "west", "scope", "link").stdout
    address = next(word.partition("/")[0] for word in found.split() if word.startswith("fe80"))
    assert series(hosts, method, f"{address}%l0")[0].rtt_ms is not None
    with pytest.raises(CannotTell):
        series(hosts, method, f"{address}%nowhere")


@SOCKETS
def test_a_reply_from_another_host_is_no_pass(hosts, method):
    hosts.filter(hosts.r2, "forward", "icmp type echo-reply ip saddr set 10.9.3.77")
    echoes = series(hosts, method, SERVER[4], timeout=0.3)
    assert [(echo.rtt_ms, echo.error) for echo in echoes] == [(None, "answered by 10.9.3.77 instead")] * 3


@SOCKETS
def test_loss_is_loss(hosts, method):
    hosts.filter(hosts.r2, "forward", "icmp type echo-request numgen inc mod 3 == 0 drop")
    echoes = series(hosts, method, SERVER[4], count=9, timeout=0.3)
    assert [echo.rtt_ms is None for echo in echoes].count(True) == 3
    assert all(echo.error is None and not echo.local for echo in echoes)


@SOCKETS
@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (lambda m, n: [(0, reply_to(m))] * 3, [True] * 4),
        (lambda m, n: [(0, reply_to(m, payload=b"x" * 56))], [False] * 4),
        (lambda m, n: [(0, reply_to(m, payload=m[8:12]))], [False] * 4),
        (lambda m, n: [(0, reply_to(m, payload=m[8:40]))], [True] * 4),
        (lambda m, n: [(0, reply_to(m, sequence=1))], [False] * 4),
        (lambda m, n: [(0, reply_to(m, ident=1))], [False] * 4),
        (lambda m, n: [(0, m)], [False] * 4),
        (lambda m, n: [(0.35, reply_to(m))], [False] * 4),
        (lambda m, n: [(0, reply_to(m))] if n != 1 else [(0.25, reply_to(m))], [True, False, True, True]),
    ],
    ids=["thrice", "foreign", "stub", "truncated", "next sequence", "other ident", "echoed request", "late",
         "one late"],
)  # fmt: skip
def test_answers_that_lie(hosts, method, answer, counted):
    with odd_server(hosts, answer):
        echoes = series(hosts, method, SERVER[4], count=4, interval=0.03, timeout=0.2)
    assert [echo.rtt_ms is not None for echo in echoes] == counted


@SOCKETS
def test_a_late_reply_is_not_the_next_series_reply(hosts, method):
    """The first series gives up; its reply comes while the second one waits in vain."""
    with odd_server(hosts, lambda m, n: [(0.3, reply_to(m))] if n == 0 else []):

        async def twice(icmp):
            await icmp.series(SERVER[4], count=1, interval=0, timeout=0.1)
            return await icmp.series(SERVER[4], count=1, interval=0, timeout=0.5)

        (echo,) = hosts.ask(method, twice)
    assert echo.rtt_ms is None


@SOCKETS
def test_a_busy_event_loop_neither_loses_replies_nor_makes_them_slow(hosts, method):
    async def blocked(icmp):
        waiting = asyncio.ensure_future(icmp.series(SERVER[4], count=1, interval=0, timeout=0.2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(0.5)
        return await waiting

    (echo,) = hosts.ask(method, blocked)
    assert echo.rtt_ms is not None
    assert echo.rtt_ms < 200


@SOCKETS
def test_many_targets_share_one_socket_and_do_not_mix(hosts, method):
    hosts.server.ip(*(f"addr add 10.9.3.{n}/24 dev s0" for n in range(10, 60)))

    async def sweep(icmp):
        addresses = [f"10.9.3.{n}" for n in range(10, 110)]
        found = await asyncio.gather(
            *(icmp.series(address, count=2, interval=0.01, timeout=0.5) for address in addresses)
        )
        return {a for a, echoes in zip(addresses, found, strict=True) if echoes[0].rtt_ms is not None}

    try:
        assert hosts.ask(method, sweep) == {f"10.9.3.{n}" for n in range(10, 60)}
    finally:
        hosts.server.ip(*(f"addr del 10.9.3.{n}/24 dev s0" for n in range(10, 60)))


@SOCKETS
def test_what_our_own_buffer_dropped_is_not_counted_as_lost(hosts, method, monkeypatch):
    monkeypatch.setattr(icmp_options, "_BUFFER_BYTES", 1)

    async def flood(icmp):
        asked = (icmp.series(SERVER[4], count=2, interval=0.05, timeout=0.3) for _ in range(50))
        icmp._transports[4]._pace = Pace(1e6, 1000)
        return [echo for echoes in await asyncio.gather(*asked) for echo in echoes]

    missing = [echo for echo in hosts.ask(method, flood) if echo.rtt_ms is None]
    assert missing
    assert {(echo.error, echo.local) for echo in missing} == {(OVERRUN, True)}


def test_a_series_that_cannot_keep_its_schedule_ends_and_says_so(hosts, monkeypatch):
    monkeypatch.setattr(icmp_socket, "_LAG_S", 0.1)

    async def crowd(icmp):
        icmp._transports[4]._pace = Pace(50, 1)
        asked = (icmp.series(SERVER[4], count=20, interval=0.02, timeout=0.3) for _ in range(5))
        return await asyncio.gather(*asked)

    for echoes in hosts.ask("raw", crowd):
        assert len(echoes) == 20
        assert echoes[0].rtt_ms is not None
        assert (echoes[-1].error, echoes[-1].local) == (PACE_USED_UP, True)


@SOCKETS
def test_a_cancelled_series_leaves_nothing_behind(hosts, method):
    async def cancel(icmp):
        waiting = asyncio.ensure_future(icmp.series(CLOSED[4], count=50, interval=0.01, timeout=5))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return dict(icmp._transports[4]._pending)

    assert hosts.ask(method, cancel) == {}


def test_open_takes_the_unprivileged_socket_first_and_raw_next(hosts):
    async def method():
        shared = Shared()
        icmp = await shared.client(Icmp)
        await shared.close()
        return icmp.method

    assert hosts.laptop.call(lambda: asyncio.run(method())) == "dgram"
    hosts.laptop.sysctl("net.ipv4.ping_group_range", "1 0")
    assert hosts.laptop.call(lambda: asyncio.run(method())) == "raw"


SCRIPT = """
import asyncio
from checks.vantage import CannotTell, Shared
from checks.wire.icmp import Icmp
async def main():
    try:
        icmp = await Shared().client(Icmp)
        print(icmp.method)
        print(await icmp.series("10.9.3.2", count=1, interval=0, timeout=1))
    except CannotTell as trouble:
        print("CANNOT TELL", trouble.reason, trouble.fix)
asyncio.run(main())
"""


@pytest.mark.parametrize("path", ["", "/usr/bin:/bin"])
def test_without_rights_it_cannot_tell_and_says_how_to(hosts, path, monkeypatch):
    """Neither socket is allowed; with a PATH there is a ping program, which has no rights either."""
    need("setpriv")
    hosts.laptop.sysctl("net.ipv4.ping_group_range", "1 0")
    monkeypatch.setattr("tests.lab.namespaces.PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    setting = f"import os; os.environ['PATH'] = {path!r}\n"
    said = hosts.laptop.run(
        "setpriv", "--bounding-set=-net_raw", sys.executable, "-c", setting + SCRIPT, env={"PYTHONPATH": "."}
    ).stdout
    assert "CANNOT TELL" in said, said
    if not path:
        assert "net.ipv4.ping_group_range" in said


def test_pace_spreads_packets_and_allows_a_small_burst():
    async def spread():
        pace = Pace(rate=200, burst=4)
        started = time.monotonic()
        times = []
        for _ in range(24):
            await pace.turn()
            times.append(time.monotonic() - started)
        return times

    times = asyncio.run(spread())
    assert times[-1] >= 20 / 200 - 0.001


def test_sizes_and_addresses_are_checked(hosts):
    for wrong in ({"size": 15}, {"count": 0}):
        with pytest.raises(ValueError):
            series(hosts, "raw", SERVER[4], **wrong)
    with pytest.raises(ValueError):
        series(hosts, "raw", "server.example")
