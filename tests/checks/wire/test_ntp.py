"""The SNTP client against chronyd, healthy and 90 seconds off, and against servers that lie."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checks import jsonable
from checks.wire import ntp
from checks.wire.ntp import NtpSeen
from tests.checks.wire.dns_servers import free_port, scripted
from tests.checks.wire.ntp_servers import chronyd, clock, packet
from tests.lab import need

ROOT = Path(__file__).resolve().parents[3]


def ask(port, *, host="127.0.0.1", timeout=5.0, samples=4):
    return asyncio.run(ntp.ask(f"{host}:{port}", timeout=timeout, samples=samples))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_healthy_server(host):
    with chronyd(host=host) as port:
        seen = ask(port, host=f"[{host}]" if ":" in host else host)
    assert (seen.error, seen.kiss, seen.stratum, seen.leap, seen.version) == (None, None, 8, 0, 4)
    assert len(seen.samples) == 4
    assert seen.fit()
    assert seen.address == host
    assert abs(seen.best().offset_s) < 1
    assert 0 <= seen.best().delay_s < 1
    assert jsonable.from_json(NtpSeen, jsonable.to_json(seen)) == seen


def test_a_server_90_seconds_ahead():
    with chronyd(shift="+90s") as port:
        seen = ask(port)
    assert seen.best().offset_s == pytest.approx(-90, abs=1)


def test_a_laptop_90_seconds_ahead():
    need("faketime", root=False)
    program = (
        "import asyncio, json, sys; from checks import jsonable; from checks.wire import ntp;"
        "print(json.dumps(jsonable.to_json(asyncio.run(ntp.ask(sys.argv[1], timeout=5)))))"
    )
    with chronyd() as port:
        done = subprocess.run(
            ["faketime", "-f", "+90s", sys.executable, "-c", program, f"127.0.0.1:{port}"],
            capture_output=True, cwd=ROOT, check=True, timeout=60,
        )  # fmt: skip
    seen = jsonable.from_json(NtpSeen, json.loads(done.stdout))
    assert seen.best().offset_s == pytest.approx(90, abs=1)


def test_a_server_that_follows_nothing_says_so():
    with chronyd(local=False) as port:
        seen = ask(port)
    assert (seen.leap, seen.fit()) == (3, False)


def test_a_closed_port_and_silence():
    assert ask(free_port()).error == "refused (port closed)"
    with scripted(udp=lambda query: None) as port:
        seen = ask(port, timeout=0.4, samples=2)
    assert (seen.error, seen.samples, seen.stratum) == ("timeout", (), None)


LIES = {
    "another originate": lambda query: packet(query, originate=b"\1" * 8),
    "no originate": lambda query: packet(query, originate=bytes(8)),
    "the request itself": lambda query: query,
    "another mode": lambda query: bytes((packet(query)[0] & 0xF8 | 5,)) + packet(query)[1:],
    "version 7": lambda query: bytes((0x3C,)) + packet(query)[1:],
    "cut short": lambda query: packet(query)[:40],
    "nothing": lambda query: b"",
    "a flood": lambda query: [packet(query, originate=struct.pack("!Q", n)) for n in range(100)],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_alone_is_silence(lie):
    with scripted(udp=LIES[lie]) as port:
        seen = ask(port, timeout=0.4, samples=1)
    assert (seen.error, seen.samples, seen.stratum) == ("timeout", (), None)
    assert seen.ignored >= 1


@pytest.mark.parametrize("lie", LIES)
def test_the_truth_after_a_lie_is_taken(lie):
    def server(query):
        lies = LIES[lie](query)
        return [*(lies if isinstance(lies, list) else [lies]), packet(query)]

    with scripted(udp=server) as port:
        seen = ask(port, samples=1)
    assert abs(seen.best().offset_s) < 1


def test_a_reply_from_another_socket_never_arrives():
    with scripted(udp=packet, foreign=True) as port:
        assert ask(port, timeout=0.3, samples=1).error == "timeout"


@pytest.mark.parametrize(
    ("code", "kiss"),
    [(b"DENY", "DENY"), (b"RATE", "RATE"), (b"\x1b[31", "\x1b[31"), (b"\xff\0\0\0", "\\xff")],
)
def test_a_kiss_of_death_is_no_time(code, kiss):
    asked = []

    def server(query):
        asked.append(query)
        return packet(query, stratum=0, leap=3, reference=code)

    with scripted(udp=server) as port:
        seen = ask(port)
    assert (seen.kiss, seen.samples, seen.fit(), seen.error) == (kiss, (), False, None)
    assert len(asked) == 1, "who is told to go does not ask on"


def test_a_server_that_limits_rates_after_one_answer_has_given_the_time():
    asked = []

    def server(query):
        asked.append(query)
        return packet(query) if len(asked) == 1 else packet(query, stratum=0, reference=b"RATE")

    with scripted(udp=server) as port:
        seen = ask(port)
    assert (len(seen.samples), seen.kiss, seen.stratum, seen.fit()) == (1, "RATE", 2, True)


@pytest.mark.parametrize(("received", "transmitted"), [(0, 0), (0.0, 180.0), (180.0, 0.0)])
def test_times_that_cannot_be_are_no_sample(received, transmitted):
    def server(query):
        if received == transmitted:
            return packet(query, received=bytes(8), transmitted=bytes(8))
        return packet(query, received=clock(received), transmitted=clock(transmitted))

    with scripted(udp=server) as port:
        seen = ask(port)
    assert (seen.samples, seen.fit(), seen.error) == ((), False, None)


def test_the_quickest_sample_is_the_best():
    asked = []

    def slow(query):
        asked.append(query)
        if len(asked) != 3:
            time.sleep(0.05)
            return packet(query, received=clock(0.4), transmitted=clock(0.4))
        return packet(query)

    with scripted(udp=slow) as port:
        seen = ask(port)
    assert len(seen.samples) == 4
    assert abs(seen.best().offset_s) < 0.2


def test_the_era_that_begins_in_2036():
    assert ntp._apart(5, (1 << 64) - (1 << 32)) == pytest.approx(1, abs=1e-6)
    assert ntp._apart((1 << 64) - (1 << 32), 0) == -1
    assert ntp._to_ntp(0) >> 32 == 2_208_988_800
    assert ntp._to_ntp((2_085_978_496 + 3) * 10**9) >> 32 == 3, "2036-02-07 06:28:16 plus 3 s"


def test_a_cancelled_question_leaves_no_socket():
    with scripted(udp=lambda query: None) as port:

        async def run():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await ntp.ask(f"127.0.0.1:{port}", timeout=60)

        asyncio.run(run())
